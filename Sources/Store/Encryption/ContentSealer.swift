internal import CCipher
internal import Primitives

/// The clear facts that a sealed body is tied to: moved to another event, room or type, it does
/// not open.
package struct ContentBinding: Sendable {
    package let room: String
    package let event: String
    package let type: String
    /// The layout of what is sealed (content, salt, parts).
    package let schema: UInt16

    package init(room: String, event: String, type: String, schema: UInt16) {
        self.room = room
        self.event = event
        self.type = type
        self.schema = schema
    }
}

/// The clear beginning of a sealed body: which keys open it.
package struct SealedHeader: Equatable, Sendable {
    package static let count = 23
    package let schema: UInt16
    package let roomKey: KeyID
    package let userKey: KeyID
    package let epoch: UInt32

    /// Reads the header of a sealed body (`Specs/Formats/SealedBody.md`).
    package init(of sealed: ArraySlice<UInt8>) throws(SealError) {
        guard sealed.count >= SealedHeader.count + Cipher.tagCount else {
            throw .malformed("a sealed body has at least 39 bytes, not \(sealed.count)")
        }
        var reader = ByteReader(sealed)
        do throws(DecodeError) {
            let version = try reader.u8()
            guard version == 1 else { throw .unknownVersion(UInt64(version)) }
            schema = try reader.u16()
            epoch = try reader.u32()
            roomKey = KeyID(try reader.u64())
            userKey = KeyID(try reader.u64())
        } catch {
            throw .malformed(error.description)
        }
    }
}

/// Seals what an event says, once, before it is replicated (architecture 2.6).
///
/// The key is used for one message: it comes from the event ID, which commits to the content
/// together with a random salt, so sealing the same event again gives the same bytes and a zero
/// nonce is safe. Never seal two different plaintexts under one event ID, user and room key.
package enum ContentSealer {
    /// Bytes added to what is sealed.
    package static let overhead = SealedHeader.count + Cipher.tagCount

    package static func seal(
        _ plaintext: [UInt8],
        for binding: ContentBinding,
        with key: ContentKey
    ) -> [UInt8] {
        let total = overhead + plaintext.count
        return [UInt8](unsafeUninitializedCapacity: total) { out, initialized in
            writeHeader(schema: binding.schema, key: key, into: out)
            let header = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(out)[..<headerEnd])
            let done = withOneTimeKey(binding, key, header: header) { oneTime, aad in
                plaintext.withUnsafeBytes {
                    warbler_gcm_seal(
                        oneTime,
                        zeroNonce,
                        aad.baseAddress,
                        aad.count,
                        $0.baseAddress,
                        $0.count,
                        out.baseAddress! + headerEnd
                    )
                }
            }
            precondition(done == 1, "AES-GCM needs no more than memory")
            initialized = total
        }
    }

    /// The plaintext. Throws `SealError.doesNotOpen` when anything differs from the sealing:
    /// keys, binding or a single bit.
    package static func open(
        _ sealed: ArraySlice<UInt8>,
        for binding: ContentBinding,
        with key: ContentKey
    ) throws(SealError) -> [UInt8] {
        let header = try SealedHeader(of: sealed)
        guard header.roomKey == key.roomKey, header.userKey == key.userKey,
            header.epoch == key.epoch, header.schema == binding.schema
        else { throw .doesNotOpen }
        let count = sealed.count - overhead
        var verdict: Int32 = 0
        let plaintext = sealed.withUnsafeBytes { sealed in
            [UInt8](unsafeUninitializedCapacity: max(1, count)) { out, initialized in
                let header = UnsafeRawBufferPointer(rebasing: sealed[..<headerEnd])
                verdict = withOneTimeKey(binding, key, header: header) { oneTime, aad in
                    warbler_gcm_open(
                        oneTime,
                        zeroNonce,
                        aad.baseAddress,
                        aad.count,
                        sealed.baseAddress! + headerEnd,
                        sealed.count - headerEnd,
                        out.baseAddress!
                    )
                }
                initialized = verdict == 1 ? count : 0
            }
        }
        precondition(verdict >= 0, "AES-GCM needs no more than memory")
        guard verdict == 1 else { throw .doesNotOpen }
        return plaintext
    }

    package static func open(
        _ sealed: [UInt8],
        for binding: ContentBinding,
        with key: ContentKey
    ) throws(SealError) -> [UInt8] {
        try open(sealed[...], for: binding, with: key)
    }

    private static let headerEnd = SealedHeader.count
    private static let label: StaticString = "warbler/ev/1"

    private static func writeHeader(
        schema: UInt16,
        key: ContentKey,
        into out: UnsafeMutableBufferPointer<UInt8>
    ) {
        let raw = UnsafeMutableRawBufferPointer(out)
        raw[0] = 1
        raw.storeBytes(of: schema.bigEndian, toByteOffset: 1, as: UInt16.self)
        raw.storeBytes(of: key.epoch.bigEndian, toByteOffset: 3, as: UInt32.self)
        raw.storeBytes(of: key.roomKey.raw.bigEndian, toByteOffset: 7, as: UInt64.self)
        raw.storeBytes(of: key.userKey.raw.bigEndian, toByteOffset: 15, as: UInt64.self)
    }

    /// Derives the event's key and lays out the associated data, both on the stack:
    /// header ‖ (length ‖ bytes) of room, event and type. The header holds epoch and schema.
    private static func withOneTimeKey(
        _ binding: ContentBinding,
        _ key: ContentKey,
        header: UnsafeRawBufferPointer,
        _ body: (UnsafePointer<UInt8>, UnsafeRawBufferPointer) -> Int32
    ) -> Int32 {
        let room = binding.room.utf8.count
        let event = binding.event.utf8.count
        let aadCount = header.count + 12 + room + event + binding.type.utf8.count
        return withUnsafeTemporaryAllocation(
            byteCount: aadCount + Cipher.keyCount,
            alignment: 8
        ) { scratch in
            let oneTime = UnsafeMutableRawBufferPointer(rebasing: scratch[..<Cipher.keyCount])
            let aad = UnsafeMutableRawBufferPointer(rebasing: scratch[Cipher.keyCount...])
            aad.copyMemory(from: header)
            var end = header.count
            end = appendText(binding.room, to: aad, at: end)
            let eventStart = end + 4
            end = appendText(binding.event, to: aad, at: end)
            _ = appendText(binding.type, to: aad, at: end)
            let keyBytes = oneTime.baseAddress!.assumingMemoryBound(to: UInt8.self)
            let derived = key.pseudoRandomKey.withUnsafeBytes { prk in
                warbler_hkdf_expand(
                    prk.baseAddress!.assumingMemoryBound(to: UInt8.self),
                    label.utf8Start,
                    label.utf8CodeUnitCount,
                    aad.baseAddress! + eventStart,
                    event,
                    keyBytes,
                    Cipher.keyCount
                )
            }
            precondition(derived == 1, "HKDF needs no more than memory")
            defer { warbler_zero(oneTime.baseAddress!, oneTime.count) }
            return body(keyBytes, UnsafeRawBufferPointer(aad))
        }
    }

    /// A 32-bit length and the UTF-8 bytes; returns the offset behind them.
    private static func appendText(
        _ text: String,
        to buffer: UnsafeMutableRawBufferPointer,
        at start: Int
    ) -> Int {
        let count = text.utf8.count
        buffer.storeBytes(of: UInt32(count).bigEndian, toByteOffset: start, as: UInt32.self)
        let target = UnsafeMutableRawBufferPointer(
            rebasing: buffer[(start + 4)..<(start + 4 + count)]
        )
        if text.utf8.withContiguousStorageIfAvailable({
            target.copyMemory(from: UnsafeRawBufferPointer($0))
        }) == nil {
            target.copyBytes(from: text.utf8)
        }
        return start + 4 + count
    }
}

/// Safe only under a key that seals one message.
let zeroNonce = [UInt8](repeating: 0, count: Cipher.nonceCount)

/// HKDF-Extract from slot to slot.
func extract(salt: SecretKey, from key: SecretKey) -> SecretKey {
    salt.withUnsafeBytes { salt in
        key.withUnsafeBytes { ikm in
            SecretKey {
                warbler_hmac_sha256(
                    salt.baseAddress,
                    salt.count,
                    ikm.baseAddress,
                    ikm.count,
                    nil,
                    0,
                    $0
                )
            }
        }
    }
}

/// HKDF-Extract with a public salt.
func extract(saltBytes: [UInt8], from key: SecretKey) -> SecretKey {
    saltBytes.withUnsafeBytes { salt in
        key.withUnsafeBytes { ikm in
            SecretKey {
                warbler_hmac_sha256(
                    salt.baseAddress,
                    salt.count,
                    ikm.baseAddress,
                    ikm.count,
                    nil,
                    0,
                    $0
                )
            }
        }
    }
}
