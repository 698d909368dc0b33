extension [UInt8] {
    /// Appends the decimal digits of a number.
    package mutating func appendDecimal(_ value: Int64) {
        if value < 0 { append(UInt8(ascii: "-")) }
        var rest = value.magnitude
        guard rest >= 10 else { return append(UInt8(ascii: "0") + UInt8(rest)) }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var first = 20
            while rest > 0 {
                first -= 1
                digits[first] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            }
            append(contentsOf: UnsafeBufferPointer(rebasing: digits[first..<20]))
        }
    }

    /// Appends a JSON string, quotes included, with the shortest escapes (the canonical form).
    /// - Parameter text: valid UTF-8.
    package mutating func appendJSONString(_ text: UnsafeBufferPointer<UInt8>) {
        append(UInt8(ascii: "\""))
        var done = 0
        var cursor = 0
        while cursor < text.count {
            if cursor + 8 <= text.count {
                let word = UnsafeRawPointer(text.baseAddress!)
                    .loadUnaligned(fromByteOffset: cursor, as: UInt64.self)
                let marks = ByteMask.mustEscape(UInt64(littleEndian: word))
                guard marks != 0 else {
                    cursor += 8
                    continue
                }
                cursor += marks.trailingZeroBitCount >> 3
            }
            let byte = text[cursor]
            if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                append(contentsOf: UnsafeBufferPointer(rebasing: text[done..<cursor]))
                appendEscape(byte)
                done = cursor + 1
            }
            cursor += 1
        }
        append(contentsOf: UnsafeBufferPointer(rebasing: text[done..<text.count]))
        append(UInt8(ascii: "\""))
    }

    package mutating func appendJSONString(_ text: String) {
        var text = text
        text.withUTF8 { appendJSONString($0) }
    }

    /// Appends the bytes of a literal as they are.
    @inline(__always)
    package mutating func append(ascii text: StaticString) {
        text.withUTF8Buffer { append(contentsOf: $0) }
    }

    private mutating func appendEscape(_ byte: UInt8) {
        append(UInt8(ascii: "\\"))
        switch byte {
        case 0x08: append(UInt8(ascii: "b"))
        case 0x09: append(UInt8(ascii: "t"))
        case 0x0A: append(UInt8(ascii: "n"))
        case 0x0C: append(UInt8(ascii: "f"))
        case 0x0D: append(UInt8(ascii: "r"))
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): append(byte)
        default:
            append(ascii: "u00")
            append(UInt8(ascii: "0") + byte >> 4)
            let low = byte & 0xF
            append(low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10)
        }
    }
}
