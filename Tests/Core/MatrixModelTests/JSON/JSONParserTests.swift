import MatrixModel
import Primitives
import Testing

@Suite("JSON: what is accepted and what is refused")
struct JSONParserTests {
    private func parse(_ text: String, _ limits: JSONLimits = JSONLimits()) throws -> JSONView {
        try JSONDocument(parsing: text, limits: limits).root
    }

    private func failure(_ bytes: [UInt8], _ limits: JSONLimits = JSONLimits()) -> JSONError? {
        do {
            _ = try JSONDocument(parsing: bytes, limits: limits)
            return nil
        } catch { return error }
    }

    private func failure(_ text: String, _ limits: JSONLimits = JSONLimits()) -> JSONError? {
        failure(Array(text.utf8), limits)
    }

    @Test(
        "Every kind of value stands alone as a text",
        arguments: [
            "null", "true", "false", "0", "-0", "12", "1.5", "-1.5e-3", "1E+9", #""""#, #""a""#,
            "[]",
            "{}", " [ ] ", "\n{\t}\r", "[[],{}]", #"{"":{"":[]}}"#, #""\ud83d\ude00""#,
            #""\u0000""#,
            "\"\u{7F}\u{80}\u{7FF}\u{800}\u{FFFF}\u{10000}\u{10FFFF}\"",
        ]
    )
    func accepted(text: String) {
        #expect(failure(text) == nil)
    }

    @Test(
        "Texts that are no JSON are refused where they go wrong",
        arguments: [
            ("", JSONError.truncated), ("  ", .truncated), ("{", .truncated), ("[1,", .truncated),
            ("[1", .truncated), (#"{"a""#, .truncated), (#"{"a":"#, .truncated),
            (#""abc"#, .truncated), (#""abc\"#, .truncated), (#""\u12"#, .truncated),
            ("tru", .truncated), ("-", .truncated), ("1.", .truncated), ("1e", .truncated),
            ("[1,]", .unexpectedByte(at: 3)), ("[,1]", .unexpectedByte(at: 1)),
            (#"{"a":1,}"#, .unexpectedByte(at: 7)), ("{a:1}", .unexpectedByte(at: 1)),
            (#"{"a" 1}"#, .unexpectedByte(at: 5)), (#"{1:2}"#, .unexpectedByte(at: 1)),
            ("[1 2]", .unexpectedByte(at: 3)), ("[1}", .unexpectedByte(at: 2)),
            ("nul!", .unexpectedByte(at: 3)), ("True", .unexpectedByte(at: 0)),
            ("'a'", .unexpectedByte(at: 0)), ("NaN", .unexpectedByte(at: 0)),
            ("Infinity", .unexpectedByte(at: 0)), ("+1", .unexpectedByte(at: 0)),
            (".5", .unexpectedByte(at: 0)), ("// x\n1", .unexpectedByte(at: 0)),
            ("\u{FEFF}1", .unexpectedByte(at: 0)), ("\u{A0}1", .unexpectedByte(at: 0)),
            ("-Infinity", .invalidNumber(at: 0)), ("01", .invalidNumber(at: 0)),
            ("-01", .invalidNumber(at: 0)), ("1.e1", .invalidNumber(at: 0)),
            ("1e+ ", .invalidNumber(at: 0)), ("-x", .invalidNumber(at: 0)),
            ("1e400", .invalidNumber(at: 0)), ("[-1e999]", .invalidNumber(at: 1)),
            ("0x10", .trailingBytes(at: 1)), ("1 2", .trailingBytes(at: 2)),
            ("{}{}", .trailingBytes(at: 2)), ("null\0", .trailingBytes(at: 4)),
            (#""\x""#, .invalidEscape(at: 1)), (#""\u12g4""#, .invalidEscape(at: 1)),
            (#""\U0041""#, .invalidEscape(at: 1)), ("\"a\nb\"", .controlCharacter(at: 2)),
            ("\"a\0b\"", .controlCharacter(at: 2)), ("\"1234567\u{1F}\"", .controlCharacter(at: 8)),
        ]
    )
    func refused(text: String, error: JSONError) {
        #expect(failure(text) == error)
    }

    @Test(
        "Surrogates come in pairs or not at all",
        arguments: [
            #""\ud800""#, #""\udc00""#, #""\ud800x""#, #""\ud800\n""#, #""\ud800\ud800""#,
            #""\udfff\ud800""#, #"{"\udbff":1}"#, #""\ud800\u0041""#,
        ]
    )
    func loneSurrogates(text: String) {
        guard case .loneSurrogate = failure(text) else {
            Issue.record("\(text): \(String(describing: failure(text)))")
            return
        }
    }

    @Test(
        "UTF-8 is checked as RFC 3629 has it",
        arguments: [
            [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x41], [0xE0, 0x9F, 0xBF],
            [0xE1, 0x80], [0xE1, 0x80, 0x41], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF],
            [0xF0, 0x8F, 0xBF, 0xBF], [0xF0, 0x90, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80],
            [0xFE], [0xFF], [0xF8, 0x88, 0x80, 0x80, 0x80],
        ] as [[UInt8]]
    )
    func invalidUTF8(sequence: [UInt8]) {
        let quote = UInt8(ascii: "\"")
        #expect(failure([quote] + sequence + [quote]) == .invalidUTF8(at: 1))
        // At every alignment, so that the eight-byte scan sees it in each place.
        for lead in 0..<9 {
            let text = [quote] + [UInt8](repeating: 0x61, count: lead) + sequence + [quote]
            #expect(failure(text) == .invalidUTF8(at: 1 + lead))
        }
    }

    @Test("Every control character is refused at every alignment")
    func controlCharacters() {
        for byte in UInt8(0)..<0x20 {
            for lead in 0..<17 {
                let text =
                    [UInt8(ascii: "\"")] + [UInt8](repeating: 0x7A, count: lead) + [byte]
                    + Array(#"zzzzzzzzzz""#.utf8)
                #expect(failure(text) == .controlCharacter(at: 1 + lead))
            }
        }
    }

    @Test(
        "A key may stand only once, however it is spelt",
        arguments: [
            #"{"a":1,"a":2}"#, #"{"a":1,"b":2,"a":3}"#, #"{"b":1,"a":2,"b":3}"#,
            #"{"a":1,"\u0061":2}"#, #"{"\u0061":1,"\u0061":2}"#, #"{"":1,"":2}"#,
            #"{"x":{"é":1,"\u00e9":2}}"#, #"[{"k":[],"k":{}}]"#,
        ]
    )
    func duplicateKeys(text: String) {
        guard case .duplicateKey = failure(text) else {
            Issue.record("\(text): \(String(describing: failure(text)))")
            return
        }
    }

    @Test("A repeated key is found in a large object in any order")
    func duplicateKeysAmongMany() throws {
        var keys = (0..<500).map { "key\($0)" }
        var generator = SeededGenerator(seed: 11)
        keys.shuffle(using: &generator)
        let members = keys.map { "\"\($0)\":0" }
        #expect(failure("{" + members.joined(separator: ",") + "}") == nil)
        for repeated in [0, 250, 499] {
            let text = "{" + (members + [members[repeated]]).joined(separator: ",") + "}"
            guard case .duplicateKey = failure(text) else {
                Issue.record("key \(repeated) was repeated and not found")
                continue
            }
        }
    }

    @Test("Two spellings of one character are two keys")
    func canonicalEquivalence() throws {
        let root = try parse("{\"e\u{301}\":1,\"\u{E9}\":2}")
        #expect(root["\u{E9}"]?.integer == 2)
        #expect(root["e\u{301}"]?.integer == 1)
        let key = "e\u{301}"
        #expect(root[key]?.integer == 1)
    }

    @Test("Depth is bounded: the limit passes, one more does not", arguments: [1, 2, 64])
    func depth(limit: Int) {
        let limits = JSONLimits(depth: limit)
        func nested(_ count: Int) -> String {
            String(repeating: "[", count: count) + String(repeating: "]", count: count)
        }
        #expect(failure(nested(limit - 1) == "" ? "0" : nested(limit - 1), limits) == nil)
        #expect(failure(nested(limit), limits) == nil)
        #expect(failure(nested(limit + 1), limits) == .tooDeep(limit: limit))
        let objects =
            String(repeating: #"{"a":"#, count: limit + 1) + "1"
            + String(repeating: "}", count: limit + 1)
        #expect(failure(objects, limits) == .tooDeep(limit: limit))
    }

    @Test("What is stored may be nested twice as deep as anything that is accepted")
    func storedDepth() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        let most = JSONLimits.acceptedDepthMax
        #expect(JSONLimits.accepted(bytes: 1, depth: 64).depth == 64)
        #expect(JSONLimits.accepted(bytes: 1, depth: 10_000).depth == most)
        let deepest = nested(2 * most)
        #expect(try JSONDocument(parsing: deepest).root.canonical() == Array(deepest.utf8))
        #expect(try JSONValue(parsing: Array(deepest.utf8)).serialized() == Array(deepest.utf8))
        #expect(failure(nested(2 * most + 1), .stored) == .tooDeep(limit: 2 * most))
    }

    @Test("A million brackets cost no stack")
    func manyBrackets() {
        #expect(
            failure([UInt8](repeating: UInt8(ascii: "["), count: 1 << 20)) == .tooDeep(limit: 64)
        )
    }

    @Test("Length and number of values are bounded")
    func limits() {
        #expect(failure("[1,2]", JSONLimits(bytes: 5)) == nil)
        #expect(failure("[1,2]", JSONLimits(bytes: 4)) == .tooLarge(limit: 4))
        #expect(failure("[1,2]", JSONLimits(values: 3)) == nil)
        #expect(failure("[1,2]", JSONLimits(values: 2)) == .tooManyValues(limit: 2))
        #expect(failure(#"{"a":1}"#, JSONLimits(values: 2)) == .tooManyValues(limit: 2))
        let long = String(repeating: "9", count: 64)
        #expect(failure(long) == nil)
        #expect(failure(long + "9") == .invalidNumber(at: 0))
    }

    @Test("A slice that does not begin at zero is read from its start")
    func slices() throws {
        let bytes = Array(#"xx{"a":1}yy"#.utf8)
        #expect(try JSONDocument(parsing: bytes[2..<9]).root["a"]?.integer == 1)
    }
}
