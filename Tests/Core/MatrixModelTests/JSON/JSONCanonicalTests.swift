import MatrixModel
import Primitives
import Testing

@Suite("Canonical JSON")
struct JSONCanonicalTests {
    private func canonical(_ text: String) throws -> String {
        String(decoding: try JSONDocument(parsing: text).root.canonical(), as: UTF8.self)
    }

    @Test(
        "The specification's examples (appendices, Canonical JSON)",
        arguments: [
            ("{}", "{}"),
            ("{\n    \"one\": 1,\n    \"two\": \"Two\"\n}", #"{"one":1,"two":"Two"}"#),
            ("{\n    \"b\": \"2\",\n    \"a\": \"1\"\n}", #"{"a":"1","b":"2"}"#),
            (#"{"b":"2","a":"1"}"#, #"{"a":"1","b":"2"}"#),
            (
                #"""
                { "auth": { "success": true, "mxid": "@john.doe:example.com", "profile": {
                "display_name": "John Doe", "three_pids": [
                { "medium": "email", "address": "john.doe@example.org" },
                { "medium": "msisdn", "address": "123456789" } ] } } }
                """#,
                #"{"auth":{"mxid":"@john.doe:example.com","profile":{"display_name":"John Doe","#
                    + #""three_pids":[{"address":"john.doe@example.org","medium":"email"},"#
                    + #"{"address":"123456789","medium":"msisdn"}]},"success":true}}"#
            ),
            (#"{"a": "日本語"}"#, #"{"a":"日本語"}"#),
            (#"{"本": 2, "日": 1}"#, #"{"日":1,"本":2}"#),
            (#"{"a": "\u65E5"}"#, #"{"a":"日"}"#),
            (#"{"a": null}"#, #"{"a":null}"#),
            (#"{"a": -0, "b": 1e10}"#, #"{"a":0,"b":10000000000}"#),
        ]
    )
    func specification(input: String, expected: String) throws {
        #expect(try canonical(input) == expected)
    }

    @Test("Keys are sorted by code point, not by UTF-16 unit")
    func keyOrder() throws {
        #expect(
            try canonical("{\"\u{10000}\":1,\"\u{FFFF}\":2,\"\u{E000}\":3,\"z\":4,\"Z\":5,\"\":6}")
                == "{\"\":6,\"Z\":5,\"z\":4,\"\u{E000}\":3,\"\u{FFFF}\":2,\"\u{10000}\":1}"
        )
        #expect(
            try canonical(#"{"ab":1,"a":2,"abc":3,"aa":4}"#) == #"{"a":2,"aa":4,"ab":1,"abc":3}"#
        )
        #expect(try canonical(#"{"b":1,"\u0061":2}"#) == #"{"a":2,"b":1}"#)
        #expect(
            try canonical(#"{"long key two":1,"long key one":2}"#)
                == #"{"long key one":2,"long key two":1}"#
        )
    }

    @Test("Many keys, escaped or not, come out sorted")
    func manyKeys() throws {
        var generator = SeededGenerator(seed: 3)
        for count in [11, 12, 13, 14, 200] {
            let names = (0..<count).map { "k\($0 * 7919 % 1000)x\($0)" }
            let shuffled = names.shuffled(using: &generator)
            let text = "{" + shuffled.map { "\"\($0)\":0" }.joined(separator: ",") + "}"
            let sorted = names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            let expected = "{" + sorted.map { "\"\($0)\":0" }.joined(separator: ",") + "}"
            #expect(try canonical(text) == expected)
            let escaped = text.replacing("\"k", with: "\"\\u006b")
            #expect(try canonical(escaped) == expected)
        }
    }

    @Test("Strings keep only the escapes they need, in their shortest form")
    func escapes() throws {
        #expect(
            try canonical(#""\u0000\u0001\u000b\u001F\u0008\u0009\u000a\u000c\u000d""#)
                == #""\u0000\u0001\u000b\u001f\b\t\n\f\r""#
        )
        #expect(try canonical(#""\/\u002f\u0022\u005c\u007f""#) == "\"//\\\"\\\\\u{7F}\"")
        #expect(try canonical(#""\u2028\ud83d\ude00""#) == "\"\u{2028}😀\"")
    }

    @Test(
        "Numbers that are no integers within ±(2^53-1) have no canonical form",
        arguments: [
            "1.5", "1.0", "-0.0", "1e-1", "9007199254740992", "-9007199254740992", "1e16",
            "123456789012345678901234567890",
        ]
    )
    func numbers(text: String) throws {
        #expect(throws: JSONError.notCanonical(at: 0)) { try canonical(text) }
        #expect(throws: JSONError.notCanonical(at: 6)) { try canonical(#"{"a":["# + text + "]}") }
    }

    @Test("The largest integers pass")
    func largestIntegers() throws {
        let text = #"[9007199254740991,-9007199254740991,0]"#
        #expect(try canonical(text) == text)
    }

    @Test("What is canonical is known to be and copied whole")
    func fixedPoint() throws {
        let text = #"{"a":[1,{"b":"é","c":null}],"d":{}}"#
        let root = try JSONDocument(parsing: text).root
        #expect(root.isCanonical)
        #expect(try JSONDocument(parsing: #"["\n\"\\\u0001\u001f"]"#).root.isCanonical)
        for other in [
            #"{ "a":1}"#, #"{"b":1,"a":2}"#, "[-0]", "[1e2]", "[1 ]", #"["\/"]"#, #"["\u001F"]"#,
            #"["\u000a"]"#, #"["\u0061"]"#, #"["\ud83d\ude00"]"#,
        ] {
            #expect(!(try JSONDocument(parsing: other).root.isCanonical))
        }
        // White space around the text is not part of the value.
        #expect(try JSONDocument(parsing: " [1]\n").root.isCanonical)
    }

    @Test("Members can be left out, sorted or not")
    func omitting() throws {
        for text in [
            #"{"a":1,"signatures":{"x":[]},"unsigned":{},"z":2}"#,
            #"{"z":2,"unsigned":{},"a":1,"s\u0069gnatures":{"x":[]}}"#,
        ] {
            let root = try JSONDocument(parsing: text).root
            let bytes = try root.canonical(omitting: ["signatures", "unsigned"])
            #expect(String(decoding: bytes, as: UTF8.self) == #"{"a":1,"z":2}"#)
        }
        let array = try JSONDocument(parsing: "[]").root
        #expect(throws: JSONError.notAnObject) { try array.canonical(omitting: []) }
    }

    @Test("Any tree survives writing, disordering and canonical form", arguments: 0..<20)
    func roundTrip(seed: Int) throws {
        var trees = RandomJSON(seed: UInt64(seed))
        for _ in 0..<50 {
            let tree = trees.value(depth: 0)
            let first = try JSONDocument(parsing: tree.serialized()).root
            #expect(JSONValue(first) == tree)
            let canonical = try first.canonical()
            let messy = trees.messyText(tree)
            let second = try JSONDocument(parsing: messy).root
            #expect(try second.canonical() == canonical)
            let third = try JSONDocument(parsing: canonical).root
            #expect(try third.canonical() == canonical)
            for root in [first, second, third] where root.isCanonical {
                #expect(Array(root.rawBytes) == canonical)
            }
        }
    }

    @Test("Damaged texts are refused or read, never more", arguments: 0..<10)
    func damaged(seed: Int) throws {
        var trees = RandomJSON(seed: 1000 + UInt64(seed))
        for _ in 0..<300 {
            var bytes = trees.messyText(trees.value(depth: 0))
            for _ in 0..<Int.random(in: 1...3, using: &trees.generator) {
                let place = Int.random(in: 0..<bytes.count, using: &trees.generator)
                bytes[place] = UInt8.random(in: 0...255, using: &trees.generator)
            }
            guard let root = try? JSONDocument(parsing: bytes).root,
                let canonical = try? root.canonical()
            else { continue }
            let again = try JSONDocument(parsing: canonical).root
            #expect(try again.canonical() == canonical)
        }
    }
}
