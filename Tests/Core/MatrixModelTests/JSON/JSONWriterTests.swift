import MatrixModel
import Testing

@Suite("JSON: writing")
struct JSONWriterTests {
    private func text(_ body: (inout JSONWriter) -> Void) -> String {
        var writer = JSONWriter()
        body(&writer)
        return String(decoding: writer.finish(), as: UTF8.self)
    }

    @Test("Commas stand between members and elements and nowhere else")
    func commas() {
        let written = text { writer in
            writer.beginObject()
            writer.key("empty")
            writer.beginObject()
            writer.endObject()
            writer.key("list")
            writer.beginArray()
            writer.int(1)
            writer.array { _ in }
            writer.object { $0.member("x", 2) }
            writer.raw(Array("[3]".utf8))
            writer.null()
            writer.endArray()
            writer.member("flag", true)
            writer.member("text", "t")
            writer.member("raw", raw: Array("{}".utf8))
            writer.endObject()
        }
        #expect(
            written
                == #"{"empty":{},"list":[1,[],{"x":2},[3],null],"flag":true,"text":"t","raw":{}}"#
        )
    }

    @Test("A run-time key is escaped, a value always")
    func escapes() {
        let name = "a\"b"
        let written = text { writer in
            writer.object {
                $0.key(name)
                $0.string("line\nquote\" back\\slash \u{1F} é 😀 \u{7F}")
            }
        }
        #expect(
            written == "{\"a\\\"b\":\"line\\nquote\\\" back\\\\slash \\u001f é 😀 \u{7F}\"}"
        )
    }

    @Test("An escape is found at every place of the eight-byte scan")
    func everyAlignment() throws {
        for byte in [UInt8(0), 0x1F, UInt8(ascii: "\""), UInt8(ascii: "\\")] {
            for lead in 0..<18 {
                for trail in [0, 1, 9] {
                    let text =
                        String(repeating: "é", count: lead / 2)
                        + String(repeating: "x", count: lead % 2)
                        + String(UnicodeScalar(byte)) + String(repeating: "y", count: trail)
                    var writer = JSONWriter()
                    writer.string(text)
                    let parsed = try JSONDocument(parsing: writer.finish())
                    #expect(parsed.root.string == text)
                }
            }
        }
    }

    @Test(
        "Integers of every length",
        arguments: [0, 9, 10, 99, -1, -10, 9_007_199_254_740_991, Int64.max, Int64.min]
    )
    func integers(value: Int64) {
        #expect(text { $0.int(value) } == "\(value)")
    }

    @Test("Floats are written with the fewest digits")
    func floats() {
        #expect(text { $0.double(0.5) } == "0.5")
        #expect(text { $0.double(3) } == "3")
        #expect(text { $0.double(-1e-7) } == "-1e-07")
    }

    @Test("A spliced slice lands as it is")
    func slices() throws {
        let document = try JSONDocument(parsing: #"{"a":{"b" : 1}}"#)
        let inner = try #require(document.root["a"])
        #expect(text { writer in writer.array { $0.raw(inner.rawBytes) } } == #"[{"b" : 1}]"#)
        let slice = try #require(try JSONDocument(parsing: #""q\"""#).root.stringBytes)
        #expect(text { $0.string(utf8: slice) } == #""q\"""#)
    }
}
