package import NIOCore

/// An IPv4 or IPv6 address. An IPv4-mapped IPv6 address is the IPv4 address it maps.
package struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    /// The 16 bytes of the IPv6 form, big-endian.
    let high: UInt64
    let low: UInt64

    private static let mappedPrefix: UInt64 = 0xffff_0000_0000

    /// No address: a peer on a Unix socket, or one already gone.
    package static let none = IPAddress(high: 0, low: 0)

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    package init(_ socketAddress: SocketAddress?) {
        guard let socketAddress else {
            self = .none
            return
        }
        // Family, port and, behind them, the address in network order: as every system has it.
        self = socketAddress.withSockAddr { pointer, size in
            let bytes = UnsafeRawBufferPointer(start: pointer, count: size)
            switch socketAddress {
            case .v4:
                let bits = UInt32(
                    bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self)
                )
                return IPAddress(high: 0, low: Self.mappedPrefix | UInt64(bits))
            case .v6:
                return IPAddress(
                    high: UInt64(
                        bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
                    ),
                    low: UInt64(
                        bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
                    )
                )
            case .unixDomainSocket:
                return .none
            }
        }
    }

    /// Reads the textual form; nil for anything else, also for an address with a port or a zone.
    package init?(_ text: some StringProtocol) {
        guard let address = try? SocketAddress(ipAddress: String(text), port: 0) else { return nil }
        self.init(address)
    }

    package var isIPv4: Bool { high == 0 && low >> 32 == 0xffff }

    package var isLoopback: Bool {
        isIPv4 ? low & 0xff00_0000 == 0x7f00_0000 : high == 0 && low == 1
    }

    /// What one customer of a provider commonly holds: an IPv4 address or an IPv6 /64.
    package var network: IPAddress { isIPv4 ? self : IPAddress(high: high, low: 0) }
    /// What one customer holds at most, where providers are generous: an IPv4 address or an IPv6
    /// /48, which is 65,536 networks.
    package var site: IPAddress { isIPv4 ? self : IPAddress(high: high & ~0xFFFF, low: 0) }

    package var description: String {
        if isIPv4 {
            return "\(low >> 24 & 255).\(low >> 16 & 255).\(low >> 8 & 255).\(low & 255)"
        }
        let groups = (0..<8).map { index in
            UInt16(truncatingIfNeeded: (index < 4 ? high : low) >> UInt64(48 - index % 4 * 16))
        }
        return Self.compressed(groups)
    }

    /// RFC 5952: the longest run of two or more zero groups becomes `::`.
    private static func compressed(_ groups: [UInt16]) -> String {
        var best = 0..<0
        var start = 0
        while start < groups.count {
            let end = groups[start...].firstIndex { $0 != 0 } ?? groups.count
            if end - start > max(1, best.count) { best = start..<end }
            start = max(end, start) + 1
        }
        func text(_ part: ArraySlice<UInt16>) -> String {
            part.map { String($0, radix: 16) }.joined(separator: ":")
        }
        guard !best.isEmpty else { return text(groups[...]) }
        return text(groups[..<best.lowerBound]) + "::" + text(groups[best.upperBound...])
    }
}

/// A CIDR block such as `10.0.0.0/8` or `fd00::/8`; a bare address is a block of one.
package struct AddressRange: Hashable, Sendable {
    private let base: IPAddress
    /// Of the IPv6 form: an IPv4 prefix length plus 96.
    private let prefixBits: Int

    /// Nil when the text is no block, or has bits set beyond its prefix.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let base = IPAddress(parts[0]) else { return nil }
        let bitsMax = base.isIPv4 ? 32 : 128
        var bits = bitsMax
        if parts.count == 2 {
            guard let given = Int(parts[1]), (0...bitsMax).contains(given) else { return nil }
            bits = given
        }
        self.base = base
        self.prefixBits = base.isIPv4 ? bits + 96 : bits
        guard Self.masked(base, self.prefixBits) == base else { return nil }
    }

    package func contains(_ address: IPAddress) -> Bool {
        Self.masked(address, prefixBits) == base
    }

    private static func masked(_ address: IPAddress, _ bits: Int) -> IPAddress {
        let highMask: UInt64 = bits >= 64 ? .max : bits == 0 ? 0 : .max << UInt64(64 - bits)
        let lowMask: UInt64 = bits >= 128 ? .max : bits <= 64 ? 0 : .max << UInt64(128 - bits)
        return IPAddress(high: address.high & highMask, low: address.low & lowMask)
    }
}
