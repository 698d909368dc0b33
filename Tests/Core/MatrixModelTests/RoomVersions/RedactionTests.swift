import MatrixModel
import Testing

@Suite("Redaction (rooms/v11)")
struct RedactionTests {
    @Test(
        "Each type keeps its own keys",
        arguments: [
            ("m.room.message", #"{"body":"x","membership":"join"}"#, "{}"),
            ("m.room.name", #"{"name":"x"}"#, "{}"),
            (
                "m.room.create", #"{"creator":"@a:b","anything":[1]}"#,
                #"{"anything":[1],"creator":"@a:b"}"#
            ),
            (
                "m.room.member",
                #"{"avatar_url":"a","displayname":"d","join_authorised_via_users_server":"@a:b","#
                    + #""membership":"join","reason":"r"}"#,
                #"{"join_authorised_via_users_server":"@a:b","membership":"join"}"#
            ),
            (
                "m.room.member",
                #"{"membership":"invite","third_party_invite":{"display_name":"x","signed":{"token":"t"}}}"#,
                #"{"membership":"invite","third_party_invite":{"signed":{"token":"t"}}}"#
            ),
            (
                "m.room.member", #"{"third_party_invite":{"display_name":"x"}}"#,
                #"{"third_party_invite":{}}"#
            ),
            ("m.room.member", #"{"third_party_invite":[]}"#, "{}"),
            ("m.room.member", #"{"membership":null}"#, #"{"membership":null}"#),
            (
                "m.room.join_rules", #"{"allow":[],"join_rule":"knock","x":1}"#,
                #"{"allow":[],"join_rule":"knock"}"#
            ),
            (
                "m.room.power_levels",
                #"{"ban":1,"events":{},"events_default":2,"invite":3,"kick":4,"notifications":{},"#
                    + #""redact":5,"state_default":6,"users":{},"users_default":7,"x":8}"#,
                #"{"ban":1,"events":{},"events_default":2,"invite":3,"kick":4,"redact":5,"#
                    + #""state_default":6,"users":{},"users_default":7}"#
            ),
            (
                "m.room.history_visibility", #"{"history_visibility":"joined","x":1}"#,
                #"{"history_visibility":"joined"}"#
            ),
            ("m.room.redaction", #"{"reason":"r","redacts":"$x"}"#, #"{"redacts":"$x"}"#),
            ("m.room.aliases", ##"{"aliases":["#a:b"]}"##, "{}"),
            ("m.room.tombstone", #"{"replacement_room":"!a:b"}"#, "{}"),
        ]
    )
    func kept(type: String, content: String, expected: String) throws {
        for version in RoomVersion.allCases {
            let redacted = try version.redactedContent(type: type, content: Array(content.utf8))
            #expect(String(decoding: redacted, as: UTF8.self) == expected)
            // Redacting twice changes nothing more.
            #expect(try version.redactedContent(type: type, content: redacted) == redacted)
        }
    }

    @Test("What comes in disorder goes out canonical")
    func disorder() throws {
        let content = Array(#"{ "join_rule": "x", "allow": [ {"b":1, "a":2} ] }"#.utf8)
        let redacted = try RoomVersion.v11.redactedContent(
            type: "m.room.join_rules",
            content: content
        )
        #expect(
            String(decoding: redacted, as: UTF8.self)
                == #"{"allow":[{"a":2,"b":1}],"join_rule":"x"}"#
        )
    }

    @Test("Content that is no object is refused where it matters")
    func notAnObject() {
        for type in ["m.room.create", "m.room.member"] {
            #expect(throws: JSONError.notAnObject) {
                try RoomVersion.v12.redactedContent(type: type, content: Array("[]".utf8))
            }
        }
    }
}
