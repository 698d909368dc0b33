import Gateway
import HTTPService
import Homeserver
import MatrixModel
import MultiRaft
import Partitions
import Synchronization
import Testing

@Suite("Routing")
struct RoutingTests {
    @Test("No two endpoints claim the same path, and all have r0 and v3 or v1")
    func table() async throws {
        try await TestServer.run { server in
            var router = Router<HTTPRoute>()
            // Adding a path twice stops the program.
            server.gateway.addRoutes(to: &router)
            #expect(router.count > 130)
        }
    }

    @Test("Unknown paths are 404, known paths with another method 405, tokens are asked for")
    func unknown() async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            for path in ["/keys/query", "/room_keys/version", "/voip/turnServer", "/refresh"] {
                try await alice.ask("GET", path).expect(404, "M_UNRECOGNIZED")
            }
            try await alice.ask("DELETE", "/createRoom").expect(405, "M_UNRECOGNIZED")
            try await server.ask("GET", "/_matrix/client/v3/sync").expect(401, "M_MISSING_TOKEN")
            try await server.ask("GET", "/_matrix/client/v3/sync", token: "wbt_1_x")
                .expect(401, "M_UNKNOWN_TOKEN")
            try await server.ask(
                "GET",
                "/_matrix/client/v3/sync",
                token: "wbt_1_" + String(repeating: "A", count: 43)
            ).expect(401, "M_UNKNOWN_TOKEN")
            try await server.ask(
                "GET",
                "/_matrix/client/v3/account/whoami?access_token=" + alice.token
            ).expect(200)
            try await server.ask("GET", "/_matrix/client/versions").expect(200)
            try await server.ask("GET", "/.well-known/matrix/client").expect(200)
            _ = try await alice.get("/capabilities")
            _ = try await alice.get("/pushers")
        }
    }

    @Test("No endpoint that changes something answers 200 while nothing can be proposed")
    func noWayRoundTheLog() async throws {
        let refuses = Refusal()
        try await TestServer.run { settings in
            settings.deadlineMilliseconds = 1
        } node: { node in
            refuses.guarding(node)
        } _: { server in
            let alice = try await server.user("alice")
            let bob = try await server.user("bob")
            let room = try await alice.createRoom(#"{"preset":"public_chat"}"#)
            try await bob.post("/join/\(room)")
            let event = try await alice.say("hello", in: room)
            refuses.refuse()
            for attempt in attempts(alice.id, bob.id, room, event) {
                let path =
                    attempt.path.hasPrefix("/_")
                    ? attempt.path : "/_matrix/client/v3" + attempt.path
                let answer = try await server.ask(
                    attempt.method,
                    path,
                    attempt.body,
                    token: alice.token
                )
                #expect(answer.status == 503, "\(attempt.method) \(attempt.path)")
                #expect(answer.head.contains("Retry-After: "))
            }
            // Reads go on.
            _ = try await alice.get("/sync")
            _ = try await alice.get("/rooms/\(room)/messages?dir=b")
        }
    }

    /// Every endpoint that changes something but typing, which skips the log, and presence, which
    /// is not kept.
    private func attempts(
        _ alice: String,
        _ bob: String,
        _ room: String,
        _ event: String
    ) -> [(method: String, path: String, body: String)] {
        let auth = #""auth":{"type":"m.login.password","user":"alice","password":"secret-alice"}"#
        let login = #"{"type":"m.login.password","user":"alice","password":"secret-alice"}"#
        let him = #"{"user_id":"\#(bob)"}"#
        let rules = "/pushrules/global"
        let token = "wlt_1_" + String(repeating: "A", count: 43)
        return [
            (
                "POST", "/register",
                #"{"username":"x","password":"long-enough","auth":{"type":"m.login.dummy"}}"#
            ),
            ("POST", "/login", login),
            ("POST", "/login", #"{"type":"m.login.token","token":"\#(token)"}"#),
            ("POST", "/_matrix/client/v1/login/get_token", "{\(auth)}"),
            ("POST", "/logout", "{}"), ("POST", "/logout/all", "{}"),
            ("POST", "/account/password", #"{"new_password":"long-enough",\#(auth)}"#),
            ("POST", "/account/deactivate", "{\(auth)}"),
            ("PUT", "/devices/X", #"{"display_name":"n"}"#),
            ("DELETE", "/devices/X", "{\(auth)}"),
            ("POST", "/delete_devices", #"{"devices":["X"],\#(auth)}"#),
            ("PUT", "/profile/\(alice)/displayname", #"{"displayname":"n"}"#),
            ("PUT", "/profile/\(alice)/avatar_url", #"{"avatar_url":"mxc://a/b"}"#),
            ("POST", "/createRoom", "{}"), ("POST", "/createRoom", #"{"room_alias_name":"a"}"#),
            ("POST", "/join/\(room)", "{}"), ("POST", "/rooms/\(room)/join", "{}"),
            ("POST", "/knock/\(room)", "{}"), ("POST", "/rooms/\(room)/leave", "{}"),
            ("POST", "/rooms/\(room)/invite", him), ("POST", "/rooms/\(room)/kick", him),
            ("POST", "/rooms/\(room)/ban", him), ("POST", "/rooms/\(room)/unban", him),
            ("POST", "/rooms/\(room)/forget", "{}"),
            ("PUT", "/rooms/\(room)/send/m.room.message/n", #"{"body":"x"}"#),
            ("PUT", "/rooms/\(room)/redact/\(event)/n", "{}"),
            ("PUT", "/rooms/\(room)/state/m.room.topic", #"{"topic":"x"}"#),
            ("PUT", "/rooms/\(room)/state/m.room.topic/", #"{"topic":"x"}"#),
            ("PUT", "/directory/room/%23n:test.example", #"{"room_id":"\#(room)"}"#),
            ("PUT", "/directory/list/room/\(room)", #"{"visibility":"public"}"#),
            ("POST", "/rooms/\(room)/receipt/m.read/\(event)", "{}"),
            ("POST", "/rooms/\(room)/receipt/m.fully_read/\(event)", "{}"),
            ("POST", "/rooms/\(room)/read_markers", #"{"m.read":"\#(event)"}"#),
            ("PUT", "/user/\(alice)/account_data/x", "{}"),
            ("PUT", "/user/\(alice)/rooms/\(room)/account_data/x", "{}"),
            ("PUT", "/user/\(alice)/rooms/\(room)/tags/x", "{}"),
            ("POST", "/user/\(alice)/filter", "{}"),
            ("PUT", rules + "/content/x", #"{"pattern":"x","actions":[]}"#),
            ("PUT", rules + "/override/.m.rule.master/enabled", #"{"enabled":true}"#),
            ("PUT", rules + "/override/.m.rule.master/actions", #"{"actions":["notify"]}"#),
        ]
    }
}

/// Stands before a node and, once told so, lets no command through.
final class Refusal: Sendable {
    private let isRefusing = Atomic<Bool>(false)

    func refuse() { isRefusing.store(true, ordering: .relaxed) }

    func guarding(_ node: GatewayNode) -> GatewayNode {
        GatewayNode(
            map: node.map,
            submit: { [self] command, partition, done in
                guard !isRefusing.load(ordering: .relaxed) else {
                    done(.unavailable("refused by the test"))
                    return
                }
                node.submit(command, partition, done)
            },
            mintCommandID: node.mintCommandID,
            readBarrier: node.readBarrier,
            view: node.view,
            key: node.key,
            random: node.random,
            tokenKey: node.tokenKey,
            pepper: node.pepper
        )
    }
}
