import Testing

import HTTPService

@Suite("HTTP/1 heads")
struct HeadParserTests {
    private func parse(_ text: String) throws(HTTPFault) -> ParsedHead {
        try HeadParser.parse(Array(text.utf8), from: .none, isTLS: false)
    }

    @Test("A head gives method, path, query and fields")
    func wholeHead() throws {
        let head = try parse(
            "PUT /a/%20b?x=1&y HTTP/1.1\r\nHost: h\r\nX-One:  two \r\nx-one:three\r\n\r\n"
        )
        let request = head.request
        #expect(request.method == .put)
        #expect(request.path == "/a/%20b")
        #expect(request.queryBytes.elementsEqual("x=1&y".utf8))
        #expect(request.header("x-one") == "two")
        #expect(request.headerValues("x-one") == ["two", "three"])
        #expect(request.header("absent") == nil)
        #expect(head.framing == .none)
        #expect(head.keepsAlive)
    }

    @Test(
        "Whatever two parsers could read in two ways is refused",
        arguments: [
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999999999999\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n",
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n folded\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\tX: folded\r\n\r\n",
            "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n: empty\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX: a\u{7f}\r\n\r\n",
            "GET / HTTP/1.1\rXHost: a\r\n\r\n",
            "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /  HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / x HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /\u{e4} HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /#f HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET a HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.2\r\nHost: a\r\n\r\n",
            "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
            "GET / http/1.1\r\nHost: a\r\n\r\n",
            "GET /\r\nHost: a\r\n\r\n",
            "G(T / HTTP/1.1\r\nHost: a\r\n\r\n",
            " GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        ]
    )
    func refused(text: String) {
        let fault = #expect(throws: HTTPFault.self) { try parse(text) }
        #expect(fault?.status == 400)
    }

    @Test("Framing follows Content-Length or the chunked coding")
    func framing() throws {
        let start = "POST / HTTP/1.1\r\nHost: a\r\n"
        #expect(try parse(start + "Content-Length: 0\r\n\r\n").framing == .length(0))
        #expect(try parse(start + "content-length: 17\r\n\r\n").framing == .length(17))
        #expect(try parse(start + "Transfer-Encoding: Chunked\r\n\r\n").framing == .chunked)
    }

    @Test("The absolute form counts by its path, and HTTP/1.0 needs no host")
    func targets() throws {
        let absolute = try parse("GET http://h:1/p?q HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(absolute.request.path == "/p")
        #expect(absolute.request.queryBytes.elementsEqual("q".utf8))
        let old = try parse("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        #expect(!old.keepsAlive)
        let star = try parse("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(star.request.path == "*")
    }

    @Test("Connection: close is understood in any case and company")
    func connectionClose() throws {
        for value in ["close", "Close", "keep-alive, close", "x ,\tCLOSE"] {
            let head = try parse("GET / HTTP/1.1\r\nHost: a\r\nConnection: \(value)\r\n\r\n")
            #expect(!head.keepsAlive)
        }
    }

    @Test("Only 100-continue can be expected")
    func expectations() throws {
        let start = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
        #expect(try parse(start + "Expect: 100-Continue\r\n\r\n").expectsContinue)
        #expect(throws: HTTPFault.unsupportedExpectation) {
            try parse(start + "Expect: tea\r\n\r\n")
        }
    }

    @Test("The bearer token is found whatever the case of its scheme")
    func bearerToken() throws {
        for (value, token) in [
            ("Bearer abc", "abc"), ("bearer  abc", "abc"), ("BEARER a b", "a b"),
            ("Basic abc", nil), ("Bearer", nil), ("Bearer ", nil), ("Bearerabc", nil),
        ] {
            let head = try parse("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: \(value)\r\n\r\n")
            #expect(head.request.bearerToken == token)
        }
    }
}

@Suite("HTTP/1 head limits")
struct HeadScannerTests {
    private var settings: HTTPSettings {
        var settings = HTTPSettings()
        settings.requestLineBytesMax = 40
        settings.headerBytesMax = 60
        settings.headerCountMax = 3
        return settings
    }

    /// Feeds the text in pieces of every size: the outcome must not depend on them.
    private func scan(_ text: String) -> HeadScanner.Outcome {
        let bytes = Array(text.utf8)
        var outcomes: [HeadScanner.Outcome] = []
        for step in [1, 2, 3, 7, bytes.count] {
            var scanner = HeadScanner()
            var outcome = HeadScanner.Outcome.incomplete
            var count = 0
            while case .incomplete = outcome, count < bytes.count {
                count = min(count + step, bytes.count)
                outcome = bytes[..<count].withUnsafeBufferPointer { scanner.scan($0, settings) }
            }
            outcomes.append(outcome)
        }
        #expect(outcomes.allSatisfy { $0 == outcomes[0] })
        return outcomes[0]
    }

    @Test("A request line is taken up to its limit", arguments: [39, 40, 41])
    func requestLine(bytes: Int) {
        let line = "GET /" + String(repeating: "a", count: bytes - 14) + " HTTP/1.1"
        #expect(line.utf8.count == bytes)
        let text = line + "\r\n\r\n"
        let expected: HeadScanner.Outcome =
            bytes <= 40 ? .complete(count: text.utf8.count) : .failed(.requestLineTooLong)
        #expect(scan(text) == expected)
    }

    @Test("Fields are taken up to their limit", arguments: [59, 60, 61])
    func headerBytes(bytes: Int) {
        let field = "A: " + String(repeating: "b", count: bytes - 5) + "\r\n"
        #expect(field.utf8.count == bytes)
        let text = "GET / HTTP/1.1\r\n" + field + "\r\n"
        let expected: HeadScanner.Outcome =
            bytes <= 60 ? .complete(count: text.utf8.count) : .failed(.headersTooLarge)
        #expect(scan(text) == expected)
    }

    @Test("Fields are counted", arguments: [2, 3, 4])
    func headerCount(count: Int) {
        let text = "GET / HTTP/1.1\r\n" + String(repeating: "A: b\r\n", count: count) + "\r\n"
        let expected: HeadScanner.Outcome =
            count <= 3 ? .complete(count: text.utf8.count) : .failed(.headersTooLarge)
        #expect(scan(text) == expected)
    }

    @Test("Bytes without any line end are refused as soon as they cannot fit")
    func endless() {
        #expect(scan(String(repeating: "a", count: 41)) == .incomplete)
        #expect(scan(String(repeating: "a", count: 42)) == .failed(.requestLineTooLong))
    }

    @Test("A bare line feed is refused", arguments: ["GET / HTTP/1.1\n", "a\r\nB: c\n", "\n"])
    func bareLineFeed(text: String) {
        guard case .failed(.malformed) = scan(text) else {
            Issue.record("taken: \(text)")
            return
        }
    }
}

@Suite("Chunked bodies")
struct ChunkedDecoderTests {
    private func decode(_ text: String, step: Int, bodyBytesMax: Int = 20) throws -> [UInt8]? {
        var decoder = ChunkedDecoder()
        var body: [UInt8] = []
        var inbox: [UInt8] = []
        let settings = HTTPSettings()
        for byte in Array(text.utf8).chunks(of: step) {
            inbox += byte
            var index = 0
            try decoder.decode(
                inbox,
                at: &index,
                into: &body,
                bodyBytesMax: bodyBytesMax,
                settings
            )
            inbox.removeFirst(index)
        }
        return decoder.isDone && inbox.isEmpty ? body : nil
    }

    @Test("Chunks, extensions and trailers come apart in pieces of any size", arguments: 1...9)
    func whole(step: Int) throws {
        let text = "5\r\nhello\r\n0006;a=b;c\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n"
        #expect(try decode(text, step: step) == Array("hello world".utf8))
    }

    @Test(
        "Bad chunking is refused",
        arguments: [
            "\r\n", "g\r\n", "-1\r\n", "+1\r\n", "0x1\r\n", " 1\r\n", "1 \r\n", "1\nA",
            "123456789\r\n",
            "1\r\nAB\r\n", "1\r\nA\n", "1\r\nA\rB", "1;\u{1}\r\nA", "0\r\nbad\r\n\r\n",
            "0\r\n folded: x\r\n\r\n",
        ]
    )
    func refused(text: String) {
        for step in [1, 100] {
            #expect(throws: HTTPFault.self) { try decode(text, step: step) }
        }
    }

    @Test("A body is taken up to its limit", arguments: [19, 20, 21])
    func limit(bytes: Int) throws {
        let size = String(bytes - 1, radix: 16)
        let data = String(repeating: "a", count: bytes - 1)
        let text = "1\r\na\r\n\(size)\r\n\(data)\r\n0\r\n\r\n"
        if bytes <= 20 {
            #expect(try decode(text, step: 5)?.count == bytes)
        } else {
            #expect(throws: HTTPFault.bodyTooLarge(bytesMax: 20)) { try decode(text, step: 5) }
        }
    }
}

extension Array {
    fileprivate func chunks(of size: Int) -> [ArraySlice<Element>] {
        stride(from: 0, to: count, by: size).map { self[$0..<Swift.min($0 + size, count)] }
    }
}
