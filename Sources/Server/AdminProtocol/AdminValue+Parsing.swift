/// Why a line from the socket is no JSON.
package struct AdminParseError: Error, Sendable, Equatable, CustomStringConvertible {
    package let message: String
    /// Bytes from the start of the text.
    package let offset: Int
    package var description: String { "\(message) at byte \(offset)" }
}

extension AdminValue {
    /// Strict JSON, at most 64 levels deep.
    package init(parsing text: [UInt8]) throws(AdminParseError) {
        var parser = AdminParser(text: text)
        self = try parser.document()
    }

    package init(parsing text: String) throws(AdminParseError) {
        try self.init(parsing: Array(text.utf8))
    }
}

private struct AdminParser {
    let text: [UInt8]
    var position = 0

    init(text: [UInt8]) { self.text = text }

    mutating func document() throws(AdminParseError) -> AdminValue {
        let value = try self.value(depth: 0)
        skipSpace()
        guard position == text.count else { throw problem("there is more after the value") }
        return value
    }

    private func problem(_ message: String) -> AdminParseError {
        AdminParseError(message: message, offset: position)
    }

    private var next: UInt8? { position < text.count ? text[position] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || (0x09...0x0A).contains(byte) || byte == 0x0D {
            position += 1
        }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        position += 1
        return true
    }

    private mutating func value(depth: Int) throws(AdminParseError) -> AdminValue {
        guard depth < 64 else { throw problem("too many levels") }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "-"): return try number()
        case let digit? where (0x30...0x39).contains(digit): return try number()
        default: throw problem("a value is missing")
        }
    }

    private mutating func word(
        _ word: StaticString,
        _ value: AdminValue
    ) throws(AdminParseError) -> AdminValue {
        for offset in 0..<word.utf8CodeUnitCount where !take(word.utf8Start[offset]) {
            throw problem("a value is misspelt")
        }
        return value
    }

    private mutating func object(depth: Int) throws(AdminParseError) -> AdminValue {
        position += 1
        var members: [AdminValue.Member] = []
        skipSpace()
        if take(UInt8(ascii: "}")) { return .object(members) }
        repeat {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw problem("a member's name is missing") }
            let name = try string()
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw problem("a colon is missing") }
            members.append(AdminValue.Member(name, try value(depth: depth + 1)))
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw problem("an object does not end") }
        return .object(members)
    }

    private mutating func array(depth: Int) throws(AdminParseError) -> AdminValue {
        position += 1
        var items: [AdminValue] = []
        skipSpace()
        if take(UInt8(ascii: "]")) { return .array(items) }
        repeat {
            items.append(try value(depth: depth + 1))
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw problem("a list does not end") }
        return .array(items)
    }

    private mutating func number() throws(AdminParseError) -> AdminValue {
        let start = position
        while let byte = next, "+-.eE0123456789".utf8.contains(byte) { position += 1 }
        let digits = String(decoding: text[start..<position], as: UTF8.self)
        if let integer = Int64(digits) { return .integer(integer) }
        guard let number = Double(digits), number.isFinite else {
            throw problem("a number is malformed")
        }
        return .number(number)
    }

    private mutating func string() throws(AdminParseError) -> String {
        position += 1
        var bytes: [UInt8] = []
        while let byte = next {
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: bytes, as: UTF8.self) else {
                    throw problem("a text is not UTF-8")
                }
                return string
            case UInt8(ascii: "\\"): try escape(into: &bytes)
            case 0..<0x20: throw problem("a text holds a control character")
            default: bytes.append(byte)
            }
        }
        throw problem("a text does not end")
    }

    private mutating func escape(into bytes: inout [UInt8]) throws(AdminParseError) {
        guard let byte = next else { throw problem("a text does not end") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): bytes.append(byte)
        case UInt8(ascii: "b"): bytes.append(0x08)
        case UInt8(ascii: "f"): bytes.append(0x0C)
        case UInt8(ascii: "n"): bytes.append(0x0A)
        case UInt8(ascii: "r"): bytes.append(0x0D)
        case UInt8(ascii: "t"): bytes.append(0x09)
        case UInt8(ascii: "u"):
            var code = try fourHexDigits()
            if (0xD800..<0xDC00).contains(code), take(UInt8(ascii: "\\")),
                take(UInt8(ascii: "u"))
            {
                let low = try fourHexDigits()
                guard (0xDC00..<0xE000).contains(low) else {
                    throw problem("half a surrogate pair")
                }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw problem("half a surrogate pair") }
            bytes += Array(String(Character(scalar)).utf8)
        default: throw problem("an unknown escape")
        }
    }

    private mutating func fourHexDigits() throws(AdminParseError) -> UInt32 {
        guard position + 4 <= text.count,
            text[position..<position + 4].allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
            let code = UInt32(
                String(decoding: text[position..<position + 4], as: UTF8.self),
                radix: 16
            )
        else { throw problem("an unknown escape") }
        position += 4
        return code
    }
}
