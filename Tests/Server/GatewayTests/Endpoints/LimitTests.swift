import Gateway
import Homeserver
import MatrixModel
import MultiRaft
import Testing

/// Each limit at n − 1, n and n + 1.
@Suite("Limits")
struct LimitTests {
    private func text(_ count: Int, _ character: Character = "a") -> String {
        String(repeating: character, count: count)
    }

    @Test("Types, state keys and transaction IDs have 255 bytes", arguments: [254, 255, 256])
    func keys(count: Int) async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            let room = try await alice.createRoom()
            let name = text(count)
            let isAllowed = count <= 255
            try await alice.ask("PUT", "/rooms/\(room)/send/\(name)/1", "{}")
                .expect(isAllowed ? 200 : 413, isAllowed ? "" : "M_TOO_LARGE")
            try await alice.ask("PUT", "/rooms/\(room)/state/x/\(name)", "{}")
                .expect(isAllowed ? 200 : 413, isAllowed ? "" : "M_TOO_LARGE")
            try await alice.ask("PUT", "/rooms/\(room)/send/x/\(name)", "{}")
                .expect(isAllowed ? 200 : 400, isAllowed ? "" : "M_INVALID_PARAM")
            try await alice.ask("PUT", "/user/\(alice.id)/account_data/\(name)", "{}")
                .expect(isAllowed ? 200 : 400, isAllowed ? "" : "M_INVALID_PARAM")
        }
    }

    @Test("An event has 65,536 bytes with everything the server adds, and no more")
    func eventSize() async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            let room = try await alice.createRoom()
            func send(_ count: Int) async throws -> Int {
                try await alice.ask(
                    "PUT",
                    "/rooms/\(room)/send/x/\(count)",
                    #"{"body":"\#(text(count))"}"#
                ).status
            }
            // What the server adds differs with the IDs: look for the edge.
            var (fits, tooLarge) = (60_000, 66_000)
            while tooLarge - fits > 1 {
                let middle = (fits + tooLarge) / 2
                if try await send(middle) == 200 { fits = middle } else { tooLarge = middle }
            }
            try await alice.ask(
                "PUT",
                "/rooms/\(room)/send/x/last",
                #"{"body":"\#(text(tooLarge))"}"#
            ).expect(413, "M_TOO_LARGE")
            #expect((64_000..<65_536).contains(fits))
        }
    }

    @Test("Bodies have their sizes: 1 MiB, 64 KiB for filters and account data")
    func bodies() async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            let data = "/user/\(alice.id)/account_data/x"
            for (path, limit) in [(data, 64 << 10), ("/user/\(alice.id)/filter", 64 << 10)] {
                let method = path == data ? "PUT" : "POST"
                for count in [limit - 1, limit, limit + 1] {
                    let body = #"{"x":"\#(text(count - 8))"}"#
                    #expect(body.utf8.count == count)
                    try await alice.ask(method, path, body)
                        .expect(count <= limit ? 200 : 413, count <= limit ? "" : "M_TOO_LARGE")
                }
            }
            for count in [(1 << 20) - 1, 1 << 20, (1 << 20) + 1] {
                let body = #"{"x":"\#(text(count - 8))"}"#
                try await alice.ask("POST", "/join/!nowhere:test.example", body)
                    .expect(count <= 1 << 20 ? 404 : 413)
            }
        }
    }

    @Test("A new room takes 100 invitations and 50 events of initial state")
    func newRooms() async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            for count in [49, 50, 51] {
                let events = (0..<count).map { #"{"type":"x","state_key":"\#($0)","content":{}}"# }
                try await alice.ask(
                    "POST",
                    "/createRoom",
                    #"{"initial_state":[\#(events.joined(separator: ","))]}"#
                ).expect(count <= 50 ? 200 : 400, count <= 50 ? "" : "M_INVALID_PARAM")
            }
            var guests: [String] = []
            for number in 0..<101 { guests.append(try await server.user("guest\(number)").id) }
            for count in [99, 100, 101] {
                let invite = guests.prefix(count).map { "\"\($0)\"" }.joined(separator: ",")
                try await alice.ask("POST", "/createRoom", #"{"invite":[\#(invite)]}"#)
                    .expect(count <= 100 ? 200 : 400, count <= 100 ? "" : "M_INVALID_PARAM")
            }
        }
    }

    @Test("JSON nests 64 deep")
    func depth() async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            for depth in [63, 64, 65] {
                let body =
                    #"{"x":"# + text(depth - 1, "[") + text(depth - 1, "]") + "}"
                try await alice.ask("PUT", "/user/\(alice.id)/account_data/x", body)
                    .expect(depth <= 64 ? 200 : 400, depth <= 64 ? "" : "M_BAD_JSON")
            }
        }
    }

    @Test("A page holds as many events as is set, however many are asked for")
    func pages() async throws {
        try await TestServer.run(reading: { $0.pageEventsMax = 12 }) { server in
            let alice = try await server.user("alice")
            let room = try await alice.createRoom()
            for number in 0..<20 {
                try await alice.ask("PUT", "/rooms/\(room)/send/x/\(number)", "{}").expect(200)
            }
            for asked in [11, 12, 13, 100_000] {
                let page = try await alice.get("/rooms/\(room)/messages?dir=b&limit=\(asked)")
                #expect(page["chunk"]?.elements?.count == min(asked, 12), "\(asked)")
            }
        }
    }

    @Test("Devices, filters, push rules and their patterns have the limits that are set")
    func configured() async throws {
        var accounts = AccountLimits()
        (accounts.devices, accounts.filters) = (3, 2)
        try await TestServer.run(
            {
                $0.limits.pushRules = 2
                $0.limits.pushPatternCharacters = 300
            },
            accounts: accounts
        ) { server in
            let alice = try await server.user("alice")
            for _ in 0..<2 { _ = try await alice.secondDevice() }
            let login =
                #"{"type":"m.login.password","user":"alice","password":"secret-alice"}"#
            try await server.ask("POST", "/_matrix/client/v3/login", login)
                .expect(403, "M_USER_LIMIT_EXCEEDED")
            for number in 1...3 {
                try await alice.ask(
                    "POST",
                    "/user/\(alice.id)/filter",
                    #"{"room":{"timeline":{"limit":\#(number)}}}"#
                ).expect(number < 3 ? 200 : 403, number < 3 ? "" : "M_USER_LIMIT_EXCEEDED")
            }
            func rule(_ name: String, _ count: Int) async throws -> TestResponse {
                try await alice.ask(
                    "PUT",
                    "/pushrules/global/content/\(name)",
                    #"{"pattern":"\#(text(count))","actions":["notify"]}"#
                )
            }
            try await rule("a", 301).expect(400, "M_BAD_JSON")
            for name in ["a", "b"] { try await rule(name, 300).expect(200) }
            try await rule("c", 1).expect(403, "M_USER_LIMIT_EXCEEDED")
            // A longer pattern than the default's is read back, too.
            let kept = try await alice.get("/pushrules/global/content/a")["pattern"]?.string
            #expect(kept?.count == 300)
        }
    }

    @Test("A device waits as often at once as the limit says, then its oldest poll is answered")
    func longPolls() async throws {
        try await TestServer.run {
            $0.longPolls.perDevice = 1
        } _: { server in
            let alice = try await server.user("alice")
            let since = try #require(try await alice.get("/sync")["next_batch"]?.string)
            let path = "/sync?since=\(since)&timeout=20000"
            async let first = alice.get(path)
            while server.gateway.feed.statistics.waiters == 0 { await Task.yield() }
            async let second = alice.get(path)
            _ = try await first
            try await alice.put("/user/\(alice.id)/account_data/x", "{}")
            #expect(try await second["account_data"] != nil)
        }
    }
}
