import Gateway
import HTTPService
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
}
