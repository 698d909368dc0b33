import Gateway
import MatrixModel
import Testing

@Suite("Guessing")
struct GuessingTests {
    private let slow = GatewaySettings.Rate(perSecond: 0.001, burst: 4)

    private func login(
        _ server: TestServer,
        _ password: String,
        from source: String = "127.0.0.1"
    ) async throws -> Int {
        try await server.ask(
            "POST",
            "/_matrix/client/v3/login",
            #"{"type":"m.login.password","user":"alice","password":"\#(password)"}"#,
            from: source
        ).status
    }

    @Test("Somebody elsewhere who tries out passwords does not lock the owner out")
    func ownerGetsIn() async throws {
        try await TestServer.run {
            $0.rates.loginPerAccount = slow
            $0.rates.failedLogin = slow
        } _: { server in
            _ = try await server.user("alice")
            var answers: [Int] = []
            for _ in 0..<6 { answers.append(try await login(server, "wrong", from: "127.0.9.1")) }
            #expect(answers == [403, 403, 403, 403, 429, 429])
            #expect(try await login(server, "secret-alice", from: "127.0.9.1") == 429)
            #expect(try await login(server, "secret-alice") == 200)
        }
    }

    @Test("Guesses at once are no more than guesses one by one; who is right spends none")
    func atOnce() async throws {
        try await TestServer.run {
            $0.rates.failedLogin = slow
        } _: { server in
            _ = try await server.user("alice")
            for _ in 0..<6 { #expect(try await login(server, "secret-alice") == 200) }
            let answers = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<12 { group.addTask { try await login(server, "wrong") } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.count { $0 == 403 } == 4)
            #expect(answers.count { $0 == 429 } == 8)
        }
    }

    @Test("Tokens nobody has are counted by address; tokens new to the node are not")
    func unknownTokens() async throws {
        try await TestServer.run {
            $0.rates.unknownToken = slow
        } _: { server in
            // Nothing of a new session is in memory before its first request.
            for number in 0..<8 { _ = try await server.user("u\(number)").get("/account/whoami") }
            let alice = try await server.user("alice")
            _ = try await alice.get("/account/whoami")
            let unknown = "wbt_1_" + String(repeating: "A", count: 43)
            func ask(from source: String) async throws -> Int {
                try await server.ask(
                    "GET",
                    "/_matrix/client/v3/account/whoami",
                    token: unknown,
                    from: source
                ).status
            }
            var answers: [Int] = []
            for _ in 0..<6 { answers.append(try await ask(from: "127.0.0.1")) }
            #expect(answers == [401, 401, 401, 401, 429, 429])
            #expect(try await ask(from: "127.0.9.1") == 401)
            _ = try await alice.get("/account/whoami")
        }
    }

    @Test("Registration tokens and names are tried no faster by registering than by asking")
    func registering() async throws {
        for isTokenTried in [true, false] {
            try await TestServer.run {
                $0.registration = .token("tea")
                $0.rates.loginPerAddress = GatewaySettings.Rate(perSecond: 0.001, burst: 5)
            } _: { server in
                _ = try await server.registered("alice")
                let name = isTokenTried ? "bob" : "alice"
                var answers: [Int] = []
                for number in 0..<6 {
                    let auth = #"{"type":"m.login.registration_token","token":"\#(number)"}"#
                    answers.append(
                        try await server.ask(
                            "POST",
                            "/_matrix/client/v3/register",
                            #"{"username":"\#(name)","password":"long-enough","auth":\#(auth)}"#
                        ).status
                    )
                }
                let refused = isTokenTried ? 401 : 400
                #expect(answers == [refused, refused, refused, refused, 429, 429])
            }
        }
    }
}
