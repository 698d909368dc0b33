import Gateway
import MatrixModel
import Testing

/// Whatever is accepted can be read again: by the leader, by every other member, and by who set it.
@Suite("Deeply nested content")
struct DeepContentTests {
    /// An object of this depth, with these members beside the deep one.
    private func object(_ depth: Int, _ members: String = "") -> String {
        let open = String(repeating: "[", count: depth - 1)
        let close = String(repeating: "]", count: depth - 1)
        return "{" + members + (members.isEmpty ? "" : ",") + #""x":\#(open)\#(close)}"#
    }

    /// With the deepest nesting that the configuration permits.
    private func run(_ body: (TestServer) async throws -> Void) async throws {
        try await TestServer.run({ $0.limits.jsonDepth = 128 }, body)
    }

    /// Everything that reads rooms or the account; each must answer 200.
    private func readEverything(_ user: TestUser, since: String? = nil) async throws {
        try await user.get("/sync?timeout=0")
        try await user.get("/sync?timeout=0&full_state=true")
        if let since { try await user.get("/sync?timeout=0&since=\(since)") }
        try await user.get("/pushrules/")
        for room in try await user.get("/joined_rooms")["joined_rooms"]?.elements ?? [] {
            let room = try #require(room.string)
            for path in [
                "state", "members", "joined_members", "messages?limit=100",
                #"messages?limit=100&filter=%7B%22contains_url%22:true%7D"#,
            ] {
                try await user.get("/rooms/\(room)/\(path)")
            }
            try await user.get("/user/\(user.id)/rooms/\(room)/tags")
        }
    }

    @Test(
        "Events of any depth are refused, or read by every member",
        arguments: [64, 65, 100, 128]
    )
    func events(depth: Int) async throws {
        try await run { server in
            let alice = try await server.user("alice")
            let bob = try await server.user("bob")
            let deep = object(depth - 3)
            let room = try await alice.createRoom(
                #"""
                {"preset":"public_chat","initial_state":[
                  {"type":"deep","state_key":"","content":\#(deep)}]}
                """#
            )
            try await bob.post("/rooms/\(room)/join")
            // Own rules, so that the rules judge each event.
            try await bob.put(
                "/pushrules/global/content/tea",
                #"{"actions":["notify"],"pattern":"tea"}"#
            )
            let since = try #require(try await bob.get("/sync?timeout=0")["next_batch"]?.string)
            try await alice.put(
                "/rooms/\(room)/send/m.room.message/deep",
                object(depth, #""msgtype":"m.text","body":"some tea""#)
            )
            let levels = #""users":{"\#(alice.id)":100}"#
            let states: [(String, String)] = [
                ("m.room.member/\(alice.id)", #""membership":"join","displayname":"Alice""#),
                ("m.room.power_levels", levels),
                ("m.room.join_rules", #""join_rule":"public""#),
                ("m.room.history_visibility", #""history_visibility":"shared""#),
                ("m.room.name", #""name":"Deep""#),
                ("m.room.canonical_alias", ""),
                ("m.room.third_party_invite/token", #""public_key":"k""#),
                ("m.room.server_acl", ""),
            ]
            for (path, members) in states {
                try await alice.put("/rooms/\(room)/state/\(path)", object(depth, members))
            }
            try await readEverything(alice)
            try await readEverything(bob, since: since)
            let news = try await bob.get("/sync?timeout=0&since=\(since)")
            let told = news["rooms"]?["join"]?[room]?["unread_notifications"]
            #expect(told?["notification_count"]?.integer ?? 0 >= 1)
            // The leader still reads the rules of the room: who comes, may.
            let carol = try await server.user("carol")
            try await carol.post("/rooms/\(room)/join")
            try await readEverything(carol)
        }
    }

    @Test("A deep history visibility is no open door")
    func historyVisibility() async throws {
        try await run { server in
            let alice = try await server.user("alice")
            let room = try await alice.createRoom(#"{"preset":"public_chat"}"#)
            try await alice.put(
                "/rooms/\(room)/state/m.room.history_visibility",
                object(128, #""history_visibility":"joined""#)
            )
            try await alice.say("before", in: room)
            let bob = try await server.user("bob")
            try await bob.post("/rooms/\(room)/join")
            let page = try await bob.ask("GET", "/rooms/\(room)/messages?dir=b&limit=100")
            page.expect(200)
            #expect(!page.text.contains("before"))
        }
    }

    @Test("Deep account data, tags, rules and filters harm nobody, not even their owner")
    func account() async throws {
        try await run { server in
            let alice = try await server.user("alice")
            let room = try await alice.createRoom()
            let deep = object(128)
            let data = "/user/\(alice.id)/account_data/"
            try await alice.put(data + "org.example.deep", deep)
            try await alice.put(data + "m.ignored_user_list", object(128, #""ignored_users":{}"#))
            try await alice.put("/user/\(alice.id)/rooms/\(room)/account_data/deep", deep)
            try await alice.put("/user/\(alice.id)/rooms/\(room)/tags/deep", deep)
            try await alice.put("/user/\(alice.id)/rooms/\(room)/tags/second", "{}")
            // A condition lies two levels deep in the body, and five in what is kept.
            try await alice.put(
                "/pushrules/global/override/deep",
                #"{"actions":["notify"],"conditions":[\#(object(126, #""kind":"k""#))]}"#
            )
            try await alice.put(
                "/pushrules/global/underride/deep",
                #"{"actions":[{"set_tweak":"x","value":\#(object(125))}]}"#
            )
            try await alice.put("/pushrules/global/override/deep/enabled", #"{"enabled":false}"#)
            let filter = try await alice.post("/user/\(alice.id)/filter", deep)
            let id = try #require(filter["filter_id"]?.string)
            try await alice.get("/sync?timeout=0&filter=\(id)")
            try await alice.get("/user/\(alice.id)/filter/\(id)")
            try await readEverything(alice)
        }
    }

    @Test("Nothing deeper than can be kept is accepted, whatever the settings say")
    func tooDeep() async throws {
        try await TestServer.run({ $0.limits.jsonDepth = 1_000 }) { server in
            let alice = try await server.user("alice")
            let room = try await alice.createRoom()
            let deep = object(129, #""membership":"join""#)
            for path in [
                "/rooms/\(room)/send/m.room.message/1", "/rooms/\(room)/state/x",
                "/rooms/\(room)/state/m.room.member/\(alice.id)",
                "/user/\(alice.id)/account_data/x", "/user/\(alice.id)/rooms/\(room)/tags/x",
            ] {
                try await alice.ask("PUT", path, deep).expect(400, "M_BAD_JSON")
            }
            try await readEverything(alice)
        }
    }

    @Test("Of a create event too large for a room ID, nothing happens but a refusal")
    func largeCreation() async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            let text = String(repeating: "a", count: 65_400)
            for version in ["11", "12"] {
                try await alice.ask(
                    "POST",
                    "/createRoom",
                    #"{"room_version":"\#(version)","creation_content":{"x":"\#(text)"}}"#
                ).expect(413, "M_TOO_LARGE")
            }
        }
    }
}
