import Gateway
import MatrixModel
import MultiRaft
import Testing

@Suite("First conversation")
struct FirstConversationTests {
    @Test("Two people register, meet in a room, talk, and page back to what was said")
    func conversation() async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            let bob = try await server.user("bob")
            #expect(alice.id == "@alice:test.example")
            let room = try await alice.createRoom(
                #"{"name":"Tea","invite":["\#(bob.id)"],"preset":"private_chat"}"#
            )
            let invited = try await bob.get("/sync")
            #expect(invited["rooms"]?["invite"]?[room]?["invite_state"]?["events"] != nil)
            try await bob.post("/join/\(room)")
            let first = try await alice.say("one", in: room)
            let again = try await alice.say("one", in: room)
            #expect(first == again, "a repeated transaction is one event")
            try await bob.say("two", in: room)
            let page = try await bob.get("/rooms/\(room)/messages?dir=b&limit=10")
            let bodies = page["chunk"]?.elements?.compactMap { $0["content"]?["body"]?.string }
            #expect(bodies == ["two", "one"])
            let sync = try await alice.get("/sync")
            let events = sync["rooms"]?["join"]?[room]?["timeline"]?["events"]?.elements ?? []
            #expect(events.contains { $0["event_id"]?.string == first })
        }
    }

    @Test("A waiting sync hears a message at once")
    func longPoll() async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            let room = try await alice.createRoom()
            let since = try #require(try await alice.get("/sync")["next_batch"]?.string)
            async let waiting = alice.get("/sync?since=\(since)&timeout=20000")
            let sent = try await alice.say("hello", in: room)
            let heard = try await waiting
            let events = heard["rooms"]?["join"]?[room]?["timeline"]?["events"]?.elements
            #expect(events?.first?["event_id"]?.string == sent)
        }
    }

    @Test("A login gives a token, a logout takes it")
    func loginAndLogout() async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            let login = try await server.ask(
                "POST",
                "/_matrix/client/v3/login",
                #"""
                {"type":"m.login.password","identifier":{"type":"m.id.user","user":"alice"},
                "password":"secret-alice","device_id":"TEA","initial_device_display_name":"Pot"}
                """#
            ).expect(200)
            let token = try #require(login["access_token"]?.string)
            let other = TestUser(server: server, id: alice.id, token: token)
            #expect(try await other.get("/account/whoami")["device_id"] == "TEA")
            #expect(try await alice.get("/devices/TEA")["display_name"] == "Pot")
            try await other.post("/logout")
            try await other.ask("GET", "/account/whoami").expect(401, "M_UNKNOWN_TOKEN")
            #expect(try await alice.get("/account/whoami")["is_guest"] == false)
            try await server.ask(
                "POST",
                "/_matrix/client/v3/login",
                #"{"type":"m.login.password","user":"alice","password":"wrong-one"}"#
            ).expect(403, "M_FORBIDDEN")
            try await server.ask(
                "POST",
                "/_matrix/client/v3/login",
                #"{"type":"m.login.password","user":"nobody","password":"wrong-one"}"#
            ).expect(403, "M_FORBIDDEN")
        }
    }

    @Test("A token that becomes void ends its waiting sync", arguments: VoidToken.allCases)
    func revokedWhileWaiting(_ how: VoidToken) async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            let other = try await alice.secondDevice()
            _ = try await alice.createRoom()
            let since = try #require(try await alice.get("/sync")["next_batch"]?.string)
            async let waiting = alice.ask("GET", "/sync?since=\(since)&timeout=20000")
            while server.gateway.feed.statistics.waiters == 0 { await Task.yield() }
            let auth =
                #""auth":{"type":"m.login.password","user":"alice","#
                + #""password":"secret-alice"}"#
            switch how {
            case .logout: try await alice.post("/logout")
            case .deletedDevice:
                let device = try #require(
                    try await alice.get("/account/whoami")["device_id"]?.string
                )
                try await other.ask("DELETE", "/devices/\(device)", "{\(auth)}").expect(200)
            case .deactivation: try await other.post("/account/deactivate", "{\(auth)}")
            }
            try await waiting.expect(401, "M_UNKNOWN_TOKEN")
            try await alice.ask("GET", "/sync?since=\(since)").expect(401, "M_UNKNOWN_TOKEN")
        }
    }

    enum VoidToken: CaseIterable {
        case logout, deletedDevice, deactivation
    }
}
