internal import Primitives

/// What a key ring file tells without any key: enough to name it in an error.
package struct KeyRingPreamble: Sendable, Equatable {
    package let ringID: [UInt8]
    package let generation: UInt64
    package let slots: [RootSlot]
    fileprivate let header: [UInt8]
    fileprivate let nonce: [UInt8]
    fileprivate let body: [UInt8]

    /// `(ring 0a1b…, generation 4; slots current 11aa…, next 22bb…)`
    package var summary: String {
        let slots = slots.map { "\($0.kind) \($0.fingerprint)" }.joined(separator: ", ")
        return "ring \(hexadecimal(ringID.prefix(8))), generation \(generation); slots \(slots)"
    }
}

/// The bytes of a key ring file (`Specs/Formats/Keyring.md`).
extension KeyRing {
    private static let magic = Array("WBLRING1".utf8)
    /// AES-256-GCM and HKDF-SHA256.
    private static let suite: UInt16 = 1
    private static let limits = (slots: 8, keys: 100_000)

    /// One file's bytes. `nonce` must be 12 fresh random bytes.
    package func encoded(nonce: [UInt8]) -> [UInt8] {
        var body = ByteWriter(reserving: 64 + keys.count * 45)
        body.raw(storeID)
        body.varint(keys.count)
        for key in keys {
            body.u8(key.kind.rawValue)
            body.u32(key.epoch)
            body.u64(key.createdMilliseconds)
            key.secret.withUnsafeBytes { body.bytes.append(contentsOf: $0) }
        }
        var file = ByteWriter(reserving: 256 + body.count)
        file.raw(KeyRing.magic)
        file.u16(1)
        file.u16(KeyRing.suite)
        file.raw(ringID)
        file.u64(generation)
        file.u8(UInt8(slots.count))
        for slot in slots {
            file.u8(slot.kind.rawValue)
            file.raw(slot.fingerprint.bytes)
            file.blob(slot.wrapped)
        }
        let sealed = Cipher.sealGCM(
            key: KeyRing.bodyKey(ringKey, ringID),
            nonce: nonce,
            aad: file.bytes,
            body.bytes
        )
        Cipher.wipe(&body.bytes)
        file.raw(nonce)
        file.u32(UInt32(sealed.count))
        file.raw(sealed)
        file.raw(Cipher.sha256(file.bytes))
        return file.bytes
    }

    /// Checks what can be checked without a key. Throws `E-KEY-011` for anything but whole bytes.
    package static func preamble(of bytes: [UInt8]) throws(KeyError) -> KeyRingPreamble {
        guard bytes.count > magic.count + Digest.count, bytes.starts(with: magic) else {
            throw damaged("it does not begin like a key ring")
        }
        let end = bytes.count - Digest.count
        guard Digest(of: bytes[..<end]) == Digest(bytes[end...]) else {
            throw damaged("its checksum does not fit")
        }
        do throws(DecodeError) {
            return try parse(bytes[..<end])
        } catch {
            throw damaged(error.description)
        }
    }

    /// Opens a key ring with a root key.
    ///
    /// Throws `E-KEY-011` when the bytes are damaged and `E-KEY-010`, with the fingerprints of
    /// the slots, when `root` opens none of them.
    package init(opening bytes: [UInt8], root: SecretKey) throws(KeyError) {
        let preamble = try KeyRing.preamble(of: bytes)
        let ringKey = preamble.slots.lazy.compactMap {
            $0.open(with: root, ringID: preamble.ringID)
        }.first
        guard let ringKey else {
            throw KeyError(
                .wrongRoot,
                "root key \(root.fingerprint) opens no slot of the key ring (\(preamble.summary)); "
                    + "nothing was changed",
                remedy: "configure the root key that one of these fingerprints belongs to"
            )
        }
        var body: [UInt8]
        do throws(SealError) {
            body = try Cipher.openGCM(
                key: KeyRing.bodyKey(ringKey, preamble.ringID),
                nonce: preamble.nonce,
                aad: preamble.header,
                preamble.body[...]
            )
        } catch {
            throw KeyRing.damaged("its keys were altered")
        }
        defer { Cipher.wipe(&body) }
        do throws(DecodeError) {
            self = try KeyRing.decode(body, preamble, ringKey)
        } catch {
            throw KeyRing.damaged(error.description)
        }
    }

    private static func parse(_ bytes: ArraySlice<UInt8>) throws(DecodeError) -> KeyRingPreamble {
        var reader = ByteReader(bytes)
        _ = try reader.raw(magic.count)
        let version = try reader.u16()
        guard version == 1 else { throw .unknownVersion(UInt64(version)) }
        let suite = try reader.u16()
        guard suite == KeyRing.suite else { throw .invalid("unknown suite \(suite)") }
        let ringID = Array(try reader.raw(16))
        let generation = try reader.u64()
        let slotCount = Int(try reader.u8())
        guard slotCount <= limits.slots else { throw .invalid("\(slotCount) slots") }
        var slots: [RootSlot] = []
        for _ in 0..<slotCount {
            let rawKind = try reader.u8()
            guard let kind = RootSlot.Kind(rawValue: rawKind) else {
                throw .unknownKind(UInt64(rawKind))
            }
            let fingerprint: KeyFingerprint = .init(try reader.raw(KeyFingerprint.count))
            slots.append(
                RootSlot(
                    kind: kind,
                    fingerprint: fingerprint,
                    wrapped: Array(try reader.blob())
                )
            )
        }
        let header = Array(bytes.dropLast(reader.remaining))
        let nonce = Array(try reader.raw(Cipher.nonceCount))
        let bodyCount = Int(try reader.u32())
        let body = Array(try reader.raw(bodyCount))
        try reader.expectEnd()
        return KeyRingPreamble(
            ringID: ringID,
            generation: generation,
            slots: slots,
            header: header,
            nonce: nonce,
            body: body
        )
    }

    private static func decode(
        _ body: [UInt8],
        _ preamble: KeyRingPreamble,
        _ ringKey: SecretKey
    ) throws(DecodeError) -> KeyRing {
        var reader = ByteReader(body)
        let storeID = Array(try reader.raw(16))
        let count = try reader.count(limit: limits.keys)
        var keys: [RingKey] = []
        for _ in 0..<count {
            let rawKind = try reader.u8()
            guard let kind = KeyKind(rawValue: rawKind) else {
                throw .unknownKind(UInt64(rawKind))
            }
            keys.append(
                RingKey(
                    kind: kind,
                    epoch: try reader.u32(),
                    createdMilliseconds: try reader.u64(),
                    secret: SecretKey(try reader.raw(SecretKey.count))
                )
            )
        }
        try reader.expectEnd()
        guard KeyKind.allCases.allSatisfy({ kind in keys.contains { $0.kind == kind } }) else {
            throw .invalid("it lacks a kind of key")
        }
        return KeyRing(
            ringID: preamble.ringID,
            storeID: storeID,
            generation: preamble.generation,
            slots: preamble.slots,
            keys: keys,
            ringKey: ringKey
        )
    }

    private static func bodyKey(_ ringKey: SecretKey, _ ringID: [UInt8]) -> SecretKey {
        Cipher.derive(from: ringKey, salt: ringID, info: "warbler/ring-body/1")
    }

    private static func damaged(_ why: String) -> KeyError {
        KeyError(
            .ringDamaged,
            "the key ring is damaged: \(why)",
            remedy: "restore KEYRING from a copy; without it the data cannot be opened"
        )
    }
}
