/// Tests on eight bytes at once. Bit 7 of a byte in the result marks that byte; marks above the
/// lowest one may be wrong, the lowest never is.
enum ByteMask {
    @inline(__always)
    private static func spread(_ byte: UInt8) -> UInt64 { UInt64(byte) &* 0x0101_0101_0101_0101 }

    @inline(__always)
    private static func below(_ word: UInt64, _ byte: UInt8) -> UInt64 {
        (word &- spread(byte)) & ~word
    }

    @inline(__always)
    private static func escapes(_ word: UInt64) -> UInt64 {
        below(word ^ spread(0x22), 1) | below(word ^ spread(0x5C), 1) | below(word, 0x20)
    }

    /// Quotes, backslashes, control characters and bytes outside ASCII.
    @inline(__always)
    static func notPlainText(_ word: UInt64) -> UInt64 { (escapes(word) | word) & spread(0x80) }

    /// Quotes, backslashes and control characters.
    @inline(__always)
    static func mustEscape(_ word: UInt64) -> UInt64 { escapes(word) & spread(0x80) }
}

extension RawSpan {
    @inline(__always)
    private func byte(_ offset: Int) -> UInt8 {
        unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }

    @inline(__always)
    private func word(_ offset: Int) -> UInt64 {
        UInt64(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// Byte-wise comparison, which for UTF-8 is comparison by code point.
    @inline(__always)
    func precedes(_ a: Range<Int>, _ b: Range<Int>) -> Bool {
        let shared = min(a.count, b.count)
        var offset = 0
        while offset + 8 <= shared {
            let left = word(a.lowerBound + offset)
            let right = word(b.lowerBound + offset)
            if left != right { return left < right }
            offset += 8
        }
        while offset < shared {
            let left = byte(a.lowerBound + offset)
            let right = byte(b.lowerBound + offset)
            if left != right { return left < right }
            offset += 1
        }
        return a.count < b.count
    }

    @inline(__always)
    func equal(_ a: Range<Int>, _ b: Range<Int>) -> Bool {
        guard a.count == b.count else { return false }
        for offset in 0..<a.count where byte(a.lowerBound + offset) != byte(b.lowerBound + offset) {
            return false
        }
        return true
    }

    /// Appends what a string's checked bytes say, escapes resolved.
    func unescape(_ range: Range<Int>, into output: inout [UInt8]) {
        var cursor = range.lowerBound
        while cursor < range.upperBound {
            let plain = cursor
            while cursor < range.upperBound, byte(cursor) != UInt8(ascii: "\\") { cursor += 1 }
            extracting(plain..<cursor).withUnsafeBytes { output.append(contentsOf: $0) }
            guard cursor < range.upperBound else { return }
            let second = byte(cursor + 1)
            cursor += 2
            switch second {
            case UInt8(ascii: "b"): output.append(0x08)
            case UInt8(ascii: "f"): output.append(0x0C)
            case UInt8(ascii: "n"): output.append(0x0A)
            case UInt8(ascii: "r"): output.append(0x0D)
            case UInt8(ascii: "t"): output.append(0x09)
            case UInt8(ascii: "u"):
                var scalar = codeUnit(cursor)
                cursor += 4
                if (0xD800...0xDBFF).contains(scalar) {
                    scalar = 0x10000 + (scalar - 0xD800) << 10 + (codeUnit(cursor + 2) - 0xDC00)
                    cursor += 6
                }
                appendUTF8(scalar, to: &output)
            default: output.append(second)
            }
        }
    }

    private func codeUnit(_ start: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 << 4 | (hexDigit(byte(start + $1)) ?? 0) }
    }

    /// The value of a number's checked bytes; infinite when it is too large for a `Double`.
    func double(_ range: Range<Int>) -> Double {
        let text = String(unsafeUninitializedCapacity: range.count) { buffer in
            for offset in 0..<range.count { buffer[offset] = byte(range.lowerBound + offset) }
            return range.count
        }
        return Double(text) ?? .infinity
    }

    /// The exact value of a number's checked bytes when it is an integer within ±(2^53−1)
    /// written without a fraction. `1e10` is one (the specification's example), `1.0` is not.
    func integer(_ range: Range<Int>) -> Int64? {
        var cursor = range.lowerBound
        let negative = byte(cursor) == UInt8(ascii: "-")
        if negative { cursor += 1 }
        var value: UInt64 = 0
        while cursor < range.upperBound, let digit = decimalDigit(byte(cursor)) {
            value = value * 10 + digit
            guard value <= UInt64(jsonIntegerMax) else { return nil }
            cursor += 1
        }
        if cursor < range.upperBound {
            guard byte(cursor) | 0x20 == UInt8(ascii: "e") else { return nil }
            cursor += 1
            if byte(cursor) == UInt8(ascii: "+") { cursor += 1 }
            var exponent: UInt64 = 0
            while cursor < range.upperBound {
                guard let digit = decimalDigit(byte(cursor)) else { return nil }
                exponent = min(exponent * 10 + digit, 1000)
                cursor += 1
            }
            while exponent > 0, value > 0 {
                value *= 10
                exponent -= 1
                guard value <= UInt64(jsonIntegerMax) else { return nil }
            }
        }
        return negative ? -Int64(value) : Int64(value)
    }
}

private func appendUTF8(_ scalar: UInt32, to output: inout [UInt8]) {
    func tail(_ shift: UInt32) -> UInt8 { 0x80 | UInt8(scalar >> shift & 0x3F) }
    switch scalar {
    case 0..<0x80: output.append(UInt8(scalar))
    case 0x80..<0x800:
        output.append(0xC0 | UInt8(scalar >> 6))
        output.append(tail(0))
    case 0x800..<0x10000:
        output.append(0xE0 | UInt8(scalar >> 12))
        output.append(tail(6))
        output.append(tail(0))
    default:
        output.append(0xF0 | UInt8(scalar >> 18))
        output.append(tail(12))
        output.append(tail(6))
        output.append(tail(0))
    }
}
