import MatrixModel
import Testing

@Suite("Rooms")
struct RoomEndpointTests {
    @Test("createRoom takes every option at once", arguments: ["11", "12"])
    func createRoomOptions(version: String) async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            let bob = try await server.user("bob")
            let room = try await alice.createRoom(
                #"""
                {"room_version":"\#(version)","visibility":"public","room_alias_name":"tea",
                "name":"Tea","topic":"Cups","invite":["@bob:test.example"],"is_direct":true,
                "preset":"trusted_private_chat","creation_content":{"m.federate":false},
                "initial_state":[{"type":"m.room.history_visibility","state_key":"",
                "content":{"history_visibility":"invited"}},
                {"type":"m.room.encryption","content":{"algorithm":"m.megolm.v1.aes-sha2"}}],
                "power_level_content_override":{"events_default":10}}
                """#
            )
            let state = try await alice.get("/rooms/\(room)/state").elements ?? []
            func content(_ type: String, _ key: String = "") -> JSONValue? {
                state.first { $0["type"]?.string == type && $0["state_key"]?.string == key }?[
                    "content"
                ]
            }
            #expect(content("m.room.create")?["room_version"]?.string == version)
            #expect(content("m.room.create")?["m.federate"] == false)
            #expect(content("m.room.name")?["name"] == "Tea")
            #expect(content("m.room.topic")?["topic"] == "Cups")
            #expect(content("m.room.canonical_alias")?["alias"] == "#tea:test.example")
            #expect(content("m.room.history_visibility")?["history_visibility"] == "invited")
            #expect(content("m.room.encryption") != nil)
            #expect(content("m.room.power_levels")?["events_default"] == 10)
            #expect(content("m.room.member", bob.id)?["membership"] == "invite")
            #expect(content("m.room.member", bob.id)?["displayname"] == "bob")
            #expect(content("m.room.member", bob.id)?["is_direct"] == true)
            #expect(
                try await alice.get("/directory/room/%23tea:test.example")["room_id"]?.string
                    == room
            )
            #expect(
                try await alice.get("/directory/list/room/\(room)")["visibility"] == "public"
            )
            try await alice.ask("POST", "/createRoom", #"{"room_alias_name":"tea"}"#)
                .expect(400, "M_ROOM_IN_USE")
            let listed = try await bob.get("/publicRooms")["chunk"]?.elements
            #expect(listed?.first?["room_id"]?.string == room)
            try await bob.post("/join/%23tea:test.example")
            #expect(try await bob.get("/joined_rooms")["joined_rooms"] == [.string(room)])
        }
    }

    @Test(
        "createRoom refuses what makes no sense",
        arguments: [
            (#"{"room_version":"99"}"#, 400, "M_UNSUPPORTED_ROOM_VERSION"),
            (#"{"room_version":11}"#, 400, "M_BAD_JSON"),
            (#"{"preset":"odd"}"#, 400, "M_INVALID_PARAM"),
            (#"{"visibility":"odd"}"#, 400, "M_INVALID_PARAM"),
            (#"{"invite":["nobody"]}"#, 400, "M_INVALID_PARAM"),
            (#"{"invite":"@bob:test.example"}"#, 400, "M_BAD_JSON"),
            (#"{"invite":["@nobody:test.example"]}"#, 404, "M_NOT_FOUND"),
            (#"{"initial_state":[1]}"#, 400, "M_BAD_JSON"),
            (#"{"initial_state":[{"content":{}}]}"#, 400, "M_MISSING_PARAM"),
            (#"{"initial_state":[{"type":"a"}]}"#, 400, "M_MISSING_PARAM"),
            (#"{"initial_state":[{"type":"a","content":{"x":1.5}}]}"#, 400, "M_BAD_JSON"),
            (
                #"{"initial_state":[{"type":"m.room.create","content":{}}]}"#, 400,
                "M_INVALID_ROOM_STATE"
            ),
            (#"{"power_level_content_override":{"ban":"high"}}"#, 400, "M_BAD_JSON"),
            (#"{"name":3}"#, 400, "M_BAD_JSON"),
            (#"{"room_alias_name":"a:b"}"#, 400, "M_INVALID_PARAM"),
            ("[]", 400, "M_BAD_JSON"),
            ("{", 400, "M_NOT_JSON"),
        ]
    )
    func createRoomRefusals(body: String, status: Int, code: String) async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            try await alice.ask("POST", "/createRoom", body).expect(status, code)
            #expect(try await alice.get("/joined_rooms")["joined_rooms"] == [])
        }
    }

    @Test("Members come and go: invite, kick, ban, unban, knock, leave, forget")
    func memberships() async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            let bob = try await server.user("bob")
            let room = try await alice.createRoom(#"{"preset":"private_chat"}"#)
            func isBob(_ word: String) async throws {
                let content = try await alice.get("/rooms/\(room)/state/m.room.member/\(bob.id)")
                #expect(content["membership"]?.string == word)
            }
            let him = #"{"user_id":"\#(bob.id)","reason":"tea"}"#
            try await bob.ask("POST", "/rooms/\(room)/join").expect(403, "M_FORBIDDEN")
            try await bob.ask("POST", "/join/!nowhere:test.example").expect(404, "M_NOT_FOUND")
            try await alice.ask("POST", "/rooms/\(room)/kick", him).expect(403, "M_FORBIDDEN")
            try await alice.post("/rooms/\(room)/invite", him)
            try await isBob("invite")
            try await bob.post("/rooms/\(room)/join", #"{"reason":"why not"}"#)
            try await isBob("join")
            try await bob.post("/rooms/\(room)/join")
            try await alice.ask("POST", "/rooms/\(room)/invite", him).expect(403, "M_FORBIDDEN")
            try await alice.post("/rooms/\(room)/kick", him)
            try await isBob("leave")
            try await bob.ask("PUT", "/rooms/\(room)/send/m.room.message/1", "{}")
                .expect(403, "M_FORBIDDEN")
            try await alice.post("/rooms/\(room)/ban", him)
            try await isBob("ban")
            try await bob.ask("POST", "/rooms/\(room)/join").expect(403)
            try await alice.post("/rooms/\(room)/unban", him)
            try await alice.ask("POST", "/rooms/\(room)/unban", him).expect(403, "M_FORBIDDEN")
            try await alice.put("/rooms/\(room)/state/m.room.join_rules", #"{"join_rule":"knock"}"#)
            try await bob.post("/knock/\(room)", #"{"reason":"please"}"#)
            try await isBob("knock")
            try await alice.post("/rooms/\(room)/invite", him)
            try await bob.post("/rooms/\(room)/leave")
            try await bob.post("/rooms/\(room)/forget")
            try await alice.ask("POST", "/rooms/\(room)/forget").expect(400, "M_UNKNOWN")
            try await alice.put(
                "/rooms/\(room)/state/m.room.member/\(bob.id)",
                #"{"membership":"invite"}"#
            )
            try await isBob("invite")
        }
    }

    @Test("A restricted room opens to the members of another")
    func restricted() async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            let bob = try await server.user("bob")
            let hall = try await alice.createRoom(#"{"preset":"public_chat"}"#)
            let room = try await alice.createRoom()
            try await alice.put(
                "/rooms/\(room)/state/m.room.join_rules",
                #"""
                {"join_rule":"restricted","allow":[{"type":"m.room_membership","room_id":"\#(hall)"}]}
                """#
            )
            try await bob.ask("POST", "/join/\(room)").expect(403, "M_FORBIDDEN")
            try await bob.post("/join/\(hall)")
            try await bob.post("/join/\(room)")
            let content = try await bob.get("/rooms/\(room)/state/m.room.member/\(bob.id)")
            #expect(content["join_authorised_via_users_server"]?.string == alice.id)
        }
    }

    @Test("State is set and read, with and without a key, and aliases are checked")
    func state() async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            let room = try await alice.createRoom()
            try await alice.put("/rooms/\(room)/state/m.room.topic", #"{"topic":"one"}"#)
            try await alice.put("/rooms/\(room)/state/m.room.topic/", #"{"topic":"two"}"#)
            #expect(try await alice.get("/rooms/\(room)/state/m.room.topic")["topic"] == "two")
            #expect(try await alice.get("/rooms/\(room)/state/m.room.topic/")["topic"] == "two")
            try await alice.put("/rooms/\(room)/state/org.x/a%2Fb", #"{"n":1}"#)
            #expect(try await alice.get("/rooms/\(room)/state/org.x/a%2Fb")["n"] == 1)
            try await alice.ask(
                "PUT",
                "/rooms/\(room)/state/m.room.canonical_alias",
                ##"{"alias":"#none:test.example"}"##
            ).expect(400, "M_BAD_ALIAS")
            try await alice.put(
                "/directory/room/%23pot:test.example",
                #"{"room_id":"\#(room)"}"#
            )
            try await alice.put(
                "/rooms/\(room)/state/m.room.canonical_alias",
                ##"{"alias":"#pot:test.example","alt_aliases":["#pot:test.example"]}"##
            )
            #expect(
                try await alice.get("/rooms/\(room)/aliases")["aliases"] == ["#pot:test.example"]
            )
            try await alice.ask(
                "PUT",
                "/directory/room/%23pot:test.example",
                #"{"room_id":"\#(room)"}"#
            ).expect(409)
            _ = try await alice.ask("DELETE", "/directory/room/%23pot:test.example").expect(200)
            try await alice.ask("GET", "/directory/room/%23pot:test.example")
                .expect(404, "M_NOT_FOUND")
        }
    }

    @Test("A redacted message is served without its content")
    func redaction() async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            let room = try await alice.createRoom()
            let event = try await alice.say("regret", in: room)
            try await alice.put("/rooms/\(room)/redact/\(event)/r1", #"{"reason":"typo"}"#)
            let seen = try await alice.get("/rooms/\(room)/event/\(event)")
            #expect(seen["content"] == [:])
            #expect(seen["unsigned"]?["redacted_because"] != nil)
            try await alice.ask("PUT", "/rooms/\(room)/redact/$nothing/r2", "{}")
                .expect(404, "M_NOT_FOUND")
        }
    }

    @Test("Members, joined members, context and the directory search answer")
    func reads() async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            let bob = try await server.user("bob")
            let room = try await alice.createRoom(
                #"{"preset":"public_chat","visibility":"public","name":"Tea"}"#
            )
            try await bob.post("/join/\(room)")
            let event = try await alice.say("hello", in: room)
            #expect(try await bob.get("/rooms/\(room)/members")["chunk"]?.elements?.count == 2)
            let joined = try await bob.get("/rooms/\(room)/joined_members")["joined"]
            #expect(joined?[alice.id]?["display_name"] == "alice")
            let context = try await bob.get("/rooms/\(room)/context/\(event)?limit=4")
            #expect(context["event"]?["content"]?["body"] == "hello")
            let search = #"{"filter":{"generic_search_term":"tea"}}"#
            #expect(
                try await bob.post("/publicRooms", search)["chunk"]?.elements?.count == 1
            )
            try await bob.ask("POST", "/publicRooms?server=elsewhere.example", "{}")
                .expect(404, "M_NOT_FOUND")
            #expect(try await bob.get("/presence/\(alice.id)/status")["presence"] == "offline")
            try await bob.put("/presence/\(bob.id)/status", #"{"presence":"online"}"#)
            #expect(try await bob.get("/pushrules")["global"] != nil)
            #expect(try await bob.get("/pushrules/global/")["override"] != nil)
        }
    }

    @Test("A room that could not be made leaves its alias free")
    func aliasAfterFailure() async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            try await alice.ask(
                "POST",
                "/createRoom",
                #"{"room_alias_name":"tea","power_level_content_override":{"users":{}}}"#
            ).expect(400, "M_INVALID_ROOM_STATE")
            let room = try await alice.createRoom(#"{"room_alias_name":"tea"}"#)
            let found = try await alice.get("/directory/room/%23tea:test.example")
            #expect(found["room_id"]?.string == room)
        }
    }

    @Test("A room lists its own aliases, and takes a hundred")
    func aliasLists() async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            let room = try await alice.createRoom(#"{"room_alias_name":"first"}"#)
            let other = try await alice.createRoom(#"{"room_alias_name":"other"}"#)
            func path(_ number: Int) -> String { "/directory/room/%23n\(number):test.example" }
            for number in 1..<100 { try await alice.put(path(number), #"{"room_id":"\#(room)"}"#) }
            try await alice.ask("PUT", path(100), #"{"room_id":"\#(room)"}"#)
                .expect(403, "M_USER_LIMIT_EXCEEDED")
            func count(_ room: String) async throws -> Int? {
                try await alice.get("/rooms/\(room)/aliases")["aliases"]?.elements?.count
            }
            #expect(try await count(room) == 100)
            #expect(try await count(other) == 1)
            try await alice.ask("DELETE", path(7)).expect(200)
            #expect(try await count(room) == 99)
            try await alice.put(path(7), #"{"room_id":"\#(other)"}"#)
            #expect(try await count(other) == 2)
            try await alice.put(path(100), #"{"room_id":"\#(room)"}"#)
        }
    }

    @Test("Any member lets others into a restricted room where the default level does")
    func restrictedByAnyone() async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            let bob = try await server.user("bob")
            let carol = try await server.user("carol")
            let dora = try await server.user("dora")
            let hall = try await alice.createRoom(#"{"preset":"public_chat"}"#)
            for level in [0, 50] {
                let room = try await alice.createRoom(
                    #"{"power_level_content_override":{"invite":\#(level)}}"#
                )
                try await alice.put(
                    "/rooms/\(room)/state/m.room.join_rules",
                    #"""
                    {"join_rule":"restricted","allow":[{"type":"m.room_membership",
                    "room_id":"\#(hall)"}]}
                    """#
                )
                for user in [bob, carol, dora] { try await user.post("/join/\(hall)") }
                for user in [bob, carol] { try await user.post("/join/\(room)") }
                for user in [alice, bob] { try await user.post("/rooms/\(room)/leave") }
                guard level == 0 else {
                    try await dora.ask("POST", "/join/\(room)")
                        .expect(400, "M_UNABLE_TO_GRANT_JOIN")
                    continue
                }
                try await dora.post("/join/\(room)")
                let own = try await dora.get("/rooms/\(room)/state/m.room.member/\(dora.id)")
                #expect(own["join_authorised_via_users_server"]?.string == carol.id)
            }
        }
    }

    @Test("Who went or was banned reads no aliases but those of a room that is open to all")
    func formerMembers() async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            let bob = try await server.user("bob")
            let room = try await alice.createRoom(
                #"{"preset":"public_chat","room_alias_name":"tea"}"#
            )
            func ask() async throws -> TestResponse {
                try await bob.ask("GET", "/rooms/\(room)/aliases")
            }
            try await ask().expect(403, "M_FORBIDDEN")
            try await bob.post("/join/\(room)")
            try await ask().expect(200)
            try await alice.post("/rooms/\(room)/ban", #"{"user_id":"\#(bob.id)"}"#)
            try await ask().expect(403, "M_FORBIDDEN")
            try await alice.put(
                "/rooms/\(room)/state/m.room.history_visibility",
                #"{"history_visibility":"world_readable"}"#
            )
            try await ask().expect(200)
        }
    }
}
