import MatrixModel
import Primitives
import Testing

@Suite("Base64")
struct Base64Tests {
    @Test(
        "The specification's examples, with and without padding",
        arguments: [
            ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"),
            ("fooba", "Zm9vYmE"), ("foobar", "Zm9vYmFy"),
        ]
    )
    func examples(plain: String, encoded: String) {
        #expect(Base64.encode(Array(plain.utf8)) == encoded)
        #expect(Base64.decode(encoded) == Array(plain.utf8))
        let padding = String(repeating: "=", count: (4 - encoded.count % 4) % 4)
        #expect(Base64.decode(encoded + padding) == Array(plain.utf8))
        #expect(Base64.encodedCount(plain.utf8.count) == encoded.utf8.count)
    }

    @Test("The alphabets differ in two characters, and neither reads the other's")
    func alphabets() {
        let bytes: [UInt8] = [0xFB, 0xFF, 0xBF]
        #expect(Base64.encode(bytes) == "+/+/")
        #expect(Base64.encode(bytes, urlSafe: true) == "-_-_")
        #expect(Base64.decode("-_-_") == nil)
        #expect(Base64.decode("+/+/", urlSafe: true) == nil)
        #expect(Base64.decode("-_-_", urlSafe: true) == bytes)
    }

    @Test(
        "Texts that are no base64",
        arguments: [
            "A", "AAAAA", "AA=A", "=", "A===", "AA===", "AAA==", "AAAA=", "A A", "AA\n", "é",
        ]
    )
    func refused(text: String) {
        #expect(Base64.decode(text) == nil)
    }

    @Test("Whatever is encoded decodes to itself")
    func roundTrip() {
        var generator = SeededGenerator(seed: 5)
        for count in 0..<200 {
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            for urlSafe in [false, true] {
                let text = Base64.encode(bytes, urlSafe: urlSafe)
                #expect(text.utf8.count == Base64.encodedCount(count))
                #expect(Base64.decode(text, urlSafe: urlSafe) == bytes)
            }
        }
    }
}
