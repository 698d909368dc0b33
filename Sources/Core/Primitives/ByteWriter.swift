/// Appends fixed and variable-length values to a growing byte array.
/// Fixed-width integers are big-endian unless the name says otherwise; `varint` is LEB128.
package struct ByteWriter: Sendable {
    package var bytes: [UInt8]

    package init(reserving capacity: Int = 64) {
        bytes = []
        bytes.reserveCapacity(capacity)
    }

    @inlinable package var count: Int { bytes.count }

    package mutating func u8(_ value: UInt8) { bytes.append(value) }

    package mutating func u16(_ value: UInt16) { integer(value) }
    package mutating func u32(_ value: UInt32) { integer(value) }
    package mutating func u64(_ value: UInt64) { integer(value) }

    private mutating func integer<T: FixedWidthInteger>(_ value: T) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }

    /// Unsigned LEB128: 1 to 10 bytes.
    package mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    package mutating func varint(_ value: Int) {
        precondition(value >= 0, "varint holds no negative number")
        varint(UInt64(value))
    }

    /// The bytes as they are, without a length.
    package mutating func raw(_ value: [UInt8]) { bytes.append(contentsOf: value) }
    package mutating func raw(_ value: ArraySlice<UInt8>) { bytes.append(contentsOf: value) }

    /// A varint length, then the bytes.
    package mutating func blob(_ value: [UInt8]) {
        varint(value.count)
        bytes.append(contentsOf: value)
    }
    package mutating func blob(_ value: ArraySlice<UInt8>) {
        varint(value.count)
        bytes.append(contentsOf: value)
    }

    /// A varint length, then the UTF-8 bytes.
    package mutating func string(_ value: String) {
        var value = value
        value.withUTF8 {
            varint($0.count)
            bytes.append(contentsOf: $0)
        }
    }

    package mutating func bool(_ value: Bool) { bytes.append(value ? 1 : 0) }

    /// 0, or 1 and the string.
    package mutating func optional(_ value: String?) {
        bool(value != nil)
        if let value { string(value) }
    }
}
