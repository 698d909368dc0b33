import Synchronization
import Testing

import HTTPService

@Suite("Connections: time-outs, ends and caps", .serialized, .timeLimit(.minutes(1)))
struct ConnectionLifeTests {
    private static let park = "GET /park HTTP/1.1\r\nHost: a\r\n\r\n"

    /// A flag that a callback raises and a test waits for.
    private final class Signal: Sendable {
        private let stream: AsyncStream<Void>
        private let continuation: AsyncStream<Void>.Continuation

        init() { (stream, continuation) = AsyncStream.makeStream() }

        func raise() { continuation.yield() }

        func raised() async {
            for await _ in stream { return }
        }
    }

    @Test("A head that takes too long is 408")
    func slowHead() async throws {
        try await TestServer.with({ $0.headTimeoutMilliseconds = 100 }) { test in
            let client = try test.client()
            try client.send("GET /hello HT")
            #expect(try client.answer()?.status == 408)
            client.shutdownSending()
            #expect(try client.closes())
        }
    }

    @Test("A connection that never says anything is closed")
    func silent() async throws {
        try await TestServer.with({ $0.headTimeoutMilliseconds = 100 }) { test in
            let client = try test.client()
            #expect(try client.closes())
        }
    }

    @Test("A body below the least rate is 408, one above is taken")
    func slowBody() async throws {
        try await TestServer.with({
            $0.bodyGraceMilliseconds = 100
            $0.bodyBytesPerSecondMin = 100
        }) { test in
            let client = try test.client()
            try client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nab")
            #expect(try client.answer()?.status == 408)
            #expect(test.server.statistics.bodyBytesInFlight == 0)
        }
    }

    @Test("A body that was fast and then stands still is 408 no later than one that was not")
    func stalledBody() async throws {
        try await TestServer.with({
            $0.bodyStallMilliseconds = 200
            $0.bodyGraceMilliseconds = 100
            $0.bodyBytesPerSecondMin = 100
        }) { test in
            let client = try test.client()
            let head = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"
            // At the least rate these would be ten minutes.
            try client.send(head + String(repeating: "a", count: 60_000))
            #expect(try client.answer()?.status == 408)
            #expect(test.server.statistics.bodyBytesInFlight == 0)
        }
    }

    @Test("A large answer that is taken below the least rate is cut off, however steadily")
    func slowReader() async throws {
        try await TestServer.with({
            $0.writeStallMilliseconds = 40
            $0.answerBytesPerSecondMin = 1 << 40
        }) { test in
            let client = try RawClient(port: test.port, receiveBufferBytes: 4096)
            try client.send("GET /big/60000000 HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try client.answer() == nil)
            #expect(test.server.statistics.timeouts == 1)
            while test.server.statistics.answerBytesInFlight > 0 { await Task.yield() }
        }
    }

    @Test("An idle connection is closed, one with a request is not")
    func idle() async throws {
        try await TestServer.with({
            $0.idleTimeoutMilliseconds = 100
            $0.headTimeoutMilliseconds = 100
        }) { test in
            let waiting = try test.client()
            try waiting.send(Self.park)
            let idle = try test.client()
            try idle.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try idle.answer()?.text == "hello")
            #expect(try idle.closes())
            await test.desk.parked(1)[0].respond(TestServer.ok("still here"))
            #expect(try waiting.answer()?.text == "still here")
        }
    }

    @Test("A client that takes nothing of its answer is cut off")
    func stalledReader() async throws {
        try await TestServer.with({ $0.writeStallMilliseconds = 200 }) { test in
            let client = try RawClient(port: test.port, receiveBufferBytes: 4096)
            try client.send("GET /big/20000000 HTTP/1.1\r\nHost: a\r\n\r\n")
            while test.server.statistics.connectionsAccepted == 0
                || test.server.statistics.connectionsOpen > 0
            { await Task.yield() }
            #expect(test.server.statistics.timeouts == 1)
        }
    }

    @Test("A deadline answers a long poll, never early")
    func deadline() async throws {
        try await TestServer.with { test in
            let client = try test.client()
            let start = ContinuousClock.now
            try client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try client.answer()?.text == "waited")
            #expect(ContinuousClock.now - start >= .milliseconds(100))
        }
    }

    @Test("A half-closed client gets its answers, and the handler learns that it is leaving")
    func halfClose() async throws {
        try await TestServer.with { test in
            let client = try test.client()
            try client.send(Self.park + "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
            let parked = await test.desk.parked(1)
            #expect(!parked[0].isClosed)
            let signal = Signal()
            parked[0].onClose { signal.raise() }
            client.shutdownSending()
            await signal.raised()
            #expect(parked[0].isClosed)
            parked[0].respond(TestServer.ok("one"))
            #expect(try client.answer()?.text == "one")
            #expect(try client.answer()?.text == "hello")
            #expect(try client.closes())
        }
    }

    @Test("A half-closed client that gets no answer in time is closed")
    func halfCloseForgotten() async throws {
        try await TestServer.with({ $0.halfClosedMilliseconds = 100 }) { test in
            let client = try test.client()
            try client.send(Self.park)
            _ = await test.desk.parked(1)
            client.shutdownSending()
            #expect(try client.closes())
        }
    }

    @Test("A client that vanishes fires onClose, and an answer to it is harmless")
    func vanished() async throws {
        try await TestServer.with { test in
            let signal = Signal()
            var client: RawClient? = try test.client()
            try client?.send(Self.park)
            let parked = await test.desk.parked(1)
            parked[0].onClose { signal.raise() }
            client?.reset()
            client = nil
            await signal.raised()
            #expect(parked[0].isClosed)
            parked[0].respond(TestServer.ok("too late"))
            parked[0].respond(TestServer.ok("twice"))
            let late = Mutex(false)
            parked[0].onClose { late.withLock { $0 = true } }
            #expect(!late.withLock { $0 })
            while test.server.statistics.connectionsOpen > 0 { await Task.yield() }
            #expect(test.server.statistics.requestsInFlight == 0)
        }
    }

    @Test("A second answer is dropped")
    func twice() async throws {
        try await TestServer.with { test in
            let client = try test.client()
            try client.send(Self.park + Self.park)
            let first = await test.desk.parked(1)[0]
            first.respond(TestServer.ok("one"))
            first.respond(TestServer.ok("two"))
            await test.desk.parked(2)[1].respond(TestServer.ok("three"))
            #expect(try client.answer()?.text == "one")
            #expect(try client.answer()?.text == "three")
        }
    }

    @Test("A forgotten request is 500, and the connection goes on")
    func dropped() async throws {
        try await TestServer.with { test in
            let client = try test.client()
            try client.send("GET /drop HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try client.answer()?.status == 500)
            try client.send(Self.park)
            _ = await test.desk.parked(1)
            test.desk.clear()
            #expect(try client.answer()?.status == 500)
        }
    }

    @Test("A responder given up after its client left closes the connection quietly")
    func droppedAfterClose() async throws {
        try await TestServer.with { test in
            let client = try test.client()
            try client.send(Self.park)
            let signal = Signal()
            do {
                let parked = await test.desk.parked(1)
                parked[0].onClose { signal.raise() }
            }
            client.shutdownSending()
            await signal.raised()
            test.desk.clear()
            #expect(try client.closes())
            #expect(test.desk.records.isEmpty)
        }
    }

    @Test("A responder kept by its own callbacks does not live on with a lost client")
    func callbackCycle() async throws {
        try await TestServer.with { test in
            let signal = Signal()
            var client: RawClient? = try test.client()
            try client?.send(Self.park)
            weak var weakResponder: Responder?
            do {
                let parked = await test.desk.parked(1)
                weakResponder = parked[0]
                let responder = parked[0]
                responder.onDeadline(afterMilliseconds: 1_000_000) { [responder] in
                    responder.respond(TestServer.ok("never"))
                }
                responder.onClose { signal.raise() }
            }
            test.desk.clear()
            client?.reset()
            client = nil
            await signal.raised()
            while test.server.statistics.connectionsOpen > 0 { await Task.yield() }
            while weakResponder != nil { await Task.yield() }
        }
    }

    @Test("One address holds so many connections and no more")
    func cap() async throws {
        try await TestServer.with({ $0.connectionsPerTrustedAddressMax = 3 }) { test in
            var held: [RawClient] = []
            for _ in 0..<3 {
                let client = try test.client(from: "127.0.0.2")
                try client.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(try client.answer()?.status == 200)
                held.append(client)
            }
            let fourth = try test.client(from: "127.0.0.2")
            #expect(try fourth.closes())
            #expect(test.server.statistics.connectionsRefused == 1)
            let other = try test.client(from: "127.0.0.3")
            try other.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try other.answer()?.status == 200)
            held.removeLast()
            while test.server.statistics.connectionsOpen > 3 { await Task.yield() }
            let again = try test.client(from: "127.0.0.2")
            try again.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try again.answer()?.status == 200)
        }
    }

    @Test("A server full of unfinished bodies sheds the next with 503")
    func bodiesInFlight() async throws {
        try await TestServer.with({ $0.bodyBytesInFlightMax = 1000 }) { test in
            let half = String(repeating: "a", count: 800)
            let first = try test.client()
            try first.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\n" + half)
            while test.server.statistics.bodyBytesInFlight < 800 { await Task.yield() }
            let second = try test.client()
            try second.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\n" + half)
            #expect(try second.answer()?.status == 503)
            try first.send(String(repeating: "b", count: 100))
            #expect(try first.answer()?.body.count == 900)
            #expect(test.server.statistics.bodyBytesInFlight == 0)
        }
    }

    @Test("A server full of answers that nobody takes refuses the next large one with 503")
    func answersInFlight() async throws {
        try await TestServer.with({ $0.answerBytesInFlightMax = 30_000_000 }) { test in
            let big = "GET /big/20000000 HTTP/1.1\r\nHost: a\r\n\r\n"
            var slow: RawClient? = try RawClient(port: test.port, receiveBufferBytes: 4096)
            try slow?.send(big)
            while test.server.statistics.answerBytesInFlight < 20_000_000 { await Task.yield() }
            let second = try test.client()
            try second.send(big)
            #expect(try second.answer()?.status == 503)
            try second.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try second.answer()?.text == "hello")
            slow?.reset()
            slow = nil
            while test.server.statistics.answerBytesInFlight > 0 { await Task.yield() }
            try second.send(big)
            #expect(try second.answer()?.body.count == 20_000_000)
            while test.server.statistics.answerBytesInFlight > 0 { await Task.yield() }
        }
    }

    private static let proxied: [AddressRange] = [AddressRange("127.0.0.0/8")].compactMap(\.self)

    private static func head(_ line: String, for address: String, length: Int? = nil) -> String {
        let length = length.map { "Content-Length: \($0)\r\n" } ?? ""
        return "\(line) HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: \(address)\r\n\(length)\r\n"
    }

    @Test("One network's unfinished bodies leave room for the others'")
    func bodyShares() async throws {
        try await TestServer.with({
            $0.trustedProxies = Self.proxied
            $0.bodyBytesInFlightMax = 10_000
            $0.bodyBytesPerAddressMax = 1_000
        }) { test in
            let half = String(repeating: "a", count: 800)
            func post(_ address: String) throws -> RawClient {
                let client = try test.client()
                try client.send(Self.head("POST /echo", for: address, length: 900) + half)
                return client
            }
            let first = try post("203.0.113.7")
            while test.server.statistics.bodyBytesInFlight < 800 { await Task.yield() }
            let refused = try post("203.0.113.7").answer()
            try #require(refused?.status == 503)
            #expect(refused?.header("retry-after").flatMap { Int($0) } ?? 0 > 0)
            let other = try post("203.0.113.8")
            while test.server.statistics.bodyBytesInFlight < 1_600 { await Task.yield() }
            for client in [first, other] {
                try client.send(String(repeating: "b", count: 100))
                #expect(try client.answer()?.body.count == 900)
            }
            #expect(test.server.statistics.bodyBytesInFlight == 0)
        }
    }

    @Test("One network's answers that nobody takes leave room for the others'")
    func answerShares() async throws {
        try await TestServer.with({
            $0.trustedProxies = Self.proxied
            $0.answerBytesPerAddressMax = 10_000_000
        }) { test in
            let slow = try RawClient(port: test.port, receiveBufferBytes: 4096)
            // A single one may be larger than the share.
            try slow.send(Self.head("GET /big/20000000", for: "203.0.113.7"))
            while test.server.statistics.answerBytesInFlight < 20_000_000 { await Task.yield() }
            let client = try test.client()
            try client.send(Self.head("GET /big/100000", for: "203.0.113.7"))
            let refused = try client.answer()
            #expect(refused?.status == 503)
            #expect(refused?.header("retry-after").flatMap { Int($0) } ?? 0 > 0)
            try client.send(Self.head("GET /big/20000000", for: "203.0.113.8"))
            #expect(try client.answer()?.body.count == 20_000_000)
            slow.reset()
            while test.server.statistics.answerBytesInFlight > 0 { await Task.yield() }
        }
    }

    @Test("A drain closes the idle, finishes what is in flight and takes nobody new")
    func drain() async throws {
        try await TestServer.with { test in
            let idle = try test.client()
            try idle.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try idle.answer()?.status == 200)
            let busy = try test.client()
            try busy.send(Self.park)
            let parked = await test.desk.parked(1)
            test.server.beginDrain()
            #expect(try idle.closes())
            #expect(throws: RawClient.Failure.self) {
                while true { _ = try test.client() }
            }
            parked[0].respond(TestServer.ok("done"))
            let answer = try #require(try busy.answer())
            #expect(answer.text == "done")
            #expect(answer.header("connection") == "close")
            #expect(try busy.closes())
        }
    }

    @Test("Another router takes over, also on connections that are open")
    func anotherRouter() async throws {
        try await TestServer.with { test in
            let client = try test.client()
            try client.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try client.answer()?.text == "hello")
            var router = Router<HTTPRoute>()
            router.add(
                .get,
                "/new",
                HTTPRoute { _, responder in responder.respond(TestServer.ok("new")) }
            )
            test.server.serve(router)
            try client.send("GET /new HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try client.answer()?.text == "new")
            try client.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try client.answer()?.status == 404)
        }
    }

    @Test("A refusal meets what is new, but for the routes left out and what is under way")
    func refusal() async throws {
        try await TestServer.with { test in
            let busy = try test.client()
            try busy.send(Self.park)
            let parked = await test.desk.parked(1)
            var response = HTTPResponse(status: 503, json: Array("later".utf8))
            response.headers.append(HTTPHeader("Retry-After", "2"))
            test.server.refuse(allBut: ["/hello"], with: response)
            let client = try test.client()
            try client.send("GET /header HTTP/1.1\r\nHost: a\r\n\r\n")
            let refused = try #require(try client.answer())
            #expect(refused.status == 503 && refused.header("retry-after") == "2")
            try client.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try client.answer()?.text == "hello")
            parked[0].respond(TestServer.ok("done"))
            #expect(try busy.answer()?.text == "done")
        }
    }

    @Test("A stop cuts off what does not end in time")
    func stop() async throws {
        let test = try await TestServer()
        let client = try test.client()
        try client.send(Self.park)
        let parked = await test.desk.parked(1)
        await test.server.stop(withinMilliseconds: 50)
        #expect(try client.closes())
        #expect(parked[0].isClosed)
        parked[0].respond(TestServer.ok("nobody"))
    }

    @Test("Answers from many threads reach their connections")
    func manyThreads() async throws {
        try await TestServer.with { test in
            let clients = try (0..<100).map { _ in try test.client() }
            for client in clients { try client.send(Self.park) }
            let parked = await test.desk.parked(100)
            await withTaskGroup(of: Void.self) { group in
                for responder in parked {
                    group.addTask { responder.respond(TestServer.ok("yes")) }
                }
            }
            for client in clients { #expect(try client.answer()?.text == "yes") }
            #expect(test.server.statistics.requestsInFlight == 0)
        }
    }
}
