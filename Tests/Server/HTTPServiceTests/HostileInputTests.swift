import HTTPService
import Testing

/// A small generator: a seed replays a run.
private struct Dice: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }
}

@Suite("Hostile input")
struct HostileInputTests {
    private static let samples = [
        "GET /a/%20b?x=1&y HTTP/1.1\r\nHost: h\r\nX-One:  two \r\nAuthorization: Bearer t\r\n\r\n",
        "POST http://h/echo HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\nExpect: 100-continue\r\n\r\n",
        "PUT /tiny/x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close , x\r\n\r\n",
        "OPTIONS * HTTP/1.0\r\n\r\n",
    ].map { Array($0.utf8) }

    private static let chunks = Array(
        "5\r\nhello\r\n0a;x=\"y\"\r\n0123456789\r\n0\r\nT: u\r\n\r\n".utf8
    )

    private static let spice =
        Array("\r\n\t :;,%/?#*=+-0123456789afAFxz\"".utf8) + [0, 127, 128, 255]

    private func mutate(_ bytes: [UInt8], _ dice: inout Dice) -> [UInt8] {
        var result = bytes
        for _ in 0..<Int.random(in: 1...4, using: &dice) {
            let place = Int.random(in: 0..<result.count, using: &dice)
            switch Int.random(in: 0..<5, using: &dice) {
            case 0: result[place] = Self.spice.randomElement(using: &dice) ?? 0
            case 1: result.insert(Self.spice.randomElement(using: &dice) ?? 0, at: place)
            case 2: result.remove(at: place)
            case 3: result.insert(contentsOf: result[place...].prefix(9), at: place)
            default: result.removeSubrange(place..<min(place + 5, result.count))
            }
            if result.isEmpty { result = [13, 10] }
        }
        return result
    }

    @Test("Mutated heads are parsed or refused, and look-ups in them stay inside", arguments: 1...4)
    func heads(seed: UInt64) {
        var dice = Dice(state: seed)
        let settings = HTTPSettings()
        var taken = 0
        for _ in 0..<20_000 {
            let sample = Self.samples[Int.random(in: 0..<Self.samples.count, using: &dice)]
            let bytes = mutate(sample, &dice)
            var scanner = HeadScanner()
            let outcome = bytes.withUnsafeBufferPointer { scanner.scan($0, settings) }
            guard case .complete(let count) = outcome,
                let head = try? HeadParser.parse(Array(bytes[..<count]), from: .none, isTLS: false)
            else { continue }
            taken += 1
            let request = head.request
            _ = (request.path, request.queryItems, request.bearerToken, request.query("x"))
            #expect(request.header("host") != nil || !head.keepsAlive)
            if case .length(let length) = head.framing { #expect(length >= 0) }
        }
        #expect(taken > 1_000)
    }

    @Test("Mutated chunked bodies mean the same in one piece and in many", arguments: 1...4)
    func chunked(seed: UInt64) {
        var dice = Dice(state: seed)
        for _ in 0..<5_000 {
            let bytes = mutate(Self.chunks, &dice)
            let whole = decode(bytes, step: bytes.count)
            let pieces = decode(bytes, step: Int.random(in: 1...3, using: &dice))
            #expect(whole == pieces)
        }
    }

    private enum Decoded: Equatable {
        case refused
        case unfinished
        case done([UInt8], rest: [UInt8])
    }

    private func decode(_ bytes: [UInt8], step: Int) -> Decoded {
        var decoder = ChunkedDecoder()
        var body: [UInt8] = []
        var inbox: [UInt8] = []
        var next = 0
        while next < bytes.count, !decoder.isDone {
            let end = min(next + step, bytes.count)
            inbox += bytes[next..<end]
            next = end
            var index = 0
            do {
                try decoder.decode(
                    inbox,
                    at: &index,
                    into: &body,
                    bodyBytesMax: 100,
                    HTTPSettings()
                )
            } catch {
                return .refused
            }
            inbox.removeFirst(index)
        }
        return decoder.isDone ? .done(body, rest: inbox + bytes[next...]) : .unfinished
    }

    @Test(
        "Random paths find a route, none or a refusal, and nothing else happens",
        arguments: 1...2
    )
    func paths(seed: UInt64) {
        var router = Router<Int>()
        router.add(.get, "/a/{x}/b/{y}", 1)
        router.add(.get, "/a/b/{rest...}", 2)
        router.add(.put, "/", 3)
        var dice = Dice(state: seed)
        let alphabet = Array("/ab%2f.{}".utf8) + [0, 255]
        for _ in 0..<20_000 {
            let count = Int.random(in: 0..<12, using: &dice)
            let path = (0..<count).map { _ in alphabet.randomElement(using: &dice) ?? 0 }
            if case .found(_, _, let parameters) = router.match(.get, path[...]) {
                #expect(parameters.count > 0)
            }
        }
    }

    @Test("A server fed with rubbish stays up and holds nothing", .timeLimit(.minutes(1)))
    func server() async throws {
        try await TestServer.with { test in
            var dice = Dice(state: 11)
            for _ in 0..<300 {
                let client = try test.client()
                for _ in 0..<3 {
                    let sample = Self.samples[Int.random(in: 0..<4, using: &dice)]
                    // The server may have closed already.
                    try? client.send(mutate(sample + Self.chunks, &dice))
                }
                client.shutdownSending()
                while try client.answer(hasBody: false) != nil {}
            }
            while test.server.statistics.connectionsOpen > 0 { await Task.yield() }
            let statistics = test.server.statistics
            #expect(statistics.requestsInFlight == 0)
            #expect(statistics.bodyBytesInFlight == 0)
            #expect(test.desk.records.allSatisfy { $0.status < 500 })
        }
    }
}
