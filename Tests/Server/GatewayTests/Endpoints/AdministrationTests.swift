import Gateway
import MatrixModel
import Testing

@Suite("Administration")
struct AdministrationTests {
    @Test("An operator makes accounts while registration is closed, and ends them")
    func accounts() async throws {
        try await TestServer.run {
            $0.registration = .closed
        } _: { server in
            let accounts = AccountAdministration(server.gateway)
            #expect(
                try await accounts.create("alice", password: "long-enough", isAdministrator: true)
                    == "@alice:test.example"
            )
            await #expect(throws: MatrixError.self) {
                try await accounts.create("alice", password: "long-enough")
            }
            await #expect(throws: MatrixError.self) {
                try await accounts.create("bob", password: "short")
            }
            func login(_ password: String) async throws -> TestResponse {
                try await server.ask(
                    "POST",
                    "/_matrix/client/v3/login",
                    #"{"type":"m.login.password","user":"alice","password":"\#(password)"}"#
                )
            }
            try await login("long-enough").expect(200)
            #expect(try await accounts.show("@alice:test.example").devices.count == 1)
            try await accounts.resetPassword(of: "alice", to: "another-one")
            try await login("long-enough").expect(403)
            try await login("another-one").expect(200)
            try await accounts.deactivate("alice", erase: false)
            try await login("another-one").expect(403, "M_FORBIDDEN")
            #expect(try await accounts.list().map(\.isDeactivated) == [true])
        }
    }
}
