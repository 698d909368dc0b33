import MatrixModel
import Testing

@Suite("Building events")
struct EventBuilderTests {
    static let seed = Base64.decode("YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1") ?? []
    static let domain = ServerName(trusted: "domain")
    static let salt = [UInt8](0..<16)

    private func builder() throws -> EventBuilder {
        let key = try #require(SigningKey(version: "1", seed: Self.seed))
        return EventBuilder(server: Self.domain, signingKey: key)
    }

    private func draft(content: String = "{}") -> EventDraft {
        EventDraft(
            roomID: RoomID(trusted: "!x:domain"),
            type: "m.room.message",
            sender: UserID(trusted: "@a:domain"),
            originServerTimestamp: 1,
            depth: 1,
            prevEvents: [],
            authEvents: [],
            content: Array(content.utf8)
        )
    }

    @Test(
        "Hash, ID, signature and redaction are what another server computes",
        arguments: EventVector.all
    )
    func vectors(vector: EventVector) throws {
        let builder = try builder()
        let pdu = try builder.build(vector.draft, version: vector.version, salt: Self.salt)
        #expect(pdu.eventID.raw == vector.id)
        #expect(Base64.encode(pdu.contentHash) == vector.hash)
        #expect(pdu.signatures.count == 1)
        #expect(pdu.signatures[0].keyID == "ed25519:1")
        #expect(Base64.encode(pdu.signatures[0].bytes) == vector.signature)
        let redacted = try pdu.redacted(version: vector.version)
        #expect(String(decoding: redacted.content, as: UTF8.self) == vector.redacted)
        #expect(
            try EventBuilder.eventID(of: vector.draft, version: vector.version, salt: Self.salt)
                == pdu.eventID
        )
    }

    @Test("A built event verifies, and still does after redaction", arguments: EventVector.all)
    func verification(vector: EventVector) throws {
        let version = vector.version
        let builder = try builder()
        let key = try #require(VerifyKey(builder.signingKey.publicKey))
        let pdu = try builder.build(vector.draft, version: version, salt: Self.salt)
        #expect(pdu.isContentIntact(version: version))
        let redacted = try pdu.redacted(version: version)
        #expect(redacted.salt.isEmpty)
        for event in [pdu, redacted] {
            #expect(event.isIdentifiedRightly(version: version))
            #expect(
                event.isSigned(by: Self.domain, keyID: "ed25519:1", key: key, version: version)
            )
        }
        #expect(!redacted.isContentIntact(version: version))
        #expect(!pdu.isSigned(by: Self.domain, keyID: "ed25519:2", key: key, version: version))
        let other = try #require(SigningKey(version: "1", seed: [UInt8](repeating: 9, count: 32)))
        let otherKey = try #require(VerifyKey(other.publicKey))
        #expect(
            !pdu.isSigned(by: Self.domain, keyID: "ed25519:1", key: otherKey, version: version)
        )
    }

    @Test("The federation format is canonical JSON with every field", arguments: EventVector.all)
    func federationFormat(vector: EventVector) throws {
        let pdu = try builder().build(vector.draft, version: vector.version, salt: Self.salt)
        let bytes = pdu.canonicalBytes(version: vector.version)
        let root = try JSONDocument(parsing: bytes).root
        #expect(try root.canonical() == bytes)
        #expect(root["type"]?.string == pdu.type)
        #expect(root["state_key"]?.string == pdu.stateKey)
        #expect(root["room_id"]?.string == vector.draft.roomID?.raw)
        #expect(root["sender"]?.string == pdu.sender.raw)
        #expect(root["depth"]?.integer == pdu.depth)
        #expect(root["origin_server_ts"]?.integer == pdu.originServerTimestamp)
        #expect(root["prev_events"]?.strings == pdu.prevEvents.map(\.raw))
        #expect(root["auth_events"]?.strings == pdu.authEvents.map(\.raw))
        #expect(root["content"].map { Array($0.rawBytes) } == pdu.content)
        #expect(root["hashes"]?["sha256"]?.string == vector.hash)
        #expect(root["signatures"]?["domain"]?["ed25519:1"]?.string == vector.signature)
        #expect(root["io.warbler.salt"]?.string == Base64.encode(Self.salt))
        #expect(root.count == (vector.draft.roomID == nil ? 10 : 11) + (pdu.isState ? 1 : 0))
        // What is hashed is the federation format without hashes and signatures.
        #expect(
            sha256(try root.canonical(omitting: ["hashes", "signatures", "unsigned"]))
                == pdu.contentHash
        )
    }

    @Test("In version 12 the create event's ID names the room")
    func roomFromCreate() throws {
        var create = draft(content: #"{"room_version":"12"}"#)
        create.roomID = nil
        create.type = "m.room.create"
        create.stateKey = ""
        let pdu = try builder().build(create, version: .v12, salt: Self.salt)
        #expect(pdu.roomID.raw.dropFirst() == pdu.eventID.raw.dropFirst())
        #expect(pdu.roomID.raw.first == "!")
        #expect(RoomID(pdu.roomID.raw) != nil)
        #expect(pdu.roomID.createEventID == pdu.eventID)
        // Another salt, another room: how a room finds its partition.
        let other = try builder().build(create, version: .v12, salt: [UInt8](1...16))
        #expect(other.roomID != pdu.roomID)
    }

    @Test("Only a version 12 create event goes without a room ID")
    func roomIDMismatch() throws {
        var event = draft()
        event.roomID = nil
        #expect(throws: EventError.roomIDMismatch) {
            try builder().build(event, version: .v12, salt: Self.salt)
        }
        event.type = "m.room.create"
        #expect(throws: EventError.roomIDMismatch) {
            try builder().build(event, version: .v11, salt: Self.salt)
        }
        event.roomID = RoomID(trusted: "!x:domain")
        #expect(throws: EventError.roomIDMismatch) {
            try builder().build(event, version: .v12, salt: Self.salt)
        }
    }

    @Test("65,536 bytes of canonical PDU pass and one more does not")
    func sizeLimit() throws {
        let builder = try builder()
        func content(_ count: Int) -> String {
            #"{"body":""# + String(repeating: "x", count: count) + #""}"#
        }
        let small = try builder.build(draft(content: content(0)), version: .v11, salt: Self.salt)
        let overhead = small.canonicalBytes(version: .v11).count
        let room = PDU.bytesMax - overhead
        for count in [room - 1, room] {
            let event = draft(content: content(count))
            let pdu = try builder.build(event, version: .v11, salt: Self.salt)
            #expect(pdu.canonicalBytes(version: .v11).count == overhead + count)
        }
        #expect(throws: EventError.tooLarge(bytes: 65_537)) {
            try builder.build(draft(content: content(room + 1)), version: .v11, salt: Self.salt)
        }
        #expect(MatrixError(EventError.tooLarge(bytes: 65_537)).status == 413)
    }

    @Test("Fields of 255 bytes pass, of 256 they do not")
    func fieldLimits() throws {
        let builder = try builder()
        for (count, fails) in [(254, false), (255, false), (256, true)] {
            var event = draft()
            event.type = String(repeating: "t", count: count)
            let typeError = failure { try builder.build(event, version: .v11, salt: Self.salt) }
            #expect(typeError == (fails ? .fieldTooLong(.type) : nil))
            event = draft()
            event.stateKey = String(repeating: "é", count: count / 2) + (count % 2 == 1 ? "x" : "")
            let keyError = failure { try builder.build(event, version: .v11, salt: Self.salt) }
            #expect(keyError == (fails ? .fieldTooLong(.stateKey) : nil))
        }
    }

    @Test("Graph limits and numbers out of range")
    func ranges() throws {
        let builder = try builder()
        func failure(_ change: (inout EventDraft) -> Void) -> EventError? {
            var event = draft()
            change(&event)
            return self.failure { try builder.build(event, version: .v11, salt: Self.salt) }
        }
        let events = (0..<21).map { EventID(trusted: "$\($0)") }
        #expect(failure { $0.prevEvents = Array(events.prefix(20)) } == nil)
        #expect(failure { $0.prevEvents = events } == .tooManyEvents(.prevEvents))
        #expect(failure { $0.authEvents = Array(events.prefix(10)) } == nil)
        #expect(failure { $0.authEvents = Array(events.prefix(11)) } == .tooManyEvents(.authEvents))
        #expect(failure { $0.depth = jsonIntegerMax } == nil)
        #expect(failure { $0.depth = jsonIntegerMax + 1 } == .outOfRange(.depth))
        #expect(failure { $0.depth = -1 } == .outOfRange(.depth))
        #expect(failure { $0.originServerTimestamp = -1 } == .outOfRange(.timestamp))
        #expect(
            failure { event in
                event.type = "m.room.member"
                event.content = Array("[]".utf8)
            } == .badContent(.notAnObject)
        )
    }

    private func failure(_ body: () throws -> PDU) -> EventError? {
        do {
            _ = try body()
            return nil
        } catch { return error as? EventError }
    }

    @Test("The salt hides the content: the same text under two salts shares no hash")
    func salting() throws {
        let builder = try builder()
        let one = try builder.build(draft(), version: .v11, salt: Self.salt)
        let two = try builder.build(draft(), version: .v11, salt: [UInt8](1...16))
        #expect(one.contentHash != two.contentHash)
        #expect(one.eventID != two.eventID)
        #expect(
            try builder.build(draft(), version: .v11, salt: Self.salt) == one
        )
    }

    @Test("A second server's signature stands beside the first, in order")
    func twoSignatures() throws {
        let pdu = try builder().build(draft(), version: .v11, salt: Self.salt)
        let signature = pdu.signatures[0]
        func event(_ signatures: [EventSignature]) -> PDU {
            PDU(
                eventID: pdu.eventID,
                roomID: pdu.roomID,
                type: pdu.type,
                stateKey: nil,
                sender: pdu.sender,
                originServerTimestamp: pdu.originServerTimestamp,
                depth: pdu.depth,
                prevEvents: [],
                authEvents: [],
                content: pdu.content,
                contentHash: pdu.contentHash,
                signatures: signatures,
                salt: pdu.salt
            )
        }
        let other = ServerName(trusted: "another")
        let signed = event([
            signature, EventSignature(server: other, keyID: "ed25519:b", bytes: signature.bytes),
            EventSignature(server: other, keyID: "ed25519:a", bytes: signature.bytes),
        ])
        let bytes = signed.canonicalBytes(version: .v11)
        let root = try JSONDocument(parsing: bytes).root
        #expect(root.isCanonical)
        #expect(root["signatures"]?["another"]?.count == 2)
        #expect(root["signatures"]?["domain"]?.count == 1)
    }

    @Test("Any changed field breaks the event ID")
    func tampering() throws {
        let vector = EventVector.all[4]
        let builder = try builder()
        let pdu = try builder.build(vector.draft, version: .v12, salt: Self.salt)
        let forged = PDU(
            eventID: pdu.eventID,
            roomID: pdu.roomID,
            type: pdu.type,
            stateKey: pdu.stateKey,
            sender: pdu.sender,
            originServerTimestamp: pdu.originServerTimestamp + 1,
            depth: pdu.depth,
            prevEvents: pdu.prevEvents,
            authEvents: pdu.authEvents,
            content: pdu.content,
            contentHash: pdu.contentHash,
            signatures: pdu.signatures,
            salt: pdu.salt
        )
        let key = try #require(VerifyKey(builder.signingKey.publicKey))
        #expect(!forged.isIdentifiedRightly(version: .v12))
        #expect(!forged.isContentIntact(version: .v12))
        #expect(!forged.isSigned(by: Self.domain, keyID: "ed25519:1", key: key, version: .v12))
    }
}
