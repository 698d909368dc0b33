/// Values that no field expects, by name: as JSON text and, where it can be one, as text of a
/// path or a query.
struct BadValue: Sendable {
    let name: String
    let json: String
    var text: String?

    static let all: [BadValue] = [
        BadValue(name: "null", json: "null", text: "null"),
        BadValue(name: "number", json: "7", text: "7"),
        BadValue(name: "object", json: #"{"a":{"b":[1]}}"#, text: "%7B%22a%22:1%7D"),
        BadValue(name: "array", json: #"[[],{},"x"]"#, text: "%5B%5D"),
        BadValue(name: "empty", json: #""""#, text: ""),
        BadValue(name: "false", json: "false", text: "false"),
        BadValue(name: "deep", json: deep, text: "a%2F..%2F..%2Fetc"),
        BadValue(name: "NUL", json: #""a\u0000b""#, text: "a%00b"),
        BadValue(name: "lone surrogate", json: #""\ud800""#, text: "%ED%A0%80"),
        BadValue(name: "not UTF-8", json: "\"\u{FFFD}\"", text: "%FF%FE"),
        BadValue(name: "NaN", json: "NaN", text: "NaN"),
        BadValue(name: "minus one", json: "-1", text: "-1"),
        BadValue(name: "2^53", json: "9007199254740992", text: "9007199254740992"),
        BadValue(name: "fraction", json: "1.5", text: "1.5"),
        BadValue(name: "emoji", json: #""\ud83d\ude00""#, text: "%F0%9F%98%80"),
        BadValue(
            name: "long",
            json: "\"" + String(repeating: "a", count: 300) + "\"",
            text: String(repeating: "a", count: 300)
        ),
    ]

    /// Too large for some fields, too large for all bodies.
    static let mebibyte = BadValue(
        name: "1 MiB",
        json: "\"" + String(repeating: "x", count: (1 << 20) - 100) + "\"",
        text: nil
    )

    private static let deep =
        String(repeating: "[", count: 200) + String(repeating: "]", count: 200)
}

/// Whole bodies that no endpoint expects.
let badBodies: [[UInt8]] = [
    [], Array("{".utf8), Array("null".utf8), Array("[]".utf8), Array("\"x\"".utf8),
    Array("7".utf8), Array("{}{}".utf8), Array(#"{"a":1,"a":2}"#.utf8), Array("{'a':1}".utf8),
    Array("\u{FEFF}{}".utf8), [0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x31, 0x7D], [0], [0xFF, 0xFE],
    Array(String(repeating: "{\"a\":", count: 500).utf8),
]
