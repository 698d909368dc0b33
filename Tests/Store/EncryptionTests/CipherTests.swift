import Encryption
import Testing

@Suite("Cipher")
struct CipherTests {
    @Test("SHA-256 of FIPS 180-4's examples")
    func sha256() {
        #expect(
            Cipher.sha256(Array("abc".utf8))
                == hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        )
        #expect(
            Cipher.sha256([UInt8]())
                == hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        )
    }

    @Test("A digest built piece by piece equals the digest of the whole")
    func incremental() {
        let bytes = counting(from: 0, 1000)
        var builder = DigestBuilder()
        builder.update(bytes[..<1])
        builder.update([])
        builder.update(bytes[1..<700])
        builder.update(bytes[700...])
        let built = builder.finish()
        #expect(built == Digest(of: bytes))
        #expect(Digest(of: bytes[..<300], then: bytes[300...]) == Digest(of: bytes))
        #expect(Digest.zero.chained(with: bytes[...]) == Digest(of: Digest.zero.bytes + bytes))
        #expect(Digest(built.bytes) == built)
    }

    @Test("HMAC-SHA-256 of RFC 4231", arguments: hmacVectors)
    func hmac(vector: HMACVector) {
        #expect(Cipher.hmacSHA256(key: vector.key, vector.data) == vector.mac)
    }

    @Test("HKDF-SHA-256 of RFC 5869, appendix A", arguments: hkdfVectors)
    func hkdf(vector: HKDFVector) {
        let prk = Cipher.hkdfExtract(salt: vector.salt, ikm: vector.ikm)
        #expect(prk == vector.prk)
        #expect(
            Cipher.hkdfExpand(prk: prk, info: vector.info, count: vector.okm.count) == vector.okm
        )
    }

    @Test("A key derived from slot to slot equals HKDF over the bytes")
    func derive() {
        let root = counting(from: 9, 32)
        let prk = Cipher.hkdfExtract(salt: [1, 2, 3], ikm: root)
        let expected = Cipher.hkdfExpand(prk: prk, info: Array("a use".utf8), count: 32)
        let derived = Cipher.derive(from: SecretKey(root), salt: [1, 2, 3], info: "a use")
        #expect(derived.exposedBytes == expected)
        #expect(!derived.isSame(as: Cipher.derive(from: SecretKey(root), info: "a use")))
    }

    @Test("AES-256-GCM of NIST's test cases 13 to 16", arguments: gcmVectors)
    func gcm(vector: GCMVector) throws {
        let sealed = Cipher.sealGCM(
            key: vector.key,
            nonce: vector.nonce,
            aad: vector.aad,
            vector.plaintext
        )
        #expect(sealed == vector.sealed)
        let opened = try Cipher.openGCM(
            key: SecretKey(vector.key),
            nonce: vector.nonce,
            aad: vector.aad,
            sealed[...]
        )
        #expect(opened == vector.plaintext)
    }

    @Test("Nothing opens that differs by one bit in ciphertext, tag, nonce, data or key")
    func gcmFlips() {
        let vector = gcmVectors[3]
        let (key, nonce, aad) = (vector.key, vector.nonce, vector.aad)
        func opens(_ key: [UInt8], _ nonce: [UInt8], _ aad: [UInt8], _ sealed: [UInt8]) -> Bool {
            (try? Cipher.openGCM(key: key, nonce: nonce, aad: aad, sealed[...])) != nil
        }
        #expect(opens(key, nonce, aad, vector.sealed))
        #expect(flips(of: vector.sealed).allSatisfy { !opens(key, nonce, aad, $0) })
        #expect(flips(of: nonce).allSatisfy { !opens(key, $0, aad, vector.sealed) })
        #expect(flips(of: aad).allSatisfy { !opens(key, nonce, $0, vector.sealed) })
        #expect(flips(of: key).allSatisfy { !opens($0, nonce, aad, vector.sealed) })
        for count in 0..<vector.sealed.count {
            #expect(!opens(key, nonce, aad, Array(vector.sealed.prefix(count))))
        }
    }

    @Test("A failed opening leaves the thread's context fit for the next")
    func afterFailure() throws {
        let key = counting(from: 1, 32)
        let nonce = counting(from: 5, 12)
        let sealed = Cipher.sealGCM(key: key, nonce: nonce, aad: [], [1, 2, 3])
        #expect(throws: SealError.doesNotOpen) {
            try Cipher.openGCM(key: key, nonce: nonce, aad: [9], sealed[...])
        }
        #expect(try Cipher.openGCM(key: key, nonce: nonce, aad: [], sealed[...]) == [1, 2, 3])
    }

    @Test("Many threads seal and open with contexts of their own")
    func threads() async {
        let right = await withTaskGroup(of: Bool.self) { group in
            for number in UInt8(0)..<8 {
                group.addTask {
                    let key = counting(from: number, 32)
                    return (0..<500).allSatisfy { round in
                        let text = counting(from: UInt8(truncatingIfNeeded: round), round % 97)
                        let nonce = counting(from: UInt8(truncatingIfNeeded: round), 12)
                        let sealed = Cipher.sealGCM(key: key, nonce: nonce, aad: text, text)
                        return
                            (try? Cipher.openGCM(
                                key: key,
                                nonce: nonce,
                                aad: text,
                                sealed[...]
                            )) == text
                    }
                }
            }
            return await group.allSatisfy { $0 }
        }
        #expect(right)
    }

    @Test("Comparison tells length and content apart")
    func equality() {
        #expect(Cipher.constantTimeEquals([], []))
        #expect(Cipher.constantTimeEquals([1, 2], [1, 2]))
        #expect(!Cipher.constantTimeEquals([1, 2], [1, 3]))
        #expect(!Cipher.constantTimeEquals([1, 2], [1, 2, 0]))
    }
}
