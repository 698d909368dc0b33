internal import Primitives

/// What a wrapped key is for. Numbers are on disk: never reuse one.
package enum WrappedKind: UInt8, Sendable, CaseIterable {
    case room = 1
    case user = 2
    case media = 3
    /// Pepper, token key, signing keys, the cluster's CA key.
    case server = 4
}

/// Names a wrapped key and what it was wrapped with: the clear beginning of its row.
package struct WrappedHeader: Equatable, Sendable {
    static let count = 1 + 1 + 8 + 4 + 4 + Cipher.nonceCount
    package let kind: WrappedKind
    package let id: KeyID
    /// The key's own epoch: a room key's, 0 for the rest.
    package let keyEpoch: UInt32
    /// The epoch of the wrapping key (`KeyKind.wrap` in the key ring).
    package let wrapEpoch: UInt32

    package init(kind: WrappedKind, id: KeyID, keyEpoch: UInt32, wrapEpoch: UInt32) {
        self.kind = kind
        self.id = id
        self.keyEpoch = keyEpoch
        self.wrapEpoch = wrapEpoch
    }

    /// Reads the header of a wrapped key (`Specs/Formats/SealedBody.md`).
    package init(of wrapped: ArraySlice<UInt8>) throws(SealError) {
        guard wrapped.count >= WrappedHeader.count + Cipher.tagCount else {
            throw .malformed("a wrapped key is longer than \(wrapped.count) bytes")
        }
        var reader = ByteReader(wrapped)
        do throws(DecodeError) {
            let version = try reader.u8()
            guard version == 1 else { throw .unknownVersion(UInt64(version)) }
            let rawKind = try reader.u8()
            guard let kind = WrappedKind(rawValue: rawKind) else {
                throw .unknownKind(UInt64(rawKind))
            }
            self.kind = kind
            id = KeyID(try reader.u64())
            keyEpoch = try reader.u32()
            wrapEpoch = try reader.u32()
        } catch {
            throw .malformed(error.description)
        }
    }

    fileprivate func encoded(nonce: [UInt8]) -> [UInt8] {
        precondition(nonce.count == Cipher.nonceCount, "a GCM nonce has 12 bytes")
        var writer = ByteWriter(reserving: WrappedHeader.count)
        writer.u8(1)
        writer.u8(kind.rawValue)
        writer.u64(id.raw)
        writer.u32(keyEpoch)
        writer.u32(wrapEpoch)
        writer.raw(nonce)
        return writer.bytes
    }
}

/// Wraps keys for the rows and the log of the key partition (architecture 2.6): AES-256-GCM under
/// the cluster key of an epoch that is rotated daily. The row does not open under another key ID,
/// kind or epoch than it was wrapped for.
package enum KeyWrap {
    /// `nonce` must be 12 fresh random bytes; one epoch's key wraps at most 2³² keys.
    package static func wrap(
        _ secret: SecretKey,
        as header: WrappedHeader,
        with wrapKey: SecretKey,
        nonce: [UInt8]
    ) -> [UInt8] {
        secret.withUnsafeBytes { secret in
            var bytes = Array(secret)
            defer { Cipher.wipe(&bytes) }
            return wrap(bytes: bytes, as: header, with: wrapKey, nonce: nonce)
        }
    }

    /// For keys that are not 32 bytes long, such as a certificate authority's.
    package static func wrap(
        bytes: [UInt8],
        as header: WrappedHeader,
        with wrapKey: SecretKey,
        nonce: [UInt8]
    ) -> [UInt8] {
        let clear = header.encoded(nonce: nonce)
        return wrapKey.withUnsafeBytes {
            Cipher.seal(key: $0, nonce: nonce, aad: label + clear, bytes[...], after: clear)
        }
    }

    package static func unwrap(
        _ wrapped: ArraySlice<UInt8>,
        as expected: WrappedHeader,
        with wrapKey: SecretKey
    ) throws(SealError) -> SecretKey {
        var bytes = try unwrapBytes(wrapped, as: expected, with: wrapKey)
        defer { Cipher.wipe(&bytes) }
        guard bytes.count == SecretKey.count else {
            throw .malformed("a key has 32 bytes, not \(bytes.count)")
        }
        return SecretKey(bytes)
    }

    /// Compares the header with what the caller looked for before it opens anything.
    package static func unwrapBytes(
        _ wrapped: ArraySlice<UInt8>,
        as expected: WrappedHeader,
        with wrapKey: SecretKey
    ) throws(SealError) -> [UInt8] {
        guard try WrappedHeader(of: wrapped) == expected else { throw .doesNotOpen }
        let bodyStart = wrapped.startIndex + WrappedHeader.count
        let clear = Array(wrapped[..<bodyStart])
        let nonce = Array(clear.suffix(Cipher.nonceCount))
        return try wrapKey.withUnsafeBytes { key throws(SealError) in
            try Cipher.open(key: key, nonce: nonce, aad: label + clear, wrapped[bodyStart...])
        }
    }

    private static let label = Array("warbler/wrap/1".utf8)
}
