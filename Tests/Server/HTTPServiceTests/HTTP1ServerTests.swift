import Testing

import HTTPService

@Suite("HTTP/1 service", .serialized, .timeLimit(.minutes(1)))
struct HTTP1ServerTests {
    private static let get = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test("A request gets its answer with date, length and the fields that browsers need")
    func plainAnswer() async throws {
        try await TestServer.with { test in
            let client = try test.client()
            try client.send(Self.get)
            let answer = try #require(try client.answer())
            #expect(answer.status == 200)
            #expect(answer.text == "hello")
            #expect(answer.header("content-type") == "application/json")
            #expect(answer.header("access-control-allow-origin") == "*")
            #expect(answer.header("date")?.hasSuffix(" GMT") == true)
            #expect(answer.header("connection") == nil)
        }
    }

    @Test(
        "Unknown paths are 404, wrong methods 405, both as Matrix errors that keep the connection"
    )
    func unknown() async throws {
        try await TestServer.with { test in
            let client = try test.client()
            try client.send("POST /nope HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
            let unknown = try #require(try client.answer())
            #expect(unknown.status == 404)
            #expect(unknown.text.contains("\"errcode\":\"M_UNRECOGNIZED\""))
            #expect(unknown.header("access-control-allow-origin") == "*")
            try client.send("DELETE /hello HTTP/1.1\r\nHost: a\r\n\r\n" + Self.get)
            let wrong = try #require(try client.answer())
            #expect(wrong.status == 405)
            #expect(wrong.header("allow") == "GET, OPTIONS")
            #expect(try client.answer()?.text == "hello")
            #expect(test.desk.records.map(\.status) == [404, 405, 200])
            #expect(test.desk.records.map(\.template) == ["", "", "/hello"])
        }
    }

    @Test("OPTIONS is answered on any path without a handler")
    func preflight() async throws {
        try await TestServer.with { test in
            let client = try test.client()
            try client.send("OPTIONS /whatever HTTP/1.1\r\nHost: a\r\n\r\n" + Self.get)
            let answer = try #require(try client.answer(hasBody: false))
            #expect(answer.status == 204)
            #expect(
                answer.header("access-control-allow-headers")?.contains("Authorization") == true
            )
            #expect(try client.answer()?.text == "hello")
        }
    }

    @Test("HEAD has the length of GET and no body")
    func head() async throws {
        try await TestServer.with { test in
            let client = try test.client()
            try client.send("HEAD /big/100000 HTTP/1.1\r\nHost: a\r\n\r\n" + Self.get)
            let answer = try #require(try client.answer(hasBody: false))
            #expect(answer.header("content-length") == "100000")
            #expect(try client.answer()?.text == "hello")
        }
    }

    @Test("Limits hold through a socket", arguments: [-1, 0, 1])
    func headLimits(over: Int) async throws {
        try await TestServer.with { test in
            let settings = HTTPSettings()
            let line = settings.requestLineBytesMax + over - "GET /hello? HTTP/1.1".utf8.count
            let long = try test.client()
            let query = String(repeating: "q", count: line)
            try long.send("GET /hello?\(query) HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try long.answer()?.status == (over > 0 ? 414 : 200))

            let wide = try test.client()
            let room = settings.headerBytesMax + over - "Host: a\r\nX: \r\n".utf8.count
            let value = String(repeating: "v", count: room)
            try wide.send("GET /hello HTTP/1.1\r\nHost: a\r\nX: \(value)\r\n\r\n")
            #expect(try wide.answer()?.status == (over > 0 ? 431 : 200))

            let many = try test.client()
            let fields = String(repeating: "X: y\r\n", count: settings.headerCountMax - 1 + over)
            try many.send("GET /hello HTTP/1.1\r\nHost: a\r\n\(fields)\r\n")
            #expect(try many.answer()?.status == (over > 0 ? 431 : 200))
        }
    }

    @Test("A body is taken up to its route's limit", arguments: [9, 10, 11])
    func bodyLimits(bytes: Int) async throws {
        try await TestServer.with { test in
            let body = String(repeating: "b", count: bytes)
            let expected = bytes > 10 ? 413 : 200
            let plain = try test.client()
            try plain.send(
                "PUT /tiny/x HTTP/1.1\r\nHost: a\r\nContent-Length: \(bytes)\r\n\r\n\(body)"
            )
            let answer = try #require(try plain.answer())
            #expect(answer.status == expected)
            #expect(answer.header("connection") == (bytes > 10 ? "close" : nil))
            let chunked = try test.client()
            let size = String(bytes, radix: 16)
            try chunked.send(
                "PUT /tiny/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + "\(size)\r\n\(body)\r\n0\r\n\r\n"
            )
            #expect(try chunked.answer()?.status == expected)
        }
    }

    @Test("A body refused early can be answered while the client still sends it")
    func earlyRefusal() async throws {
        try await TestServer.with { test in
            let client = try test.client()
            try client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n")
            try client.send([UInt8](repeating: 0, count: 3_000_000))
            #expect(try client.answer()?.status == 413)
            client.shutdownSending()
            #expect(try client.closes())
        }
    }

    @Test(
        "What smells of smuggling is 400 and the end",
        arguments: [
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "GET /hello HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n",
            "GET /hello HTTP/1.1\nHost: a\n\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "\u{16}\u{3}\u{1}\n",
        ]
    )
    func smuggling(text: String) async throws {
        try await TestServer.with { test in
            let client = try test.client()
            try client.send(text)
            let answer = try #require(try client.answer())
            #expect(answer.status == 400)
            #expect(answer.header("connection") == "close")
            #expect(answer.text.contains("errcode"))
            // What follows must not be taken for a request.
            try client.send(Self.get)
            client.shutdownSending()
            #expect(try client.closes())
            #expect(test.server.statistics.requests == 0)
        }
    }

    @Test("Pipelined requests are answered in their order, whoever is ready first")
    func pipelining() async throws {
        try await TestServer.with { test in
            let client = try test.client()
            let park = "GET /park HTTP/1.1\r\nHost: a\r\n\r\n"
            let echo = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok"
            try client.send("\r\n" + park + echo + Self.get + park)
            let first = await test.desk.parked(1)
            #expect(test.server.statistics.requests == 1)
            first[0].respond(TestServer.ok("first"))
            #expect(try client.answer()?.text == "first")
            #expect(try client.answer()?.text == "ok")
            #expect(try client.answer()?.text == "hello")
            await test.desk.parked(2)[1].respond(TestServer.ok("last"))
            #expect(try client.answer()?.text == "last")
        }
    }

    @Test("Answers given together all leave, on every loop, and none before the end")
    func together() async throws {
        try await TestServer.with { test in
            let clients = try (0..<8).map { _ in try test.client() }
            for client in clients { try client.send("GET /park HTTP/1.1\r\nHost: a\r\n\r\n") }
            let parked = await test.desk.parked(clients.count)
            var answeredInside = -1
            HTTPServer.sendingTogether {
                // One in another: the outer one counts.
                HTTPServer.sendingTogether {
                    for responder in parked { responder.respond(TestServer.ok("yes")) }
                }
                answeredInside = test.desk.records.count
            }
            #expect(answeredInside == 0)
            for client in clients { #expect(try client.answer()?.text == "yes") }
            try clients[0].send("GET /park HTTP/1.1\r\nHost: a\r\n\r\n")
            await test.desk.parked(clients.count + 1)[clients.count].respond(TestServer.ok("alone"))
            #expect(try clients[0].answer()?.text == "alone")
        }
    }

    @Test("A client far ahead of its answers is not read any further")
    func readAhead() async throws {
        try await TestServer.with({ $0.pipelineBytesMax = 4096 }) { test in
            let client = try test.client()
            try client.send("GET /park HTTP/1.1\r\nHost: a\r\n\r\n")
            let parked = await test.desk.parked(1)
            let count = 2_000
            try client.send(String(repeating: Self.get, count: count))
            parked[0].respond(TestServer.ok("go"))
            #expect(try client.answer()?.text == "go")
            for _ in 0..<count { #expect(try client.answer()?.text == "hello") }
        }
    }

    @Test("A request in single bytes is a request")
    func singleBytes() async throws {
        try await TestServer.with { test in
            let client = try test.client()
            let text =
                "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n" + Self.get
            for byte in text.utf8 { try client.send([byte]) }
            #expect(try client.answer()?.text == "abcde")
            #expect(try client.answer()?.text == "hello")
        }
    }

    @Test("Large answers come whole, in both kinds of connection")
    func largeAnswer() async throws {
        try await TestServer.with { test in
            for connection in ["keep-alive", "close"] {
                let client = try RawClient(port: test.port, receiveBufferBytes: 4096)
                try client.send(
                    "GET /big/3000001 HTTP/1.1\r\nHost: a\r\nConnection: \(connection)\r\n\r\n"
                )
                let body = try #require(try client.answer()).body
                #expect(body.count == 3_000_001)
                #expect(
                    body == (0..<3_000_001).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
                )
                if connection == "close" { #expect(try client.closes()) }
            }
        }
    }

    @Test("Expect: 100-continue gets its go-ahead, or the refusal instead")
    func expectContinue() async throws {
        try await TestServer.with { test in
            let client = try test.client()
            let head = "HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n"
            try client.send("POST /echo \(head)\r\n")
            #expect(try client.answer(hasBody: false)?.status == 100)
            try client.send("hi")
            #expect(try client.answer()?.text == "hi")
            try client.send("POST /guarded \(head)\r\n")
            #expect(try client.answer()?.status == 401)
            #expect(try client.closes())
            let admitted = try test.client()
            try admitted.send("POST /guarded \(head)Authorization: Bearer t\r\n\r\n")
            #expect(try admitted.answer(hasBody: false)?.status == 100)
            try admitted.send("hi")
            #expect(try admitted.answer()?.text == "in")
        }
    }

    @Test("A refusal by the head swallows a small body and keeps the connection")
    func admission() async throws {
        try await TestServer.with { test in
            let client = try test.client()
            try client.send("POST /guarded HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
            try client.send("hello" + Self.get)
            #expect(try client.answer()?.status == 401)
            #expect(try client.answer()?.text == "hello")
        }
    }

    @Test("No client value can end a field of the answer")
    func responseSplitting() async throws {
        try await TestServer.with { test in
            let client = try test.client()
            try client.send("GET /header?v=a%0d%0aSet-Cookie:%20x HTTP/1.1\r\nHost: a\r\n\r\n")
            let answer = try #require(try client.answer())
            #expect(answer.header("x-echo") == "aSet-Cookie: x")
            #expect(answer.header("set-cookie") == nil)
        }
    }

    @Test("Only a trusted proxy says who the client is")
    func forwarded() async throws {
        let request =
            "GET /who HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.1.1.1, 9.9.9.9\r\n"
            + "X-Forwarded-Proto: https\r\n\r\n"
        try await TestServer.with { test in
            let client = try test.client()
            try client.send(request)
            #expect(try client.answer()?.text == "127.0.0.1 false")
        }
        try await TestServer.with({ $0.trustedProxies = [AddressRange("127.0.0.0/8")!] }) { test in
            let client = try test.client()
            try client.send(request)
            #expect(try client.answer()?.text == "9.9.9.9 true")
        }
    }
}
