import MatrixModel
import Testing

@Suite("User data")
struct UserDataTests {
    @Test("Account data is kept per user and per room")
    func accountData() async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            let room = try await alice.createRoom()
            let own = "/user/\(alice.id)"
            try await alice.ask("GET", own + "/account_data/m.direct").expect(404, "M_NOT_FOUND")
            try await alice.put(own + "/account_data/m.direct", #"{"a":[1.5]}"#)
            #expect(try await alice.get(own + "/account_data/m.direct") == ["a": [.double(1.5)]])
            try await alice.put(own + "/rooms/\(room)/account_data/org.x", #"{"b":"c"}"#)
            #expect(
                try await alice.get(own + "/rooms/\(room)/account_data/org.x") == ["b": "c"]
            )
            try await alice.ask("PUT", own + "/account_data/m.push_rules", "{}")
                .expect(405, "M_BAD_JSON")
            try await alice.ask("PUT", own + "/rooms/\(room)/account_data/m.fully_read", "{}")
                .expect(405, "M_BAD_JSON")
            try await alice.ask("PUT", "/user/@bob:test.example/account_data/x", "{}")
                .expect(403, "M_FORBIDDEN")
            try await alice.ask("PUT", own + "/account_data/x", "[]").expect(400, "M_BAD_JSON")
        }
    }

    @Test("Tags are added, listed and removed one by one")
    func tags() async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            let room = try await alice.createRoom()
            let path = "/user/\(alice.id)/rooms/\(room)/tags"
            #expect(try await alice.get(path) == ["tags": [:]])
            try await alice.put(path + "/m.favourite", #"{"order":0.5}"#)
            try await alice.put(path + "/u.work", "{}")
            #expect(
                try await alice.get(path)["tags"]
                    == ["m.favourite": ["order": .double(0.5)], "u.work": [:]]
            )
            _ = try await alice.ask("DELETE", path + "/m.favourite").expect(200)
            #expect(try await alice.get(path) == ["tags": ["u.work": [:]]])
            try await alice.ask("PUT", path + "/x", #"{"order":"first"}"#)
                .expect(400, "M_BAD_JSON")
        }
    }

    @Test("A filter is stored once and read back")
    func filters() async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            let path = "/user/\(alice.id)/filter"
            let body = #"{"room":{"timeline":{"limit":5},"state":{"lazy_load_members":true}}}"#
            let id = try #require(try await alice.post(path, body)["filter_id"]?.string)
            #expect(try await alice.post(path, body)["filter_id"]?.string == id)
            #expect(try await alice.get(path + "/" + id)["room"]?["timeline"]?["limit"] == 5)
            try await alice.ask("GET", path + "/none").expect(404, "M_NOT_FOUND")
            try await alice.ask("POST", path, #"{"room":[]}"#).expect(400, "M_BAD_JSON")
            _ = try await alice.get("/sync?filter=" + id)
        }
    }

    @Test("Push rules are edited and come with the first sync")
    func pushRules() async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            let rule = "/pushrules/global/content/tea"
            try await alice.put(rule, #"{"pattern":"tea","actions":["notify"]}"#)
            #expect(try await alice.get(rule)["pattern"] == "tea")
            try await alice.put(rule + "/enabled", #"{"enabled":false}"#)
            #expect(try await alice.get(rule + "/enabled") == ["enabled": false])
            try await alice.put(rule + "/actions", #"{"actions":[]}"#)
            #expect(try await alice.get(rule + "/actions") == ["actions": []])
            let sync = try await alice.get("/sync")
            let rules = sync["account_data"]?["events"]?.elements?
                .first { $0["type"]?.string == "m.push_rules" }
            #expect(
                rules?["content"]?["global"]?["content"]?.elements?.first?["rule_id"] == "tea"
            )
            #expect(try await alice.get("/pushrules/")["global"] != nil)
            _ = try await alice.ask("DELETE", rule).expect(200)
            try await alice.ask("GET", rule).expect(404, "M_NOT_FOUND")
            try await alice.ask("PUT", "/pushrules/global/odd/x", "{}")
                .expect(400, "M_INVALID_PARAM")
            try await alice.ask("PUT", "/pushrules/global/override/.m.rule.x", #"{"actions":[]}"#)
                .expect(400, "M_INVALID_PARAM")
        }
    }

    @Test("Receipts, markers and typing reach the other side")
    func receipts() async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            let bob = try await server.user("bob")
            let room = try await alice.createRoom(#"{"preset":"public_chat"}"#)
            try await bob.post("/join/\(room)")
            let event = try await alice.say("read this", in: room)
            try await bob.post("/rooms/\(room)/receipt/m.read/\(event)", #"{"thread_id":null}"#)
            try await bob.post("/rooms/\(room)/receipt/m.read.private/\(event)", "{}")
            try await bob.post(
                "/rooms/\(room)/read_markers",
                #"{"m.fully_read":"\#(event)","m.read":"\#(event)"}"#
            )
            try await bob.ask("POST", "/rooms/\(room)/receipt/m.odd/\(event)", "{}")
                .expect(400, "M_INVALID_PARAM")
            try await bob.put(
                "/rooms/\(room)/typing/\(bob.id)",
                #"{"typing":true,"timeout":10000}"#
            )
            let sync = try await alice.get("/sync")
            let ephemeral = sync["rooms"]?["join"]?[room]?["ephemeral"]?["events"]?.elements ?? []
            let typing = ephemeral.first { $0["type"]?.string == "m.typing" }
            #expect(typing?["content"]?["user_ids"] == [.string(bob.id)])
            let receipts = ephemeral.first { $0["type"]?.string == "m.receipt" }
            #expect(receipts?["content"]?[event]?["m.read"]?[bob.id] != nil)
            #expect(receipts?["content"]?[event]?["m.read.private"] == nil)
            let his = try await bob.get("/sync")
            let data = his["rooms"]?["join"]?[room]?["account_data"]?["events"]?.elements
            #expect(data?.first?["content"]?["event_id"]?.string == event)
        }
    }

    @Test("A thread's receipt is for an event of the room that is its root")
    func threadReceipts() async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            let room = try await alice.createRoom()
            let elsewhere = try await alice.say("x", in: try await alice.createRoom())
            let root = try await alice.say("root", in: room, transaction: "1")
            let other = try await alice.say("other", in: room, transaction: "2")
            let reply = try #require(
                try await alice.put(
                    "/rooms/\(room)/send/m.room.message/3",
                    #"{"body":"x","m.relates_to":{"rel_type":"m.thread","event_id":"\#(root)"}}"#
                )["event_id"]?.string
            )
            func set(_ event: String, _ thread: String) async throws -> TestResponse {
                try await alice.ask(
                    "POST",
                    "/rooms/\(room)/receipt/m.read/\(event)",
                    #"{"thread_id":"\#(thread)"}"#
                )
            }
            try await set(reply, root).expect(200)
            try await set(root, root).expect(200)
            try await set(other, "main").expect(200)
            for (event, thread) in [
                (reply, other), (reply, "main"), (root, elsewhere), (root, "$" + "a"),
            ] {
                try await set(event, thread).expect(400, "M_INVALID_PARAM")
            }
        }
    }

    @Test("A device that only syncs or sends is seen too")
    func lastSeen() async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            let room = try await alice.createRoom()
            let (syncing, sending) = (
                try await alice.secondDevice(), try await alice.secondDevice()
            )
            _ = try await syncing.get("/sync")
            try await sending.say("x", in: room)
            let devices = try await alice.get("/devices")["devices"]?.elements ?? []
            #expect(devices.count == 3)
            #expect(devices.allSatisfy { $0["last_seen_ts"]?.integer != nil })
        }
    }
}
