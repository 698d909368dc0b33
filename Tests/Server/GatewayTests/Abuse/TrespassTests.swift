import MatrixModel
import Primitives
import Sync
import Testing

/// What a client makes up opens no door: tokens, member events, initial state.
@Suite("Trespassing")
struct TrespassTests {
    @Test("A token made up to begin at zero shows nothing from before one came in")
    func forgedToken() async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            let bob = try await server.user("bob")
            let room = try await alice.createRoom(
                #"""
                {"preset":"public_chat","initial_state":[{"type":"m.room.history_visibility",
                  "state_key":"","content":{"history_visibility":"joined"}}]}
                """#
            )
            try await alice.say("a secret", in: room)
            try await bob.post("/rooms/\(room)/join")
            let text = try #require(try await bob.get("/sync?timeout=0")["next_batch"]?.string)
            try await alice.say("good morning", in: room, transaction: "t2")
            let token = try #require(StreamToken(text))
            #expect(!token.positions.isEmpty)
            for index: UInt64 in [0, 1, 5] {
                let forged = StreamToken(
                    incarnation: token.incarnation,
                    account: token.account,
                    positions: token.positions.map { .init($0.partition, LogIndex(index)) },
                    typing: token.typing
                )
                for filter in ["", #"&filter={"room":{"timeline":{"limit":1000}}}"#] {
                    let path = "/sync?timeout=0&since=\(forged.text)\(escaped(filter))"
                    let answer = try await bob.ask("GET", path)
                    answer.expect(200)
                    #expect(!answer.text.contains("a secret"))
                    #expect(answer.text.contains("good morning"))
                }
            }
        }
    }

    @Test("Members are not told as of a made-up time that one may not see")
    func forgedMembersToken() async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            let bob = try await server.user("bob")
            let room = try await alice.createRoom(
                #"""
                {"preset":"public_chat","initial_state":[{"type":"m.room.history_visibility",
                  "state_key":"","content":{"history_visibility":"joined"}}]}
                """#
            )
            let own = "/rooms/\(room)/state/m.room.member/\(alice.id)"
            try await alice.put(own, #"{"membership":"join","displayname":"Then"}"#)
            try await alice.say("a pause", in: room)
            try await alice.put(own, #"{"membership":"join","displayname":"Now"}"#)
            try await bob.post("/rooms/\(room)/join")
            let text = try #require(try await bob.get("/sync?timeout=0")["next_batch"]?.string)
            let said = try await alice.get("/rooms/\(room)/messages?dir=b&limit=100")
            let count = try #require(said["chunk"]?.elements?.count)
            #expect(count > 8)
            let home = try #require(StreamToken(text)?.positions.first).partition
            var showNow = 0
            for index: UInt64 in 0..<30 {
                let token = PageToken.before(home, position: index << 10)
                let answer = try await bob.ask("GET", "/rooms/\(room)/members?at=\(token.text)")
                answer.expect(200)
                #expect(!answer.text.contains("Then"))
                if answer.text.contains("Now") { showNow += 1 }
            }
            #expect(showNow > 15)
        }
    }

    private func escaped(_ text: String) -> String {
        text.map { "{}\"".contains($0) ? $0 == "{" ? "%7B" : $0 == "}" ? "%7D" : "%22" : "\($0)" }
            .joined()
    }

    /// A restricted room that opens to the members of a hall, which only Alice is in.
    private func restricted(_ alice: TestUser) async throws -> (room: String, hall: String) {
        let hall = try await alice.createRoom()
        let room = try await alice.createRoom()
        try await alice.put(
            "/rooms/\(room)/state/m.room.join_rules",
            #"""
            {"join_rule":"restricted","allow":[{"type":"m.room_membership","room_id":"\#(hall)"}]}
            """#
        )
        return (room, hall)
    }

    @Test("Nobody says themselves who let them into a restricted room")
    func restrictedJoin() async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            let bob = try await server.user("bob")
            let (room, hall) = try await restricted(alice)
            let own = "/rooms/\(room)/state/m.room.member/\(bob.id)"
            let key = "join_authorised_via_users_server"
            let forged = #"{"membership":"join","\#(key)":"\#(alice.id)"}"#
            try await bob.ask("PUT", own, forged).expect(403, "M_FORBIDDEN")
            #expect(try await bob.get("/joined_rooms")["joined_rooms"] == [])

            // Who is in the hall may come by either way, and the server says by whom.
            try await alice.post("/rooms/\(hall)/invite", #"{"user_id":"\#(bob.id)"}"#)
            try await bob.post("/rooms/\(hall)/join")
            try await bob.put(own, #"{"membership":"join","\#(key)":"@nobody:elsewhere.test"}"#)
            #expect(try await bob.get(own)[key]?.string == alice.id)
            // A later change of one's name keeps working with what a client copied.
            try await bob.put(
                own,
                #"{"membership":"join","displayname":"B","\#(key)":"\#(alice.id)"}"#
            )
            let now = try await bob.get(own)
            #expect(now["displayname"]?.string == "B")
            #expect(now[key] == nil)
        }
    }

    @Test(
        "initial_state holds nothing that has a field and checks of its own",
        arguments: [
            (
                ##"""
                {"type":"m.room.member","state_key":"@bob:test.example",
                 "content":{"membership":"invite"}}
                """##, "M_INVALID_ROOM_STATE"
            ),
            (##"{"type":"m.room.create","content":{}}"##, "M_INVALID_ROOM_STATE"),
            (##"{"type":"m.room.power_levels","content":{"users":{}}}"##, "M_INVALID_ROOM_STATE"),
            (##"{"type":"m.room.redaction","content":{}}"##, "M_INVALID_ROOM_STATE"),
            (
                ##"{"type":"m.room.canonical_alias","content":{"alias":"#no:test.example"}}"##,
                "M_BAD_ALIAS"
            ),
            (
                ##"""
                {"type":"m.room.canonical_alias","content":{"alt_aliases":["#no:test.example"]}}
                """##, "M_BAD_ALIAS"
            ),
            (##"{"type":"m.room.canonical_alias","content":{"alias":1}}"##, "M_BAD_JSON"),
        ]
    )
    func initialState(entry: String, code: String) async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            _ = try await server.user("bob")
            try await alice.ask("POST", "/createRoom", #"{"initial_state":[\#(entry)]}"#)
                .expect(400, code)
            #expect(try await alice.get("/joined_rooms")["joined_rooms"] == [])
        }
    }

    @Test("The alias made with a room may be its canonical one from the start")
    func ownAlias() async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            let room = try await alice.createRoom(
                #"""
                {"room_alias_name":"tea","initial_state":[{"type":"m.room.canonical_alias",
                  "content":{"alias":"#tea:test.example","alt_aliases":["#tea:test.example"]}}]}
                """#
            )
            let content = try await alice.get("/rooms/\(room)/state/m.room.canonical_alias")
            #expect(content["alt_aliases"] == ["#tea:test.example"])
        }
    }

    @Test("Invitations show no state that was redacted, before or after")
    func redactedInvitation() async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            let bob = try await server.user("bob")
            let carol = try await server.user("carol")
            let room = try await alice.createRoom(#"{"name":"An unkind name","topic":"Tea"}"#)
            let name = try await alice.get("/rooms/\(room)/state/m.room.name?format=event")
            try await alice.post("/rooms/\(room)/invite", #"{"user_id":"\#(bob.id)"}"#)
            let event = try #require(name["event_id"]?.string)
            try await alice.put("/rooms/\(room)/redact/\(event)/1", "{}")
            try await alice.post("/rooms/\(room)/invite", #"{"user_id":"\#(carol.id)"}"#)
            for guest in [bob, carol] {
                let answer = try await guest.ask("GET", "/sync?timeout=0")
                answer.expect(200)
                #expect(answer.text.contains("Tea"))
                #expect(!answer.text.contains("unkind"))
            }
        }
    }
}
