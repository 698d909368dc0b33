import NIOCore
import NIOHPACK
import NIOHTTP2
import Testing

import HTTPService

@Suite(
    "TLS and HTTP/2 service",
    .serialized,
    .timeLimit(.minutes(1)),
    .enabled(if: Certificate.hasOpenSSL)
)
struct HTTP2ServerTests {
    private func with(
        _ adjust: (inout HTTPSettings) -> Void = { _ in },
        _ story: (TestServer, HTTP2Client) async throws -> Void
    ) async throws {
        let certificate = try Certificate()
        try await TestServer.with(tls: certificate.settings, adjust) { test in
            let client = try await HTTP2Client(port: try #require(test.tlsPort))
            try await story(test, client)
            client.close()
        }
    }

    @Test("Requests and bodies come through, and answers carry the common fields")
    func plain() async throws {
        try await with { test, client in
            client.ask("GET", "/hello", 1)
            client.ask("POST", "/echo", 3, body: Array("some".utf8))
            client.ask("GET", "/who", 5)
            let hello = try #require(await client.answer(1))
            #expect(hello.status == "200")
            #expect(hello.text == "hello")
            #expect(hello.headers.first(name: "access-control-allow-origin") == "*")
            #expect(hello.headers.first(name: "date")?.hasSuffix("GMT") == true)
            #expect(hello.headers.first(name: "content-length") == "5")
            #expect(await client.answer(3)?.text == "some")
            #expect(await client.answer(5)?.text == "127.0.0.1 true")
            #expect(test.desk.records.allSatisfy { $0.isHTTP2 && $0.isTLS })
        }
    }

    @Test("Streams are answered as they are ready")
    func interleaved() async throws {
        try await with { test, client in
            client.ask("GET", "/park", 1)
            let parked = await test.desk.parked(1)
            client.ask("GET", "/hello", 3)
            #expect(await client.answer(3)?.text == "hello")
            parked[0].respond(TestServer.ok("later"))
            #expect(await client.answer(1)?.text == "later")
        }
    }

    @Test("Large bodies pass both ways through their windows")
    func large() async throws {
        try await with({ $0.bodyBytesMax = 3_000_000 }) { test, client in
            client.widenConnection(by: 10_000_000)
            let body = (0..<2_500_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 9) }
            client.write(
                .settings(.settings([.init(parameter: .initialWindowSize, value: 9_000_000)])),
                0
            )
            client.ask("POST", "/echo", 1, body: body)
            let answer = try #require(await client.answer(1))
            #expect(answer.body == body)
            #expect(test.server.statistics.bodyBytesInFlight == 0)
        }
    }

    @Test("Answers that nobody takes are counted, over all streams and until the connection ends")
    func answersInFlight() async throws {
        try await with({ $0.answerBytesInFlightMax = 250_000 }) { test, client in
            // The windows stay as they are: 65,535 bytes for all streams together.
            client.ask("GET", "/big/200000", 1)
            while test.server.statistics.answerBytesInFlight == 0 { await Task.yield() }
            client.ask("GET", "/big/100000", 3)
            while test.desk.records.count < 2 { await Task.yield() }
            #expect(test.desk.records.map(\.status) == [200, 503])
            #expect(test.server.statistics.answerBytesInFlight == 200_000)
            client.widenConnection(by: 1_000_000)
            client.write(.windowUpdate(windowSizeIncrement: 1_000_000), 1)
            #expect(await client.answer(1)?.body.count == 200_000)
            #expect(await client.answer(3)?.status == "503")
            #expect(test.server.statistics.answerBytesInFlight == 0)
        }
    }

    @Test("Limits are those of HTTP/1")
    func limits() async throws {
        try await with { _, client in
            let settings = HTTPSettings()
            let room = settings.requestLineBytesMax - "/hello?".utf8.count
            // The server's word on header sizes holds once the client has acknowledged it.
            client.ask("GET", "/hello", 1)
            #expect(await client.answer(1)?.status == "200")
            client.ask("GET", "/hello?" + String(repeating: "q", count: room), 17)
            client.ask("GET", "/hello?" + String(repeating: "q", count: room + 1), 19)
            #expect(await client.answer(17)?.status == "200")
            #expect(await client.answer(19)?.status == "414")
            let fields = (0..<settings.headerCountMax).map { ("x-\($0)", "y") }
            // The authority counts as the Host field.
            client.ask("GET", "/hello", 21, fields: Array(fields.dropLast()))
            client.ask("GET", "/hello", 23, fields: fields)
            #expect(await client.answer(21)?.status == "200")
            #expect(await client.answer(23)?.status == "431")
            client.ask("PUT", "/tiny/x", 25, body: [UInt8](repeating: 0, count: 10))
            client.ask("PUT", "/tiny/x", 27, body: [UInt8](repeating: 0, count: 11))
            client.ask("PUT", "/tiny/x", 29, fields: [("content-length", "11")], body: [])
            #expect(await client.answer(25)?.status == "200")
            #expect(await client.answer(27)?.status == "413")
            #expect(await client.answer(29)?.status == "413")
            client.ask("GET", "/hello", 31)
            #expect(await client.answer(31)?.status == "200")
        }
    }

    @Test("A refused upload is answered, then told to stop without blame")
    func earlyRefusal() async throws {
        try await with { _, client in
            client.ask(
                "PUT",
                "/tiny/x",
                1,
                fields: [("content-length", "100")],
                endsStream: false
            )
            #expect(await client.answer(1)?.status == "413")
            #expect(await client.reset(1) == .noError)
            client.ask("HEAD", "/hello", 3)
            let head = try #require(await client.answer(3))
            #expect(head.body.isEmpty)
            #expect(head.headers.first(name: "content-length") == "5")
        }
    }

    @Test("Unknown paths, wrong methods and preflights are answered as over HTTP/1")
    func refusals() async throws {
        try await with { _, client in
            client.ask("GET", "/nope", 1)
            client.ask("POST", "/hello", 3, body: [])
            client.ask("OPTIONS", "/nope", 5)
            client.ask("GET", "/drop", 7)
            #expect(await client.answer(1)?.status == "404")
            #expect(await client.answer(3)?.headers.first(name: "allow") == "GET, OPTIONS")
            #expect(await client.answer(5)?.status == "204")
            #expect(await client.answer(7)?.status == "500")
        }
    }

    @Test("A reset stream fires onClose, and its answer is dropped")
    func resetStream() async throws {
        try await with { test, client in
            client.ask("GET", "/park", 1)
            let parked = await test.desk.parked(1)
            let (stream, continuation) = AsyncStream<Void>.makeStream()
            parked[0].onClose { continuation.finish() }
            client.write(.rstStream(.cancel), 1)
            for await _ in stream {}
            #expect(parked[0].isClosed)
            parked[0].respond(TestServer.ok("late"))
            client.ask("GET", "/hello", 3)
            #expect(await client.answer(3)?.text == "hello")
            #expect(test.server.statistics.requestsInFlight == 0)
        }
    }

    @Test("More resets than allowed end the connection")
    func rapidReset() async throws {
        try await with({ $0.streamResetsMax = 20 }) { test, client in
            for index in 0..<200 {
                let id = HTTP2StreamID(1 + 2 * index)
                client.ask("GET", "/park", id)
                client.write(.rstStream(.cancel), id)
            }
            #expect(await client.goAway()?.1 == .enhanceYourCalm)
            await client.closed()
            while test.server.statistics.connectionsOpen > 0 { await Task.yield() }
            #expect(test.server.statistics.requestsInFlight == 0)
        }
    }

    @Test("A slow body is 408 and costs only its stream")
    func slowBody() async throws {
        try await with({ $0.bodyGraceMilliseconds = 100 }) { _, client in
            client.ask("POST", "/echo", 1, endsStream: false)
            client.send([1], 1, isLast: false)
            #expect(await client.answer(1)?.status == "408")
            client.ask("GET", "/hello", 3)
            #expect(await client.answer(3)?.text == "hello")
        }
    }

    @Test("A body that was fast and then stands still is 408 no later than one that was not")
    func stalledBody() async throws {
        try await with({
            $0.bodyStallMilliseconds = 200
            $0.bodyGraceMilliseconds = 100
            $0.bodyBytesPerSecondMin = 100
        }) { test, client in
            client.ask("POST", "/echo", 1, endsStream: false)
            client.send([UInt8](repeating: 1, count: 16_000), 1, isLast: false)
            let start = ContinuousClock.now
            #expect(await client.answer(1)?.status == "408")
            // At the least rate these would be almost three minutes.
            #expect(ContinuousClock.now - start < .seconds(60))
            #expect(test.server.statistics.bodyBytesInFlight == 0)
        }
    }

    @Test("A drain says goodbye, finishes the streams and closes")
    func drain() async throws {
        try await with { test, client in
            client.ask("GET", "/park", 1)
            let parked = await test.desk.parked(1)
            test.server.beginDrain()
            let goodbye = await client.goAway()
            #expect(goodbye?.0 == 1)
            #expect(goodbye?.1 == .noError)
            parked[0].respond(TestServer.ok("done"))
            #expect(await client.answer(1)?.text == "done")
            await client.closed()
        }
    }

    @Test("A lost connection cuts off all its streams")
    func lost() async throws {
        try await with { test, client in
            client.ask("GET", "/park", 1)
            client.ask("GET", "/park", 3)
            let parked = await test.desk.parked(2)
            client.close()
            while !parked.allSatisfy(\.isClosed) { await Task.yield() }
            #expect(test.server.statistics.requestsInFlight == 0)
        }
    }

    @Test("An idle connection gets its goodbye")
    func idle() async throws {
        try await with({ $0.idleTimeoutMilliseconds = 100 }) { _, client in
            client.ask("GET", "/hello", 1)
            #expect(await client.answer(1)?.text == "hello")
            #expect(await client.goAway()?.1 == .noError)
            await client.closed()
        }
    }
}
