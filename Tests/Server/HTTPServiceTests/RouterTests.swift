import Testing

import HTTPService

@Suite("Routes")
struct RouterTests {
    private static let router: Router<String> = {
        var router = Router<String>()
        router.add(.get, "/", "root")
        router.add(.get, "/a/b", "literal")
        router.add(.put, "/a/b", "literal put")
        router.add(.get, "/a/{x}", "place")
        router.add(.delete, "/a/{x}", "place delete")
        router.add(.get, "/a/{x}/c", "deep")
        router.add(.get, "/rooms/{room}/state/{type}", "state")
        router.add(.get, "/rooms/{room}/state/{type}/{key}", "keyed state")
        router.add(.get, "/pushrules/", "slash")
        router.add(.get, "/files/{path...}", "rest")
        return router
    }()

    private func match(_ method: HTTPMethod, _ path: String) -> String {
        switch Self.router.match(method, Array(path.utf8)[...]) {
        case .found(let value, _, let parameters):
            parameters.count == 0 ? value : "\(value) \(parameters.values)"
        case .wrongMethod(let allowed): "405 \(allowed.map(\.name))"
        case .undecodable: "400"
        case .unknown: "404"
        }
    }

    @Test(
        "A path finds its route",
        arguments: [
            ("/", "root"), ("/a/b", "literal"), ("/a/%62", "literal"), ("/a/z", "place [\"z\"]"),
            ("/a/b/c", "deep [\"b\"]"), ("/a/z/c", "deep [\"z\"]"), ("/a/z/d", "404"),
            ("/a//c", "404"), ("/a/", "place [\"\"]"), ("/a", "404"), ("/A/b", "404"),
            ("a/b", "404"), ("", "404"), ("*", "404"), ("//", "404"), ("/nope", "404"),
            ("/pushrules/", "slash"), ("/pushrules", "404"),
            ("/rooms/!r:s/state/m.room.name", "state [\"!r:s\", \"m.room.name\"]"),
            ("/rooms/%21r%3As/state/m.room.name", "state [\"!r:s\", \"m.room.name\"]"),
            ("/rooms/!r:s/state/t/", "keyed state [\"!r:s\", \"t\", \"\"]"),
            ("/rooms/!r:s/state/t/a%2Fb", "keyed state [\"!r:s\", \"t\", \"a/b\"]"),
            ("/rooms/a+b/state/t", "state [\"a+b\", \"t\"]"),
            ("/files/a/b/c", "rest [\"a/b/c\"]"), ("/files/", "rest [\"\"]"),
            ("/rooms/%/state/t", "400"), ("/rooms/%2/state/t", "400"),
            ("/rooms/%zz/state/t", "400"),
            ("/rooms/%ff/state/t", "400"), ("/rooms/%c3%a4/state/t", "state [\"\u{e4}\", \"t\"]"),
        ]
    )
    func finds(path: String, expected: String) {
        #expect(match(.get, path) == expected)
    }

    @Test("A known path with another method says which it takes")
    func wrongMethod() {
        #expect(match(.post, "/a/b") == "405 [\"GET\", \"PUT\", \"DELETE\"]")
        #expect(match(.post, "/a/z") == "405 [\"GET\", \"DELETE\"]")
        #expect(match(.delete, "/a/b") == "place delete [\"b\"]")
        #expect(match(.other, "/nope") == "404")
    }

    @Test("HEAD takes the route of GET")
    func head() {
        #expect(match(.head, "/a/b") == "literal")
    }

    @Test("A path of ten thousand slashes is no work")
    func slashes() {
        #expect(match(.get, String(repeating: "/", count: 10_000)) == "404")
        #expect(match(.get, "/rooms" + String(repeating: "/a", count: 10_000)) == "404")
    }
}

@Suite("Queries and percent-encoding")
struct PercentCodingTests {
    @Test("Items are decoded, a plus is a blank, and broken ones are absent")
    func query() throws {
        let line = "GET /?a=1&b=x%20y+z&a=2&c&%64=%C3%A4&bad=%ff&&=e HTTP/1.1"
        let head = Array("\(line)\r\nHost: h\r\n\r\n".utf8)
        let request = try HeadParser.parse(head, from: .none, isTLS: false).request
        #expect(request.query("a") == "1")
        #expect(request.queryValues("a") == ["1", "2"])
        #expect(request.query("b") == "x y z")
        #expect(request.query("c") == "")
        #expect(request.query("d") == "\u{e4}")
        #expect(request.query("bad") == nil)
        #expect(request.query("zzz") == nil)
        #expect(request.queryItems.map(\.name) == ["a", "b", "a", "c", "d", ""])
    }

    @Test(
        "What is no UTF-8 is refused, not replaced",
        arguments: ["%", "%4", "%g0", "%ff", "%c3", "%ed%a0%80", "%c0%80"]
    )
    func strict(text: String) {
        #expect(PercentCoding.decode(Array(text.utf8)[...]) == nil)
    }
}
