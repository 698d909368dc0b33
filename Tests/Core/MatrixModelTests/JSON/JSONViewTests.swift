import MatrixModel
import Testing

@Suite("JSON: reading values")
struct JSONViewTests {
    private func parse(_ text: String) throws -> JSONView { try JSONDocument(parsing: text).root }

    @Test("An accessor answers only for its kind")
    func kinds() throws {
        let root = try parse(#"{"n":null,"t":true,"f":false,"i":7,"d":1.5,"s":"x","a":[1],"o":{}}"#)
        #expect(root.kind == .object)
        #expect(root["n"]?.isNull == true)
        #expect(root["n"]?.string == nil)
        #expect(root["t"]?.bool == true)
        #expect(root["f"]?.bool == false)
        #expect(root["i"]?.integer == 7)
        #expect(root["i"]?.double == 7)
        #expect(root["i"]?.bool == nil)
        #expect(root["d"]?.double == 1.5)
        #expect(root["d"]?.integer == nil)
        #expect(root["s"]?.string == "x")
        #expect(root["s"]?.integer == nil)
        #expect(root["a"]?.isArray == true)
        #expect(root["a"]?["x"] == nil)
        #expect(root["o"]?.isObject == true)
        #expect(root["missing"] == nil)
        #expect(root.string == nil && root.elements.map(\.kind) == [])
    }

    @Test(
        "Integers are exact within ±(2^53-1) and nothing else is one",
        arguments: [
            ("0", 0), ("-0", 0), ("-1", -1), ("9007199254740991", 9_007_199_254_740_991),
            ("-9007199254740991", -9_007_199_254_740_991), ("9007199254740992", nil),
            ("-9007199254740992", nil), ("99999999999999999999999999", nil), ("1.0", nil),
            ("0.5", nil), ("1e3", 1000), ("1E+3", 1000), ("1e10", 10_000_000_000), ("0e999", 0),
            ("1e-1", nil), ("10e-1", nil), ("1e16", nil), ("9e15", 9_000_000_000_000_000),
        ] as [(String, Int64?)]
    )
    func integers(text: String, value: Int64?) throws {
        #expect(try parse(text).integer == value)
    }

    @Test("Escapes say what they mean")
    func escapes() throws {
        let text = #""\"\\\/\b\f\n\r\t\u0041\u00e9\u65e5\ud83d\ude00\u0000\uFFFFz""#
        let expected = "\"\\/\u{8}\u{C}\n\r\tAé日😀\0\u{FFFF}z"
        let view = try parse(text)
        #expect(view.string == expected)
        #expect(view.stringBytes.map(Array.init) == Array(expected.utf8))
        #expect(try parse(#""plain""#).stringBytes.map(Array.init) == Array("plain".utf8))
    }

    @Test("Keys are found by what they say, not by how they are written")
    func escapedKeys() throws {
        let root = try parse(#"{"\u0061b":1,"c\n":2}"#)
        #expect(root["ab"]?.integer == 1)
        #expect(root["c\n"]?.integer == 2)
        let name = "ab"
        #expect(root[name]?.integer == 1)
        #expect(root.members.map(\.key) == ["ab", "c\n"])
    }

    @Test("Elements and members come in the order of the text, nested ones skipped")
    func sequences() throws {
        let root = try parse(#"{"b":[1,[2,3],{"x":4}],"a":{"y":[5]},"c":6}"#)
        #expect(root.members.map(\.key) == ["b", "a", "c"])
        #expect(root.count == 3)
        let elements = try #require(root["b"]).elements
        #expect(elements.map(\.kind) == [.number, .array, .object])
        #expect(root["b"]?.count == 3)
        #expect(root["c"]?.count == 0)
        #expect(try parse("[]").elements.map(\.kind) == [])
        #expect(try parse("{}").members.map(\.key) == [])
    }

    @Test("An array of strings reads as one, any other value as none")
    func strings() throws {
        #expect(try parse(#"["a","\u0062"]"#).strings == ["a", "b"])
        #expect(try parse("[]").strings == [])
        #expect(try parse(#"["a",1]"#).strings == nil)
        #expect(try parse(#""a""#).strings == nil)
    }

    @Test("Raw bytes are the value as it came, white space inside and none outside")
    func rawBytes() throws {
        let root = try parse(#" { "a" : [ 1 , "x" ] , "s" : "q\"" , "n" : -1.50 } "#)
        func raw(_ view: JSONView?) -> String? {
            view.map { String(decoding: $0.rawBytes, as: UTF8.self) }
        }
        #expect(raw(root["a"]) == #"[ 1 , "x" ]"#)
        #expect(raw(root["s"]) == #""q\"""#)
        #expect(raw(root["n"]) == "-1.50")
        #expect(raw(root)?.first == "{" && raw(root)?.last == "}")
    }

    @Test("Comparing with a literal needs the whole text")
    func literalComparison() throws {
        #expect(try parse(#""m.text""#).isString("m.text"))
        #expect(try parse(#""m.\u0074ext""#).isString("m.text"))
        #expect(!(try parse(#""m.texts""#).isString("m.text")))
        #expect(!(try parse(#""m.tex""#).isString("m.text")))
        #expect(!(try parse("1").isString("1")))
    }
}
