import MatrixModel
import Primitives

/// Trees and texts that a seed replays.
struct RandomJSON {
    var generator: SeededGenerator
    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    private static let texts = [
        "", "a", "plain text of some length", "é", "日本語", "😀😀", "\"\\/", "\n\t\u{1}\0",
        "\u{7F}\u{FFFF}",
        "e\u{301}", "twelve bytes", "a\\", "key",
    ]

    mutating func value(depth: Int) -> JSONValue {
        switch Int.random(in: 0..<(depth > 4 ? 5 : 8), using: &generator) {
        case 0: .null
        case 1: .bool(Bool.random(using: &generator))
        case 2: .integer(Int64.random(in: -jsonIntegerMax...jsonIntegerMax, using: &generator))
        case 3: .integer(Int64.random(in: -20...20, using: &generator))
        case 4: .string(text())
        case 5: .array(many { $0.value(depth: depth + 1) })
        default: object(depth: depth)
        }
    }

    mutating func text() -> String {
        many { Self.texts.randomElement(using: &$0.generator) ?? "" }.joined()
    }

    private mutating func object(depth: Int) -> JSONValue {
        var object = JSONValue.object([])
        for name in many({ $0.text() }) { object[name] = value(depth: depth + 1) }
        return object
    }

    private mutating func many<T>(_ make: (inout RandomJSON) -> T) -> [T] {
        var all: [T] = []
        for _ in 0..<Int.random(in: 0...5, using: &generator) { all.append(make(&self)) }
        return all
    }

    /// The same tree in another dress: members in any order, white space, needless escapes.
    mutating func messyText(_ value: JSONValue) -> [UInt8] {
        var output: [UInt8] = []
        messy(value, &output)
        return output
    }

    private mutating func messy(_ value: JSONValue, _ output: inout [UInt8]) {
        space(&output)
        switch value {
        case .array(let elements):
            output.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                messy(element, &output)
            }
            output.append(UInt8(ascii: "]"))
        case .object(let members):
            output.append(UInt8(ascii: "{"))
            for (index, member) in members.shuffled(using: &generator).enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                messy(.string(member.key), &output)
                output.append(UInt8(ascii: ":"))
                messy(member.value, &output)
            }
            output.append(UInt8(ascii: "}"))
        case .string(let text): messy(text, &output)
        default: output += value.serialized()
        }
        space(&output)
    }

    private mutating func messy(_ text: String, _ output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        for scalar in text.unicodeScalars {
            let mustEscape = scalar.value < 0x20 || scalar == "\"" || scalar == "\\"
            guard mustEscape || Int.random(in: 0..<8, using: &generator) == 0 else {
                output += Array(String(scalar).utf8)
                continue
            }
            for unit in String(scalar).utf16 {
                let digits = String(unit, radix: 16, uppercase: Bool.random(using: &generator))
                output += Array(
                    "\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)".utf8
                )
            }
        }
        output.append(UInt8(ascii: "\""))
    }

    private mutating func space(_ output: inout [UInt8]) {
        while Int.random(in: 0..<4, using: &generator) == 0 {
            output.append([0x20, 0x09, 0x0A, 0x0D].randomElement(using: &generator) ?? 0x20)
        }
    }
}
