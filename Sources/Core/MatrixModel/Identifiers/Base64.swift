/// Base64 as Matrix writes it: without padding (appendices, "Unpadded Base64"), in the standard
/// or the URL-safe alphabet (RFC 4648 sections 4 and 5).
package enum Base64 {
    private static let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    private static let standard = Array("\(letters)+/".utf8)
    private static let urlSafe = Array("\(letters)-_".utf8)

    /// Length of the encoding of `count` bytes.
    package static func encodedCount(_ count: Int) -> Int { (count * 4 + 2) / 3 }

    package static func encode(
        _ bytes: some Collection<UInt8>,
        urlSafe isURLSafe: Bool = false
    )
        -> String
    {
        var output: [UInt8] = []
        output.reserveCapacity(encodedCount(bytes.count))
        encode(bytes, urlSafe: isURLSafe, into: &output)
        return String(decoding: output, as: UTF8.self)
    }

    package static func encode(
        _ bytes: some Collection<UInt8>,
        urlSafe isURLSafe: Bool = false,
        into output: inout [UInt8]
    ) {
        let alphabet = isURLSafe ? urlSafe : standard
        var bits: UInt32 = 0
        var pending = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            pending += 8
            while pending >= 6 {
                pending -= 6
                output.append(alphabet[Int(bits >> UInt32(pending) & 63)])
            }
        }
        if pending > 0 { output.append(alphabet[Int(bits << UInt32(6 - pending) & 63)]) }
    }

    /// Nil for a byte outside the alphabet or an impossible length. Padding may be there or not;
    /// leftover bits of the last character may be anything (the specification's own seed has
    /// some).
    package static func decode(
        _ text: some Collection<UInt8>,
        urlSafe isURLSafe: Bool = false
    ) -> [UInt8]? {
        var output: [UInt8] = []
        output.reserveCapacity(text.count * 3 / 4)
        var bits: UInt32 = 0
        var pending = 0
        var count = 0
        var padding = 0
        for byte in text {
            if byte == UInt8(ascii: "=") {
                padding += 1
                continue
            }
            guard padding == 0, let value = sextet(byte, isURLSafe) else { return nil }
            bits = bits << 6 | value
            count += 1
            pending += 6
            if pending >= 8 {
                pending -= 8
                output.append(UInt8(truncatingIfNeeded: bits >> UInt32(pending)))
            }
        }
        guard count % 4 != 1, padding == 0 || (count + padding) % 4 == 0 && padding <= 2 else {
            return nil
        }
        return output
    }

    package static func decode(_ text: String, urlSafe isURLSafe: Bool = false) -> [UInt8]? {
        decode(text.utf8, urlSafe: isURLSafe)
    }

    /// True for the 43 characters of a 32-byte hash in the URL-safe alphabet.
    static func isHash(_ text: some Collection<UInt8>) -> Bool {
        text.count == 43 && text.allSatisfy { sextet($0, true) != nil }
    }

    @inline(__always)
    private static func sextet(_ byte: UInt8, _ isURLSafe: Bool) -> UInt32? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(byte &- UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(byte &- UInt8(ascii: "a") &+ 26)
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte &- UInt8(ascii: "0") &+ 52)
        case UInt8(ascii: "+") where !isURLSafe: 62
        case UInt8(ascii: "/") where !isURLSafe: 63
        case UInt8(ascii: "-") where isURLSafe: 62
        case UInt8(ascii: "_") where isURLSafe: 63
        default: nil
        }
    }
}
