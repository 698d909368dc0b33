import MatrixModel
import Sync
import Testing

@Suite("Filters")
struct FilterTests {
    @Test(
        "Type patterns",
        arguments: [
            ("m.room.message", "m.room.message", true),
            ("m.room.message", "m.room.messages", false),
            ("m.*", "m.room.message", true), ("*", "", true), ("m.*.b", "m.a.b", true),
            ("m.*.b", "m.b", false), ("*a*b*", "xxaxxbxx", true), ("*a*b*", "xxbxxaxx", false),
            ("a*a", "a", false), ("a*a", "aa", true), ("m.[ab]", "m.a", false),
            ("*aab*", "aaab", true), ("*abab*b", "abaabab", false), ("*abab*b", "abaababb", true),
            ("**", "x", true), ("*abcabd*", "abcabcabd", true), ("M.*", "m.a", false),
        ]
    )
    func patterns(pattern: String, type: String, matches: Bool) {
        #expect(TypePattern(pattern).matches(type) == matches)
    }

    private func parse(_ text: String) throws -> SyncFilter {
        try SyncFilter(parsing: JSONDocument(parsing: text).root)
    }

    @Test("A whole filter is read")
    func whole() throws {
        let filter = try parse(
            #"""
            {"event_format":"client","event_fields":["type"],"presence":{"types":[]},
             "account_data":{"not_types":["*"]},
             "room":{"include_leave":true,"not_rooms":["!b"],
              "timeline":{"limit":5000,"senders":["@a:t"],"unread_thread_notifications":true},
              "state":{"lazy_load_members":true},"ephemeral":null}}
            """#
        )
        #expect(filter.includeLeave && filter.lazyLoadMembers && filter.unreadThreadNotifications)
        #expect(filter.timeline.limit == EventFilter.limitMax)
        #expect(filter.presence.isClosed)
        #expect(!filter.accountData.permits(type: "m.direct"))
        #expect(!filter.permits(room: "!b") && filter.permits(room: "!a"))
        #expect(!filter.timeline.permits(type: "x", sender: "@b:t"))
        #expect(filter.ephemeral == .everything)
    }

    @Test(
        "What makes no sense is refused",
        arguments: [
            "[]", #"{"room":[]}"#, #"{"room":{"timeline":{"limit":-1}}}"#,
            #"{"room":{"timeline":{"limit":"9"}}}"#, #"{"room":{"timeline":{"types":"m"}}}"#,
            #"{"room":{"rooms":[1]}}"#, #"{"room":{"include_leave":1}}"#,
            #"{"event_format":"xml"}"#, #"{"presence":3}"#, #"{"event_fields":{}}"#,
        ]
    )
    func refused(text: String) {
        #expect(throws: MatrixError.self) { try parse(text) }
    }

    @Test("Leaving a type out wins over asking for it")
    func exclusion() throws {
        let filter = try EventFilter(
            parsing: JSONDocument(parsing: #"{"types":["m.*"],"not_types":["m.room.*"]}"#).root
        )
        #expect(filter.permits(type: "m.call"))
        #expect(!filter.permits(type: "m.room.name"))
        #expect(!filter.permits(type: "x"))
    }

    @Test("A limit that is null is no limit, as with every other field")
    func nullLimit() throws {
        let filter = try SyncFilter(
            parsing: JSONDocument(parsing: #"{"room":{"timeline":{"limit":null}}}"#).root
        )
        #expect(filter.timeline.limit == nil)
    }

    @Test("Lists of types hold so many patterns and no more, and names as before")
    func patternCount() throws {
        let most = EventFilter.patternsMax
        for (name, count) in [("types", most), ("not_types", most), ("types", most + 1)] {
            let patterns = (0..<count).map { #""a\#($0)*""# }
            let names = (0..<500).map { #""n\#($0)""# }
            let list = (patterns + names).joined(separator: ",")
            let view = try JSONDocument(parsing: #"{"\#(name)":[\#(list)]}"#).root
            guard count <= most else {
                #expect(throws: MatrixError.self) { try EventFilter(parsing: view) }
                continue
            }
            let filter = try EventFilter(parsing: view)
            #expect(filter.permits(type: "a\(count - 1)x") == (name == "types"))
            #expect(filter.permits(type: "n499") == (name == "types"))
            #expect(filter.permits(type: "n500") == (name != "types"))
        }
    }

    @Test("Matching takes time linear in the type")
    func linear() {
        let clock = ContinuousClock()
        let text = String(repeating: "a", count: 400_000)
        let pattern = TypePattern("*" + String(repeating: "a", count: 20_000) + "b*")
        var matches = true
        // Trying every place anew would read eight thousand million bytes.
        let time = clock.measure { matches = pattern.matches(text) }
        #expect(!matches)
        #expect(time < .seconds(1))
    }

    @Test("Many patterns make a page look at fewer events")
    func rowCost() throws {
        func cost(_ count: Int) throws -> Int {
            let list = (0..<count).map { #""a\#($0)*""# }.joined(separator: ",")
            return try EventFilter(
                parsing: JSONDocument(parsing: #"{"types":[\#(list)]}"#).root
            ).rowCost
        }
        #expect(try (cost(0), cost(7), cost(8), cost(50)) == (1, 1, 2, 7))
    }
}
