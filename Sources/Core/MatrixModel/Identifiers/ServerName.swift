/// `hostname [":" port]`, case-sensitive (appendices, "Server Name").
package struct ServerName: MatrixIdentifier {
    package let raw: String

    package init?(_ text: String) {
        var text = text
        guard text.withUTF8({ Self.isValid($0) }) else { return nil }
        raw = text
    }

    package init(trusted text: String) { raw = text }

    /// Without the port; an IPv6 address keeps its brackets.
    package var hostname: Substring { raw.prefix(hostCount) }

    package var port: UInt16? { UInt16(raw.dropFirst(hostCount + 1)) }

    private var hostCount: Int {
        var text = raw
        return text.withUTF8 { Self.hostCount($0) }
    }

    /// How many bytes come before the port's colon.
    private static func hostCount(_ text: UnsafeBufferPointer<UInt8>) -> Int {
        if text.first == UInt8(ascii: "["), let bracket = text.firstIndex(of: UInt8(ascii: "]")) {
            return bracket + 1
        }
        return text.firstIndex(of: UInt8(ascii: ":")) ?? text.count
    }

    static func isValid(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard (1...identifierBytesMax).contains(text.count) else { return false }
        let hostCount = hostCount(text)
        return isHost(text[..<hostCount]) && isPort(text[hostCount...])
    }

    private static func isHost(_ host: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        guard host.first == UInt8(ascii: "[") else {
            return !host.isEmpty && host.allSatisfy(isNameByte)
        }
        let address = host.dropFirst().dropLast()
        return host.last == UInt8(ascii: "]") && (2...45).contains(address.count)
            && address.allSatisfy { byte in
                hexDigit(byte) != nil || byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".")
            }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default: false
        }
    }

    /// Nothing, or a colon and one to five digits.
    private static func isPort(_ text: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        if text.isEmpty { return true }
        let digits = text.dropFirst()
        return text.first == UInt8(ascii: ":") && (1...5).contains(digits.count)
            && digits.allSatisfy { decimalDigit($0) != nil }
    }
}
