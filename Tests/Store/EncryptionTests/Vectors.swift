// Published test vectors: RFC 4231 §4, RFC 5869 appendix A, and the AES-256 cases of the GCM
// specification that NIST SP 800-38D points to.

struct HMACVector: Sendable {
    let key: [UInt8]
    let data: [UInt8]
    let mac: [UInt8]
}

let hmacVectors = [
    HMACVector(
        key: [UInt8](repeating: 0x0b, count: 20),
        data: Array("Hi There".utf8),
        mac: hex("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
    ),
    HMACVector(
        key: Array("Jefe".utf8),
        data: Array("what do ya want for nothing?".utf8),
        mac: hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    ),
    HMACVector(
        key: [UInt8](repeating: 0xaa, count: 20),
        data: [UInt8](repeating: 0xdd, count: 50),
        mac: hex("773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe")
    ),
    HMACVector(
        key: [UInt8](repeating: 0xaa, count: 131),
        data: Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
        mac: hex("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
    ),
]

struct HKDFVector: Sendable {
    let ikm: [UInt8]
    let salt: [UInt8]
    let info: [UInt8]
    let prk: [UInt8]
    let okm: [UInt8]
}

let hkdfVectors = [
    HKDFVector(
        ikm: [UInt8](repeating: 0x0b, count: 22),
        salt: counting(from: 0, 13),
        info: counting(from: 0xf0, 10),
        prk: hex("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"),
        okm: hex(
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
                + "34007208d5b887185865"
        )
    ),
    HKDFVector(
        ikm: counting(from: 0, 80),
        salt: counting(from: 0x60, 80),
        info: counting(from: 0xb0, 80),
        prk: hex("06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244"),
        okm: hex(
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
                + "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
                + "cc30c58179ec3e87c14c01d5c1f3434f1d87"
        )
    ),
    HKDFVector(
        ikm: [UInt8](repeating: 0x0b, count: 22),
        salt: [],
        info: [],
        prk: hex("19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04"),
        okm: hex(
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
                + "9d201395faa4b61a96c8"
        )
    ),
]

struct GCMVector: Sendable {
    let key: [UInt8]
    let nonce: [UInt8]
    let aad: [UInt8]
    let plaintext: [UInt8]
    /// Ciphertext, then tag.
    let sealed: [UInt8]
}

private let gcmKey = hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308")
private let gcmText = hex(
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        + "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255"
)
private let gcmSealedText = hex(
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
        + "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad"
)

let gcmVectors = [
    GCMVector(
        key: [UInt8](repeating: 0, count: 32),
        nonce: [UInt8](repeating: 0, count: 12),
        aad: [],
        plaintext: [],
        sealed: hex("530f8afbc74536b9a963b4f1c4cb738b")
    ),
    GCMVector(
        key: [UInt8](repeating: 0, count: 32),
        nonce: [UInt8](repeating: 0, count: 12),
        aad: [],
        plaintext: [UInt8](repeating: 0, count: 16),
        sealed: hex("cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919")
    ),
    GCMVector(
        key: gcmKey,
        nonce: hex("cafebabefacedbaddecaf888"),
        aad: [],
        plaintext: gcmText,
        sealed: gcmSealedText + hex("b094dac5d93471bdec1a502270e3cc6c")
    ),
    GCMVector(
        key: gcmKey,
        nonce: hex("cafebabefacedbaddecaf888"),
        aad: hex("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
        plaintext: Array(gcmText.prefix(60)),
        sealed: gcmSealedText.prefix(60) + hex("76fc6ece0f4e1768cddf8853bb2d551b")
    ),
]
