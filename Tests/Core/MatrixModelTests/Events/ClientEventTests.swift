import MatrixModel
import Testing

@Suite("Events as clients see them")
struct ClientEventTests {
    private var event: ClientEvent {
        ClientEvent(
            eventID: EventID(trusted: "$id"),
            roomID: RoomID(trusted: "!r:x"),
            type: "m.room.topic",
            stateKey: "",
            sender: UserID(trusted: "@a:x"),
            originServerTimestamp: 5,
            content: Array(#"{"topic":"t"}"#.utf8)[...]
        )
    }

    private func text(_ body: (inout JSONWriter) -> Void) -> String {
        var writer = JSONWriter()
        body(&writer)
        return String(decoding: writer.finish(), as: UTF8.self)
    }

    @Test("A state event in full")
    func full() {
        #expect(
            text { event.write(into: &$0) }
                == #"{"content":{"topic":"t"},"event_id":"$id","origin_server_ts":5,"#
                + #""room_id":"!r:x","sender":"@a:x","state_key":"","type":"m.room.topic"}"#
        )
    }

    @Test("In a sync: no room ID, with unsigned data; for a redaction, what it redacts")
    func inSync() {
        var event = event
        event.roomID = nil
        event.stateKey = nil
        event.unsigned = Array(#"{"age":1}"#.utf8)
        event.redacts = EventID(trusted: "$other")
        #expect(
            text { event.write(into: &$0) }
                == #"{"content":{"topic":"t"},"event_id":"$id","origin_server_ts":5,"#
                + #""redacts":"$other","sender":"@a:x","type":"m.room.topic","#
                + #""unsigned":{"age":1}}"#
        )
    }

    @Test("Stripped: content, sender, state key and type")
    func stripped() {
        #expect(
            text { event.writeStripped(into: &$0) }
                == #"{"content":{"topic":"t"},"sender":"@a:x","state_key":"","type":"m.room.topic"}"#
        )
    }

    @Test("A PDU's salt, hashes and signatures never reach a client", arguments: EventVector.all)
    func fromPDU(vector: EventVector) throws {
        let key = try #require(SigningKey(version: "1", seed: EventBuilderTests.seed))
        let pdu = try PDU.build(
            vector.draft,
            version: vector.version,
            salt: EventBuilderTests.salt,
            server: EventBuilderTests.domain,
            signingKey: key
        )
        var writer = JSONWriter()
        ClientEvent(pdu, withRoomID: true).write(into: &writer)
        let root = try JSONDocument(parsing: writer.finish()).root
        let known: Set<String> = [
            "content", "event_id", "origin_server_ts", "room_id", "sender", "state_key", "type",
        ]
        #expect(root.members.allSatisfy { known.contains($0.key) })
        #expect(root["event_id"]?.string == pdu.eventID.raw)
        #expect(root["room_id"]?.string == pdu.roomID.raw)
        #expect(root["state_key"]?.string == pdu.stateKey)
        #expect(root["content"].map { Array($0.rawBytes) } == pdu.content)
    }
}
