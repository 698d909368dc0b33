extension JSONParser {
    /// A string from its opening quote on. Eight bytes at a time until something needs a look.
    mutating func string(_ bytes: Span<UInt8>) throws(JSONError) {
        let start = position + 1
        let count = bytes.count
        let raw = bytes.bytes
        var cursor = start
        var escaped = false
        var regular = true
        scan: while true {
            while cursor + 8 <= count {
                let word = raw.unsafeLoadUnaligned(fromByteOffset: cursor, as: UInt64.self)
                let marks = ByteMask.notPlainText(UInt64(littleEndian: word))
                if marks != 0 {
                    cursor += marks.trailingZeroBitCount >> 3
                    break
                }
                cursor += 8
            }
            guard cursor < count else { throw .truncated }
            switch bytes[cursor] {
            case UInt8(ascii: "\""): break scan
            case UInt8(ascii: "\\"):
                escaped = true
                cursor = try afterEscape(bytes, at: cursor, &regular)
            case 0..<0x20: throw .controlCharacter(at: cursor)
            case 0x80...:
                repeat {
                    cursor = try afterScalar(bytes, at: cursor)
                } while cursor < count && bytes[cursor] >= 0x80
            default: cursor += 1
            }
        }
        position = cursor + 1
        if !regular { irregularities += 1 }
        var flags: JSONNode.Flags = regular ? .canonical : []
        if escaped { flags.insert(.escaped) }
        try append(.string, from: start, to: cursor, flags)
    }

    /// Checks one multi-byte UTF-8 sequence (RFC 3629: no overlong forms, no surrogates).
    private func afterScalar(_ bytes: Span<UInt8>, at start: Int) throws(JSONError) -> Int {
        let lead = bytes[start]
        let length: Int
        var low: UInt8 = 0x80
        var high: UInt8 = 0xBF
        switch lead {
        case 0xC2...0xDF: length = 2
        case 0xE0...0xEF:
            length = 3
            if lead == 0xE0 { low = 0xA0 }
            if lead == 0xED { high = 0x9F }
        case 0xF0...0xF4:
            length = 4
            if lead == 0xF0 { low = 0x90 }
            if lead == 0xF4 { high = 0x8F }
        default: throw .invalidUTF8(at: start)
        }
        guard start + length <= bytes.count else { throw .invalidUTF8(at: start) }
        guard bytes[start + 1] >= low, bytes[start + 1] <= high else {
            throw .invalidUTF8(at: start)
        }
        for offset in 2..<max(length, 2) where bytes[start + offset] & 0xC0 != 0x80 {
            throw .invalidUTF8(at: start)
        }
        return start + length
    }

    /// - Parameter regular: becomes false when canonical JSON would not write this escape so.
    private func afterEscape(
        _ bytes: Span<UInt8>,
        at start: Int,
        _ regular: inout Bool
    ) throws(JSONError) -> Int {
        guard start + 1 < bytes.count else { throw .truncated }
        switch bytes[start + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return start + 2
        case UInt8(ascii: "/"):
            regular = false
            return start + 2
        case UInt8(ascii: "u"): break
        default: throw .invalidEscape(at: start)
        }
        let unit = try codeUnit(bytes, at: start)
        switch unit {
        case 0x08, 0x09, 0x0A, 0x0C, 0x0D, 0x20...: regular = false
        default:
            if (UInt8(ascii: "A")...UInt8(ascii: "F")).contains(bytes[start + 5]) {
                regular = false
            }
        }
        switch unit {
        case 0xDC00...0xDFFF: throw .loneSurrogate(at: start)
        case 0xD800...0xDBFF:
            let second = start + 6
            guard second + 1 < bytes.count, bytes[second] == UInt8(ascii: "\\"),
                bytes[second + 1] == UInt8(ascii: "u"),
                (0xDC00...0xDFFF).contains(try codeUnit(bytes, at: second))
            else { throw .loneSurrogate(at: start) }
            return start + 12
        default: return start + 6
        }
    }

    /// The four hexadecimal digits of the `\u` at `start`.
    private func codeUnit(_ bytes: Span<UInt8>, at start: Int) throws(JSONError) -> UInt32 {
        guard start + 6 <= bytes.count else { throw .truncated }
        var unit: UInt32 = 0
        for offset in 2..<6 {
            guard let digit = hexDigit(bytes[start + offset]) else {
                throw .invalidEscape(at: start)
            }
            unit = unit << 4 | digit
        }
        return unit
    }

    /// Longest number: no float needs more, and nobody counts that far.
    private static var numberBytesMax: Int { 64 }

    mutating func number(_ bytes: Span<UInt8>) throws(JSONError) {
        let start = position
        var cursor = start
        let negative = bytes[cursor] == UInt8(ascii: "-")
        if negative { cursor += 1 }
        let digits = cursor
        var magnitude: UInt64 = 0
        while cursor < bytes.count, let digit = decimalDigit(bytes[cursor]) {
            magnitude = magnitude &* 10 &+ digit
            cursor += 1
        }
        let integerDigits = cursor - digits
        guard integerDigits > 0 else { throw invalid(bytes, cursor, start) }
        guard integerDigits == 1 || bytes[digits] != UInt8(ascii: "0") else {
            throw .invalidNumber(at: start)
        }
        var float = false
        var exponent = false
        if cursor < bytes.count, bytes[cursor] == UInt8(ascii: ".") {
            float = true
            cursor = try afterDigits(bytes, from: cursor + 1, start)
        }
        if cursor < bytes.count, bytes[cursor] | 0x20 == UInt8(ascii: "e") {
            float = true
            exponent = true
            cursor += 1
            if cursor < bytes.count,
                bytes[cursor] == UInt8(ascii: "+") || bytes[cursor] == UInt8(ascii: "-")
            {
                cursor += 1
            }
            cursor = try afterDigits(bytes, from: cursor, start)
        }
        guard cursor - start <= Self.numberBytesMax else { throw .invalidNumber(at: start) }
        if exponent, !bytes.bytes.double(start..<cursor).isFinite {
            throw .invalidNumber(at: start)
        }
        let plain =
            !float && integerDigits <= 16 && magnitude <= UInt64(jsonIntegerMax)
            && !(negative && magnitude == 0)
        if !plain { irregularities += 1 }
        position = cursor
        try append(.number, from: start, to: cursor, plain ? .canonical : float ? .float : [])
    }

    private func afterDigits(
        _ bytes: Span<UInt8>,
        from first: Int,
        _ start: Int
    ) throws(JSONError) -> Int {
        var cursor = first
        while cursor < bytes.count, decimalDigit(bytes[cursor]) != nil { cursor += 1 }
        guard cursor > first else { throw invalid(bytes, cursor, start) }
        return cursor
    }

    private func invalid(_ bytes: Span<UInt8>, _ cursor: Int, _ start: Int) -> JSONError {
        cursor < bytes.count ? .invalidNumber(at: start) : .truncated
    }
}

/// The largest integer of canonical JSON, 2^53−1; the smallest is its negative.
package let jsonIntegerMax: Int64 = 9_007_199_254_740_991

@inline(__always)
func decimalDigit(_ byte: UInt8) -> UInt64? {
    let digit = byte &- UInt8(ascii: "0")
    return digit <= 9 ? UInt64(digit) : nil
}

@inline(__always)
func hexDigit(_ byte: UInt8) -> UInt32? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte &- UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte &- UInt8(ascii: "a") &+ 10)
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte &- UInt8(ascii: "A") &+ 10)
    default: nil
    }
}
