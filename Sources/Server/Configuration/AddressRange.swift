import Glibc

/// An IP address with a prefix length, such as `10.0.0.0/8` or `::1`. IPv4 addresses mapped into
/// IPv6 (`::ffff:10.0.0.1`) compare as IPv4, so that a dual-stack listener judges them alike.
package struct AddressRange: Sendable, Hashable, CustomStringConvertible {
    /// 4 or 16 bytes, network order.
    package let bytes: [UInt8]
    package let prefixBits: Int

    /// Nil when the text is no address, or the prefix does not fit it.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let bytes = Self.parse(String(parts[0])) else { return nil }
        self.bytes = bytes
        if parts.count == 2 {
            guard let bits = Int(parts[1]), (0...bytes.count * 8).contains(bits) else { return nil }
            prefixBits = bits
        } else {
            prefixBits = bytes.count * 8
        }
    }

    package func contains(_ address: String) -> Bool {
        Self.parse(address).map { contains($0) } ?? false
    }

    package func contains(_ address: [UInt8]) -> Bool {
        guard address.count == bytes.count else { return false }
        for index in bytes.indices {
            let bits = min(8, max(0, prefixBits - index * 8))
            if bits == 0 { break }
            let mask = UInt8(truncatingIfNeeded: 0xFF00 >> bits)
            if address[index] & mask != bytes[index] & mask { return false }
        }
        return true
    }

    /// 127.0.0.0/8, ::1 and the name `localhost`.
    package static func isLoopback(_ address: String) -> Bool {
        if address == "localhost" { return true }
        guard let bytes = parse(address) else { return false }
        if bytes.count == 4 { return bytes[0] == 127 }
        return bytes.dropLast().allSatisfy { $0 == 0 } && bytes[15] == 1
    }

    /// 4 or 16 bytes of a numeric address; nil for names. Brackets around IPv6 are accepted.
    package static func parse(_ text: String) -> [UInt8]? {
        var text = text
        if text.hasPrefix("["), text.hasSuffix("]") { text = String(text.dropFirst().dropLast()) }
        var four = [UInt8](repeating: 0, count: 4)
        if inet_pton(AF_INET, text, &four) == 1 { return four }
        var sixteen = [UInt8](repeating: 0, count: 16)
        guard inet_pton(AF_INET6, text, &sixteen) == 1 else { return nil }
        let mappedPrefix: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
        return sixteen.starts(with: mappedPrefix) ? Array(sixteen[12...]) : sixteen
    }

    package var description: String {
        var buffer = [CChar](repeating: 0, count: 64)
        let family = bytes.count == 4 ? AF_INET : AF_INET6
        guard inet_ntop(family, bytes, &buffer, socklen_t(buffer.count)) != nil else { return "?" }
        let length = buffer.firstIndex(of: 0) ?? buffer.count
        let text = String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return prefixBits == bytes.count * 8 ? text : "\(text)/\(prefixBits)"
    }
}
