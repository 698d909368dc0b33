import MatrixModel
import Testing

@Suite("Identifiers")
struct IdentifierTests {
    private func padded(_ prefix: String, _ suffix: String, to count: Int) -> String {
        prefix + String(repeating: "a", count: count - prefix.utf8.count - suffix.utf8.count)
            + suffix
    }

    @Test(
        "Server names the specification calls valid",
        arguments: [
            ("matrix.org", "matrix.org", nil), ("matrix.org:8888", "matrix.org", 8888),
            ("1.2.3.4", "1.2.3.4", nil), ("1.2.3.4:1234", "1.2.3.4", 1234),
            ("[1234:5678::abcd]", "[1234:5678::abcd]", nil),
            ("[1234:5678::abcd]:5678", "[1234:5678::abcd]", 5678), ("localhost", "localhost", nil),
            ("A-b.C", "A-b.C", nil), ("[::ffff:1.2.3.4]:1", "[::ffff:1.2.3.4]", 1),
        ] as [(String, String, UInt16?)]
    )
    func serverNames(text: String, host: String, port: UInt16?) throws {
        let name = try #require(ServerName(text))
        #expect(String(name.hostname) == host)
        #expect(name.port == port)
        #expect(name.raw == text)
    }

    @Test(
        "Server names outside the grammar",
        arguments: [
            "", ":80", "a:", "a:123456", "a:8o", "a b", "a_b", "ä.de", "a/b", "a@b", "[::1", "::1]",
            "[]", "[:]", "[::g]", "[::1]80", "[::1]:", "a:80:90", "a\0", "http://a", "a%41",
        ]
    )
    func badServerNames(text: String) {
        #expect(ServerName(text) == nil)
        #expect(UserID("@u:" + text) == nil)
    }

    @Test("Server names are case-sensitive")
    func caseSensitive() {
        #expect(ServerName("a.org") != ServerName("A.org"))
        #expect(UserID("@u:a.org") != UserID("@u:A.org"))
    }

    @Test(
        "User IDs: today's, historical and foreign localparts",
        arguments: [
            ("@alice:example.org", true, false), ("@a.b_c=d-e/f+0:x:8448", true, false),
            ("@Alice:x", false, true), ("@a!b:x", false, true), ("@~:x", false, true),
            ("@:x", false, false), ("@a b:x", false, false), ("@日本:x", false, false),
            ("@a\u{7F}:x", false, false), ("@a\u{301}\n:x", false, false),
        ]
    )
    func userIDs(text: String, isCompliant: Bool, isHistorical: Bool) throws {
        let user = try #require(UserID(text))
        #expect(user.isCompliant == isCompliant)
        #expect(user.isHistorical == isHistorical)
        #expect("@\(user.localpart):\(user.serverName)" == text)
        #expect(user.server.raw == String(user.serverName))
    }

    @Test(
        "Texts that are no user ID",
        arguments: [
            "", "@", "alice:x", "@alice", "@alice:", "#a:x", "@a\0b:x", "@a:b c", " @a:x", "@a:x ",
        ]
    )
    func badUserIDs(text: String) {
        #expect(UserID(text) == nil)
    }

    @Test("255 bytes pass and 256 do not")
    func lengths() {
        for (count, passes) in [(254, true), (255, true), (256, false)] {
            #expect((UserID(padded("@", ":x", to: count)) != nil) == passes)
            #expect((RoomID(padded("!", ":x", to: count)) != nil) == passes)
            #expect((RoomAlias(padded("#", ":x", to: count)) != nil) == passes)
            #expect((EventID(padded("$", "", to: count)) != nil) == passes)
            #expect((DeviceID(padded("", "", to: count)) != nil) == passes)
            #expect((ServerName(padded("", "", to: count)) != nil) == passes)
        }
        // Bytes, not characters.
        #expect(UserID("@" + String(repeating: "é", count: 126) + ":x") != nil)
        #expect(UserID("@" + String(repeating: "é", count: 127) + ":x") == nil)
    }

    @Test("New accounts follow today's grammar only")
    func newUsers() throws {
        let server = try #require(ServerName("example.org"))
        #expect(UserID(new: "alice", on: server)?.raw == "@alice:example.org")
        for localpart in ["", "Alice", "a b", "é", "a:b", "a@b", "a*"] {
            #expect(UserID(new: localpart, on: server) == nil)
        }
        #expect(UserID(new: String(repeating: "a", count: 242), on: server) != nil)
        #expect(UserID(new: String(repeating: "a", count: 243), on: server) == nil)
    }

    @Test("Room IDs with a domain and by hash")
    func roomIDs() throws {
        let old = try #require(RoomID("!Abc:example.org:1"))
        #expect(old.server?.raw == "example.org:1")
        #expect(old.opaque == "Abc")
        #expect(!old.isHash && old.createEventID == nil)
        let hash = try #require(RoomID("!Nhcu5BS-UMnFX7hBVfVSoXiD7OgH6iRT-xyIuqDnpYQ"))
        #expect(hash.server == nil)
        #expect(hash.isHash)
        #expect(hash.opaque == "Nhcu5BS-UMnFX7hBVfVSoXiD7OgH6iRT-xyIuqDnpYQ")
        let create = try #require(hash.createEventID)
        #expect(create.raw == "$Nhcu5BS-UMnFX7hBVfVSoXiD7OgH6iRT-xyIuqDnpYQ")
        #expect(RoomID(create: create) == hash)
        for text in [
            "", "!", "!abc", "!:x", "!a:", "!a\0:x", "#a:x",
            "!Nhcu5BS+UMnFX7hBVfVSoXiD7OgH6iRT/xyIuqDnpYQ",
            "!Nhcu5BS-UMnFX7hBVfVSoXiD7OgH6iRT-xyIuqDnpYQQ",
        ] { #expect(RoomID(text) == nil) }
    }

    @Test("Event IDs are their hash")
    func eventIDs() throws {
        let hash = [UInt8](repeating: 0xFB, count: 32)
        let event = EventID(referenceHash: hash)
        #expect(event.raw.utf8.count == 44)
        #expect(event.raw.hasPrefix("$-_v7"))
        #expect(event.referenceHash == hash)
        #expect(EventID(event.raw) == event)
        #expect(EventID("$old:server")?.referenceHash == nil)
        for text in ["", "$", "x", "$a\0"] { #expect(EventID(text) == nil) }
    }

    @Test("Aliases and devices")
    func aliasesAndDevices() throws {
        let alias = try #require(RoomAlias("#général:x.org"))
        #expect(alias.localpart == "général" && alias.server.raw == "x.org")
        #expect(RoomAlias(localpart: "a b", on: alias.server)?.raw == "#a b:x.org")
        #expect(RoomAlias(localpart: "a:b", on: alias.server) == nil)
        for text in ["#:x", "#a", "a:x", "#a:", "#a\0:x"] { #expect(RoomAlias(text) == nil) }
        #expect(DeviceID("JLAFKJWSCS")?.raw == "JLAFKJWSCS")
        for text in ["", "a\nb", "a\0", "\u{7F}"] { #expect(DeviceID(text) == nil) }
    }

    @Test("A sigil followed by a combining mark is still one byte")
    func combiningMark() throws {
        let user = try #require(UserID("@\u{301}x:y"))
        #expect(Array(user.localpart.utf8) == Array("\u{301}x".utf8))
    }

    @Test("Identifiers are compared and ordered by bytes")
    func order() throws {
        let composed = try #require(UserID("@\u{E9}:x"))
        let decomposed = try #require(UserID("@e\u{301}:x"))
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed, composed]).count == 2)
        #expect(decomposed < composed)
        let high = try #require(UserID("@\u{10000}:x"))
        let low = try #require(UserID("@\u{FFFF}:x"))
        #expect(low < high)
        #expect(Set([UserID("@a:x"), UserID("@a:x")]).count == 1)
        #expect("\(composed)" == composed.raw)
    }
}
