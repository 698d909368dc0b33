/// What is wrong with bytes that do not decode.
package enum DecodeError: Error, Equatable, Sendable, CustomStringConvertible {
    case truncated(needed: Int, left: Int)
    case badVarint
    case badUTF8
    case badBool(UInt8)
    case trailingBytes(Int)
    case unknownKind(UInt64)
    case unknownVersion(UInt64)
    case invalid(String)

    package var description: String {
        switch self {
        case .truncated(let needed, let left): "truncated: needs \(needed) bytes, \(left) left"
        case .badVarint: "a number is too long"
        case .badUTF8: "text is not UTF-8"
        case .badBool(let value): "\(value) is neither true nor false"
        case .trailingBytes(let count): "\(count) bytes after the end"
        case .unknownKind(let kind): "unknown kind \(kind)"
        case .unknownVersion(let version): "unknown version \(version)"
        case .invalid(let why): why
        }
    }
}

/// Reads back what `ByteWriter` wrote; throws instead of reading past the end.
package struct ByteReader: Sendable {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    package init(_ bytes: [UInt8]) { self.init(bytes[...]) }
    package init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    package var remaining: Int { bytes.endIndex - position }
    package var isAtEnd: Bool { position == bytes.endIndex }

    private mutating func take(_ count: Int) throws(DecodeError) -> Int {
        guard count >= 0, remaining >= count else {
            throw .truncated(needed: count, left: remaining)
        }
        defer { position += count }
        return position
    }

    package mutating func u8() throws(DecodeError) -> UInt8 { bytes[try take(1)] }
    package mutating func u16() throws(DecodeError) -> UInt16 { try integer() }
    package mutating func u32() throws(DecodeError) -> UInt32 { try integer() }
    package mutating func u64() throws(DecodeError) -> UInt64 { try integer() }

    private mutating func integer<T: FixedWidthInteger & UnsignedInteger>() throws(DecodeError) -> T
    {
        let width = T.bitWidth / 8
        let start = try take(width)
        var value: T = 0
        for offset in 0..<width {
            value = (value << 8) | T(truncatingIfNeeded: bytes[start + offset])
        }
        return value
    }

    package mutating func varint() throws(DecodeError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try u8()
            if shift == 63, byte > 1 { throw .badVarint }
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
            shift += 7
            if shift > 63 { throw .badVarint }
        }
    }

    /// A varint that counts things still to come: never more than `limit`.
    package mutating func count(limit: Int) throws(DecodeError) -> Int {
        let value = try varint()
        guard value <= UInt64(limit) else { throw .invalid("a count of \(value) is over \(limit)") }
        return Int(value)
    }

    package mutating func raw(_ count: Int) throws(DecodeError) -> ArraySlice<UInt8> {
        let start = try take(count)
        return bytes[start..<start + count]
    }

    package mutating func blob() throws(DecodeError) -> ArraySlice<UInt8> {
        let length = try varint()
        guard length <= UInt64(remaining) else {
            throw .truncated(needed: Int(clamping: length), left: remaining)
        }
        return try raw(Int(length))
    }

    package mutating func string() throws(DecodeError) -> String {
        let slice = try blob()
        guard let text = String(validating: slice, as: UTF8.self) else { throw .badUTF8 }
        return text
    }

    package mutating func bool() throws(DecodeError) -> Bool {
        switch try u8() {
        case 0: return false
        case 1: return true
        case let other: throw .badBool(other)
        }
    }

    package mutating func optionalString() throws(DecodeError) -> String? {
        try bool() ? try string() : nil
    }

    /// Everything not yet read.
    package mutating func rest() -> ArraySlice<UInt8> {
        defer { position = bytes.endIndex }
        return bytes[position...]
    }

    package func expectEnd() throws(DecodeError) {
        guard isAtEnd else { throw .trailingBytes(remaining) }
    }
}
