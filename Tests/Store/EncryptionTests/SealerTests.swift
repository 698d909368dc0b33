import Encryption
import Primitives
import Testing

private let room = RoomKey(id: KeyID(7), epoch: 3, secret: SecretKey(counting(from: 10, 32)))
private let user = UserKey(id: KeyID(9), secret: SecretKey(counting(from: 70, 32)))
private let binding = ContentBinding(
    room: "!room:example.org",
    event: "$one",
    type: "m.room.message",
    schema: 1
)
private let text = Array(#"{"body":"meet at nine","msgtype":"m.text"}"#.utf8)

@Suite("Sealed content")
struct ContentSealerTests {
    private let key = ContentKey(room: room, user: user)

    @Test("What was sealed opens, and sealing again gives the same bytes")
    func roundTrip() throws {
        let sealed = ContentSealer.seal(text, for: binding, with: key)
        #expect(sealed.count == text.count + ContentSealer.overhead)
        #expect(try ContentSealer.open(sealed, for: binding, with: key) == text)
        #expect(ContentSealer.seal(text, for: binding, with: key) == sealed)
        #expect(try ContentSealer.open([0] + sealed, for: binding, with: key, from: 1) == text)
        let empty = ContentSealer.seal([], for: binding, with: key)
        #expect(try ContentSealer.open(empty, for: binding, with: key) == [])
    }

    @Test("The header names the keys")
    func header() throws {
        let header = try SealedHeader(of: ContentSealer.seal(text, for: binding, with: key)[...])
        #expect(header.roomKey == room.id && header.userKey == user.id)
        #expect(header.epoch == 3 && header.schema == 1)
    }

    @Test("The key is HKDF over room key, user key and event ID, as written down")
    func derivation() throws {
        let sealed = ContentSealer.seal(text, for: binding, with: key)
        let prk = Cipher.hkdfExtract(
            salt: user.secret.exposedBytes,
            ikm: room.secret.exposedBytes
        )
        let oneTime = Cipher.hkdfExpand(prk: prk, info: Array("warbler/ev/1$one".utf8), count: 32)
        var aad = ByteWriter()
        aad.raw(sealed[..<23])
        for field in ["!room:example.org", "$one", "m.room.message"] {
            aad.u32(UInt32(field.utf8.count))
            aad.raw(Array(field.utf8))
        }
        let nonce = [UInt8](repeating: 0, count: 12)
        #expect(
            try Cipher.openGCM(key: oneTime, nonce: nonce, aad: aad.bytes, sealed[23...]) == text
        )
    }

    @Test("Every single flipped bit is refused, and so is every shorter blob")
    func flipped() {
        let sealed = ContentSealer.seal(text, for: binding, with: key)
        for changed in flips(of: sealed) {
            #expect(throws: SealError.self) {
                try ContentSealer.open(changed, for: binding, with: key)
            }
        }
        for count in 0..<sealed.count {
            #expect(throws: SealError.self) {
                try ContentSealer.open(sealed[..<count], for: binding, with: key)
            }
        }
    }

    @Test(
        "A body moved to another room, event, type or schema does not open",
        arguments: [
            ContentBinding(room: "!other:x", event: "$one", type: "m.room.message", schema: 1),
            ContentBinding(
                room: "!room:example.org",
                event: "$two",
                type: "m.room.message",
                schema: 1
            ),
            ContentBinding(
                room: "!room:example.org",
                event: "$one",
                type: "m.room.topic",
                schema: 1
            ),
            ContentBinding(
                room: "!room:example.org",
                event: "$one",
                type: "m.room.message",
                schema: 2
            ),
            ContentBinding(
                room: "!room:example.org$",
                event: "one",
                type: "m.room.message",
                schema: 1
            ),
        ]
    )
    func moved(other: ContentBinding) {
        let sealed = ContentSealer.seal(text, for: binding, with: key)
        #expect(throws: SealError.doesNotOpen) {
            try ContentSealer.open(sealed, for: other, with: key)
        }
    }

    @Test("Neither key opens without the other")
    func separation() {
        let sealed = ContentSealer.seal(text, for: binding, with: key)
        let stranger = UserKey(id: user.id, secret: SecretKey(counting(from: 71, 32)))
        let elsewhere = RoomKey(id: room.id, epoch: 3, secret: SecretKey(counting(from: 11, 32)))
        let swapped = ContentKey(
            room: RoomKey(id: room.id, epoch: 3, secret: user.secret),
            user: UserKey(id: user.id, secret: room.secret)
        )
        let wrong = [
            ContentKey(room: room, user: stranger), ContentKey(room: elsewhere, user: user),
            swapped,
        ]
        for key in wrong {
            #expect(throws: SealError.doesNotOpen) {
                try ContentSealer.open(sealed, for: binding, with: key)
            }
        }
    }

    @Test("Text that is not one contiguous run of UTF-8 seals the same")
    func bridged() throws {
        let parts = ["!roo", "m:exam", "ple.org"]
        let joined = ContentBinding(
            room: parts.joined(),
            event: String("$one".reversed().reversed()),
            type: "m.room.message",
            schema: 1
        )
        let sealed = ContentSealer.seal(text, for: joined, with: key)
        #expect(sealed == ContentSealer.seal(text, for: binding, with: key))
    }
}

@Suite("Sealed account items")
struct ItemSealerTests {
    private let binding = ItemBinding(user: "@ann:x", kind: .accountData, name: "m.direct")
    private let salt = counting(from: 40, 16)

    @Test("What was sealed opens; another salt gives other bytes")
    func roundTrip() throws {
        let sealed = ItemSealer.seal(text, for: binding, with: user, salt: salt)
        #expect(sealed.count == text.count + ItemSealer.overhead)
        #expect(try ItemSealer.open(sealed, for: binding, with: user) == text)
        #expect(try ItemSealer.keyID(of: sealed[...]) == user.id)
        let again = ItemSealer.seal(text, for: binding, with: user, salt: counting(from: 41, 16))
        #expect(again.suffix(text.count + 16) != sealed.suffix(text.count + 16))
    }

    @Test("Every flipped bit is refused, and so is every shorter blob")
    func flipped() {
        let sealed = ItemSealer.seal(text, for: binding, with: user, salt: salt)
        for changed in flips(of: sealed) {
            #expect(throws: SealError.self) {
                try ItemSealer.open(changed, for: binding, with: user)
            }
        }
        for count in 0..<sealed.count {
            #expect(throws: SealError.self) {
                try ItemSealer.open(sealed[..<count], for: binding, with: user)
            }
        }
    }

    @Test(
        "An item does not open as another user's, kind's or name's",
        arguments: [
            ItemBinding(user: "@bob:x", kind: .accountData, name: "m.direct"),
            ItemBinding(user: "@ann:x", kind: .profile, name: "m.direct"),
            ItemBinding(user: "@ann:x", kind: .accountData, name: "m.push_rules"),
        ]
    )
    func moved(other: ItemBinding) {
        let sealed = ItemSealer.seal(text, for: binding, with: user, salt: salt)
        #expect(throws: SealError.doesNotOpen) {
            try ItemSealer.open(sealed, for: other, with: user)
        }
    }
}

@Suite("Wrapped keys")
struct KeyWrapTests {
    private let header = WrappedHeader(kind: .room, id: KeyID(7), keyEpoch: 3, wrapEpoch: 11)
    private let wrapKey = SecretKey(counting(from: 200, 32))
    private let nonce = counting(from: 90, 12)

    @Test("A wrapped key opens under its own name only")
    func roundTrip() throws {
        let wrapped = KeyWrap.wrap(room.secret, as: header, with: wrapKey, nonce: nonce)
        let opened = try KeyWrap.unwrap(wrapped[...], as: header, with: wrapKey)
        #expect(opened.isSame(as: room.secret))
        #expect(try WrappedHeader(of: wrapped[...]) == header)
        let others = [
            WrappedHeader(kind: .user, id: KeyID(7), keyEpoch: 3, wrapEpoch: 11),
            WrappedHeader(kind: .room, id: KeyID(8), keyEpoch: 3, wrapEpoch: 11),
            WrappedHeader(kind: .room, id: KeyID(7), keyEpoch: 4, wrapEpoch: 11),
            WrappedHeader(kind: .room, id: KeyID(7), keyEpoch: 3, wrapEpoch: 12),
        ]
        for other in others {
            #expect(throws: SealError.doesNotOpen) {
                try KeyWrap.unwrap(wrapped[...], as: other, with: wrapKey)
            }
        }
    }

    @Test("A row whose key ID was rewritten does not open, though the caller asks for that ID")
    func swapped() {
        var wrapped = KeyWrap.wrap(room.secret, as: header, with: wrapKey, nonce: nonce)
        wrapped[9] = 8
        let other = WrappedHeader(kind: .room, id: KeyID(8), keyEpoch: 3, wrapEpoch: 11)
        #expect(throws: SealError.doesNotOpen) {
            try KeyWrap.unwrap(wrapped[...], as: other, with: wrapKey)
        }
    }

    @Test("Every flipped bit is refused")
    func flipped() {
        let wrapped = KeyWrap.wrap(room.secret, as: header, with: wrapKey, nonce: nonce)
        for changed in flips(of: wrapped) {
            #expect(throws: SealError.self) {
                try KeyWrap.unwrap(changed[...], as: header, with: wrapKey)
            }
        }
    }

    @Test("Longer keys are wrapped too, but do not pass for 32-byte ones")
    func long() throws {
        let bytes = counting(from: 0, 300)
        let server = WrappedHeader(kind: .server, id: KeyID(1), keyEpoch: 0, wrapEpoch: 1)
        let wrapped = KeyWrap.wrap(bytes: bytes, as: server, with: wrapKey, nonce: nonce)
        #expect(try KeyWrap.unwrapBytes(wrapped[...], as: server, with: wrapKey) == bytes)
        #expect(throws: SealError.self) {
            try KeyWrap.unwrap(wrapped[...], as: server, with: wrapKey)
        }
    }
}

extension ContentSealer {
    /// Opens a blob that lies inside a larger buffer.
    static func open(
        _ bytes: [UInt8],
        for binding: ContentBinding,
        with key: ContentKey,
        from start: Int
    ) throws -> [UInt8] {
        try open(bytes[start...], for: binding, with: key)
    }
}
