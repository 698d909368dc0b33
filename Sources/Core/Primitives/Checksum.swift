/// CRC-32C (Castagnoli), as in RFC 3720 appendix B.4: for torn writes, not for attackers.
package enum CRC32C {
    /// `tables[256 * k + b]`: what a byte `b` makes of the checksum, `k` bytes later.
    private static let tables: [UInt32] = {
        var tables: [UInt32] = []
        for index: UInt32 in 0..<256 {
            var value = index
            for _ in 0..<8 {
                value = value & 1 == 1 ? (value >> 1) ^ 0x82F6_3B78 : value >> 1
            }
            tables.append(value)
        }
        for place in 256..<2_048 {
            let before = tables[place - 256]
            tables.append((before >> 8) ^ tables[Int(before & 0xFF)])
        }
        return tables
    }()

    /// Eight bytes at a time ("slicing by 8", Kounavis and Berry 2005).
    package static func of(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.withUnsafeBytes { bytes in
            tables.withUnsafeBufferPointer { tables in
                var value = ~UInt32(0)
                var place = 0
                while place + 8 <= bytes.count {
                    let word = UInt64(
                        littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)
                    )
                    var mixed = word ^ UInt64(value)
                    value = 0
                    for later in (0..<8).reversed() {
                        value ^= tables[later << 8 | Int(mixed & 0xFF)]
                        mixed >>= 8
                    }
                    place += 8
                }
                while place < bytes.count {
                    value =
                        (value >> 8)
                        ^ tables[Int(UInt8(truncatingIfNeeded: value) ^ bytes[place])]
                    place += 1
                }
                return ~value
            }
        }
    }
    package static func of(_ bytes: [UInt8]) -> UInt32 { of(bytes[...]) }
}
