internal import Primitives

/// What an account item is. Part of the key derivation, so a sealed profile never opens as a
/// credential. Numbers are on disk: never reuse one.
package enum ItemKind: UInt8, Sendable, CaseIterable {
    case profile = 1
    case accountData = 2
    case roomAccountData = 3
    case credential = 4
    case device = 5
    case deviceKeys = 6
    case filter = 7
    case toDevice = 8
    case pushRule = 9
    case pusher = 10
    case thirdPartyIdentifier = 11
    case receipt = 12
    case transaction = 13
    case other = 255
}

/// The clear facts that a sealed account item is tied to.
package struct ItemBinding: Sendable {
    package let user: String
    package let kind: ItemKind
    /// Which one of its kind: the account data type, the device ID, …
    package let name: String

    package init(user: String, kind: ItemKind, name: String) {
        self.user = user
        self.kind = kind
        self.name = name
    }
}

/// Seals what belongs to one account under that user's key.
///
/// An item may be sealed many times with different content, so every sealing takes a fresh
/// 16-byte random salt into its key derivation; the nonce stays zero because no key is used
/// twice. Layout: version, key ID, salt, ciphertext, tag (`Specs/Formats/SealedBody.md`).
package enum ItemSealer {
    package static let saltCount = 16
    package static let overhead = headerCount + Cipher.tagCount
    private static let headerCount = 1 + 8 + saltCount

    /// `salt` must be 16 fresh random bytes.
    package static func seal(
        _ plaintext: [UInt8],
        for binding: ItemBinding,
        with key: UserKey,
        salt: [UInt8]
    ) -> [UInt8] {
        precondition(salt.count == saltCount, "an item's salt has 16 bytes")
        var header = ByteWriter(reserving: headerCount)
        header.u8(1)
        header.u64(key.id.raw)
        header.raw(salt)
        let aad = associatedData(header.bytes[...], binding)
        return itemKey(binding.kind, key, salt: salt).withUnsafeBytes {
            Cipher.seal(
                key: $0,
                nonce: zeroNonce,
                aad: aad,
                plaintext[...],
                after: header.bytes
            )
        }
    }

    package static func open(
        _ sealed: ArraySlice<UInt8>,
        for binding: ItemBinding,
        with key: UserKey
    ) throws(SealError) -> [UInt8] {
        guard try keyID(of: sealed) == key.id else { throw .doesNotOpen }
        let bodyStart = sealed.startIndex + headerCount
        let header = sealed[sealed.startIndex..<bodyStart]
        let aad = associatedData(header, binding)
        let oneTime = itemKey(binding.kind, key, salt: Array(header.suffix(saltCount)))
        return try oneTime.withUnsafeBytes { bytes throws(SealError) in
            try Cipher.open(key: bytes, nonce: zeroNonce, aad: aad, sealed[bodyStart...])
        }
    }

    package static func open(
        _ sealed: [UInt8],
        for binding: ItemBinding,
        with key: UserKey
    ) throws(SealError) -> [UInt8] {
        try open(sealed[...], for: binding, with: key)
    }

    /// Which user key opens this item.
    package static func keyID(of sealed: ArraySlice<UInt8>) throws(SealError) -> KeyID {
        guard sealed.count >= overhead else {
            throw .malformed("a sealed item has at least \(overhead) bytes, not \(sealed.count)")
        }
        var reader = ByteReader(sealed)
        do throws(DecodeError) {
            let version = try reader.u8()
            guard version == 1 else { throw .unknownVersion(UInt64(version)) }
            return KeyID(try reader.u64())
        } catch {
            throw .malformed(error.description)
        }
    }

    private static func itemKey(_ kind: ItemKind, _ key: UserKey, salt: [UInt8]) -> SecretKey {
        var info = Array("warbler/item/1".utf8)
        info.append(kind.rawValue)
        return extract(saltBytes: salt, from: key.secret).expanded(info: info)
    }

    private static func associatedData(
        _ header: ArraySlice<UInt8>,
        _ binding: ItemBinding
    ) -> [UInt8] {
        var aad = ByteWriter(reserving: headerCount + 64)
        aad.raw(header)
        aad.string(binding.user)
        aad.u8(binding.kind.rawValue)
        aad.string(binding.name)
        return aad.bytes
    }
}
