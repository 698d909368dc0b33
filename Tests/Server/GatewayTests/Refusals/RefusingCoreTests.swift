import Gateway
import HTTPService
import MatrixModel
import MultiRaft
import Testing

/// No path to a client's 200 bypasses `propose`: what the Raft core does not take on is not
/// answered, and leaves nothing behind.
@Suite("A core that refuses proposals")
struct RefusingCoreTests {
    struct Attempt: Sendable {
        let name: String
        let method: String
        let path: String
        let request: ReadyRequest
        let scene: Scene

        func ask() async throws -> TestResponse {
            try await scene.server.ask(
                method,
                path,
                request.body,
                token: (request.caller ?? scene.alice).token
            )
        }

        var isUnlogged: Bool { ReadyRequests.unlogged[name] != nil }
    }

    /// Every route of the gateway that is no GET, with a request that is ready to be sent. A route
    /// nobody prepared a request for is an issue.
    private func attempts(_ server: TestServer) async throws -> [Attempt] {
        var attempts: [Attempt] = []
        var unused = Set(ReadyRequests.all.keys)
        for (number, route) in Gateway.routes.enumerated() where route.method != .get {
            let name = "\(route.method.name) \(short(route.template))"
            guard let make = ReadyRequests.all[name] else {
                Issue.record("no request is prepared for \(route.method.name) \(route.template)")
                continue
            }
            unused.remove(name)
            let scene = try await Scene(server, number: number)
            let request = try await make(scene)
            attempts.append(
                Attempt(
                    name: name,
                    method: route.method.name,
                    path: request.path(route.template),
                    request: request,
                    scene: scene
                )
            )
        }
        #expect(unused.sorted() == [], "requests for endpoints that are not there")
        #expect(!attempts.contains { $0.path.contains("{") }, "a place of a path is left open")
        return attempts
    }

    /// The path below `/_matrix/client/r0` and its like.
    private func short(_ template: String) -> String {
        template.split(separator: "/", maxSplits: 3).last.map { "/" + $0 } ?? template
    }

    @Test(
        "Each prepared request works, and records something unless it is listed as one that does not"
    )
    func accepted() async throws {
        try await TestServer.run { server in
            let attempts = try await attempts(server)
            var silent: Set<String> = []
            for attempt in attempts {
                try await server.settle()
                let before = server.positions()
                let answer = try await attempt.ask()
                #expect((200..<300).contains(answer.status), "\(attempt.name): \(answer.text)")
                if server.positions() == before { silent.insert(attempt.name) }
            }
            #expect(silent.sorted() == ReadyRequests.unlogged.keys.sorted())
        }
    }

    @Test("Refused, each of them fails and none has an effect; taken on again, each works")
    func refused() async throws {
        try await TestServer.run { settings in
            // Nobody waits for a core to change its mind.
            settings.deadlineMilliseconds = 1
        } _: { server in
            let attempts = try await attempts(server)
            #expect(attempts.count > 70)
            try await server.settle()
            let before = try server.rows()
            server.node.acceptProposals(false)
            for attempt in attempts {
                let answer = try await attempt.ask()
                if attempt.isUnlogged {
                    #expect(answer.status == 200, "\(attempt.name): \(answer.text)")
                } else {
                    #expect((500..<600).contains(answer.status), "\(attempt.name): \(answer.text)")
                    #expect(!answer.errorCode.isEmpty, "\(attempt.name): \(answer.text)")
                    #expect(answer.head.contains("Retry-After: "), "\(attempt.name)")
                }
            }
            // Reads go on.
            let reader = try #require(attempts.first).scene
            _ = try await reader.alice.get("/sync")
            _ = try await reader.alice.get("/rooms/\(reader.room)/messages?dir=b")
            server.node.acceptProposals(true)
            try await server.settle()
            let after = try server.rows()
            #expect(after.count == before.count)
            #expect(after.filter { before[$0.key] != $0.value }.keys.sorted(by: isBefore) == [])
            for attempt in attempts {
                let answer = try await attempt.ask()
                #expect((200..<300).contains(answer.status), "\(attempt.name): \(answer.text)")
            }
        }
    }

    private func isBefore(_ one: [UInt8], _ other: [UInt8]) -> Bool {
        one.lexicographicallyPrecedes(other)
    }
}
