internal import CCipher

/// What sealed bytes have to say when they do not open.
package enum SealError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The tag does not fit: another key, another binding, or altered bytes.
    case doesNotOpen
    /// Shorter than its own header and tag, or of a version this release does not know.
    case malformed(String)

    package var description: String {
        switch self {
        case .doesNotOpen: "sealed bytes do not open: wrong key, wrong place or altered"
        case .malformed(let why): "sealed bytes are malformed: \(why)"
        }
    }
}

/// The algorithms, each under one name. Keys are 32 bytes, nonces 12, tags 16.
///
/// Nothing here chooses a nonce or a salt: randomness is the caller's, as a parameter.
package enum Cipher {
    package static let keyCount = 32
    package static let nonceCount = 12
    package static let tagCount = 16

    package static func sha256(_ bytes: [UInt8]) -> [UInt8] { Digest(of: bytes).bytes }
    package static func sha256(_ bytes: ArraySlice<UInt8>) -> [UInt8] { Digest(of: bytes).bytes }

    /// HMAC-SHA-256 (RFC 2104): 32 bytes.
    package static func hmacSHA256(key: [UInt8], _ data: [UInt8]) -> [UInt8] {
        key.withUnsafeBytes { hmac(key: $0, data[...]) }
    }

    /// The same under a key that stays in its slot, for tokens and pepper.
    package static func hmacSHA256(key: SecretKey, _ data: [UInt8]) -> [UInt8] {
        key.withUnsafeBytes { hmac(key: $0, data[...]) }
    }

    private static func hmac(key: UnsafeRawBufferPointer, _ data: ArraySlice<UInt8>) -> [UInt8] {
        data.withUnsafeBytes { data in
            filled(Digest.count) {
                warbler_hmac_sha256(
                    key.baseAddress,
                    key.count,
                    data.baseAddress,
                    data.count,
                    nil,
                    0,
                    $0
                )
            }
        }
    }

    /// HKDF-Extract (RFC 5869): 32 bytes.
    package static func hkdfExtract(salt: [UInt8], ikm: [UInt8]) -> [UInt8] {
        hmacSHA256(key: salt, ikm)
    }

    /// HKDF-Expand (RFC 5869): `count` bytes, at most 8,160.
    package static func hkdfExpand(prk: [UInt8], info: [UInt8], count: Int) -> [UInt8] {
        precondition(prk.count == Digest.count, "a pseudo-random key has 32 bytes")
        return prk.withUnsafeBytes { expand(prk: $0, info: info, count: count) }
    }

    /// A key derived from another for the purpose `info` names.
    package static func derive(from key: SecretKey, salt: [UInt8] = [], info: String) -> SecretKey {
        let prk = key.withUnsafeBytes { ikm in
            SecretKey { out in
                salt.withUnsafeBytes {
                    warbler_hmac_sha256(
                        $0.baseAddress,
                        $0.count,
                        ikm.baseAddress,
                        ikm.count,
                        nil,
                        0,
                        out
                    )
                }
            }
        }
        return prk.expanded(info: Array(info.utf8))
    }

    static func expand(
        prk: UnsafeRawBufferPointer,
        info: [UInt8],
        count: Int
    ) -> [UInt8] {
        precondition(count <= 255 * Digest.count, "HKDF gives at most 255 blocks")
        return info.withUnsafeBytes { info in
            filled(count) {
                warbler_hkdf_expand(
                    prk.baseAddress!.assumingMemoryBound(to: UInt8.self),
                    info.baseAddress,
                    info.count,
                    nil,
                    0,
                    $0,
                    count
                )
            }
        }
    }

    /// AES-256-GCM (SP 800-38D): ciphertext, then the tag.
    package static func sealGCM(
        key: [UInt8],
        nonce: [UInt8],
        aad: [UInt8],
        _ plaintext: [UInt8]
    ) -> [UInt8] {
        precondition(key.count == keyCount, "an AES-256 key has 32 bytes")
        return key.withUnsafeBytes {
            seal(key: $0, nonce: nonce, aad: aad, plaintext[...], after: [])
        }
    }

    package static func sealGCM(
        key: SecretKey,
        nonce: [UInt8],
        aad: [UInt8],
        _ plaintext: [UInt8]
    ) -> [UInt8] {
        key.withUnsafeBytes { seal(key: $0, nonce: nonce, aad: aad, plaintext[...], after: []) }
    }

    package static func openGCM(
        key: [UInt8],
        nonce: [UInt8],
        aad: [UInt8],
        _ sealed: ArraySlice<UInt8>
    ) throws(SealError) -> [UInt8] {
        precondition(key.count == keyCount, "an AES-256 key has 32 bytes")
        // Array's own withUnsafeBytes rethrows untyped, so the error travels as a value.
        let result = key.withUnsafeBytes { key in
            Result { () throws(SealError) in
                try open(key: key, nonce: nonce, aad: aad, sealed)
            }
        }
        return try result.get()
    }

    package static func openGCM(
        key: SecretKey,
        nonce: [UInt8],
        aad: [UInt8],
        _ sealed: ArraySlice<UInt8>
    ) throws(SealError) -> [UInt8] {
        try key.withUnsafeBytes { key throws(SealError) in
            try open(key: key, nonce: nonce, aad: aad, sealed)
        }
    }

    /// Equal bytes? Takes a time that depends on the lengths only.
    package static func constantTimeEquals(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        guard a.count == b.count else { return false }
        return a.withUnsafeBytes { a in
            b.withUnsafeBytes { b in
                a.isEmpty || warbler_equal(a.baseAddress, b.baseAddress, a.count) == 1
            }
        }
    }

    /// Overwrites `bytes` in place and empties them. Copies made before are not reached.
    package static func wipe(_ bytes: inout [UInt8]) {
        bytes.withUnsafeMutableBytes {
            if let base = $0.baseAddress { warbler_zero(base, $0.count) }
        }
        bytes = []
    }

    /// `header`, then ciphertext and tag, in one allocation.
    static func seal(
        key: UnsafeRawBufferPointer,
        nonce: [UInt8],
        aad: [UInt8],
        _ plaintext: ArraySlice<UInt8>,
        after header: [UInt8]
    ) -> [UInt8] {
        precondition(nonce.count == nonceCount, "a GCM nonce has 12 bytes")
        return aad.withUnsafeBytes { aad in
            plaintext.withUnsafeBytes { plaintext in
                filled(header.count + plaintext.count + tagCount) { out in
                    for (offset, byte) in header.enumerated() { out[offset] = byte }
                    return warbler_gcm_seal(
                        key.baseAddress!.assumingMemoryBound(to: UInt8.self),
                        nonce,
                        aad.baseAddress,
                        aad.count,
                        plaintext.baseAddress,
                        plaintext.count,
                        out + header.count
                    )
                }
            }
        }
    }

    static func open(
        key: UnsafeRawBufferPointer,
        nonce: [UInt8],
        aad: [UInt8],
        _ sealed: ArraySlice<UInt8>
    ) throws(SealError) -> [UInt8] {
        precondition(nonce.count == nonceCount, "a GCM nonce has 12 bytes")
        guard sealed.count >= tagCount else { throw .malformed("no room for a tag") }
        var verdict: Int32 = 0
        let body = aad.withUnsafeBytes { aad in
            sealed.withUnsafeBytes { sealed in
                [UInt8](unsafeUninitializedCapacity: max(1, sealed.count - tagCount)) {
                    out,
                    count in
                    verdict = warbler_gcm_open(
                        key.baseAddress!.assumingMemoryBound(to: UInt8.self),
                        nonce,
                        aad.baseAddress,
                        aad.count,
                        sealed.baseAddress,
                        sealed.count,
                        out.baseAddress!
                    )
                    count = verdict == 1 ? sealed.count - tagCount : 0
                }
            }
        }
        precondition(verdict >= 0, "AES-GCM needs no more than memory")
        guard verdict == 1 else { throw .doesNotOpen }
        return body
    }

    /// An array of `count` bytes that a libcrypto call fills.
    private static func filled(
        _ count: Int,
        _ fill: (UnsafeMutablePointer<UInt8>) -> Int32
    ) -> [UInt8] {
        guard count > 0 else { return [] }
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            precondition(fill(buffer.baseAddress!) == 1, "libcrypto needs no more than memory")
            initialized = count
        }
    }
}
