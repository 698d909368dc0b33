/// Percent-decoding (RFC 3986 §2.1) with strict UTF-8: bytes that are none are refused rather
/// than replaced, so that two different paths can never mean one name.
package enum PercentCoding {
    /// Nil when an escape is broken or the result is no UTF-8.
    package static func decode(
        _ bytes: ArraySlice<UInt8>,
        plusIsBlank: Bool = false
    ) -> String? {
        var isPlain = true
        for byte in bytes where byte == 0x25 || byte >= 0x80 || (plusIsBlank && byte == 0x2b) {
            isPlain = false
            break
        }
        if isPlain { return String(decoding: bytes, as: UTF8.self) }
        guard let decoded = decodeBytes(bytes, plusIsBlank: plusIsBlank) else { return nil }
        return String(validating: decoded, as: UTF8.self)
    }

    static func decodeBytes(_ bytes: ArraySlice<UInt8>, plusIsBlank: Bool) -> [UInt8]? {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let byte = bytes[index]
            if byte == 0x25 {
                guard bytes.endIndex - index > 2, let high = hexDigit(bytes[index + 1]),
                    let low = hexDigit(bytes[index + 2])
                else { return nil }
                result.append(high << 4 | low)
                index += 3
            } else {
                result.append(plusIsBlank && byte == 0x2b ? 0x20 : byte)
                index += 1
            }
        }
        return result
    }
}

@inline(__always)
func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x37
    case 0x61...0x66: byte - 0x57
    default: nil
    }
}

/// A query string of `application/x-www-form-urlencoded` shape, decoded item by item.
struct Query {
    private let bytes: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
    }

    func first(_ name: String) -> String? {
        for item in bytes.split(separator: 0x26) {
            let (key, value) = Self.halves(of: item)
            if Self.isNamed(key, name) { return PercentCoding.decode(value, plusIsBlank: true) }
        }
        return nil
    }

    func all(_ name: String) -> [String] {
        bytes.split(separator: 0x26).compactMap { item in
            let (key, value) = Self.halves(of: item)
            guard Self.isNamed(key, name) else { return nil }
            return PercentCoding.decode(value, plusIsBlank: true)
        }
    }

    var items: [(name: String, value: String)] {
        bytes.split(separator: 0x26).compactMap { item in
            let (key, value) = Self.halves(of: item)
            guard let name = PercentCoding.decode(key, plusIsBlank: true),
                let value = PercentCoding.decode(value, plusIsBlank: true)
            else { return nil }
            return (name, value)
        }
    }

    private static func halves(
        of item: ArraySlice<UInt8>
    ) -> (ArraySlice<UInt8>, ArraySlice<UInt8>) {
        guard let equals = item.firstIndex(of: 0x3d) else { return (item, item[item.endIndex...]) }
        return (item[..<equals], item[(equals + 1)...])
    }

    private static func isNamed(_ key: ArraySlice<UInt8>, _ name: String) -> Bool {
        if key.elementsEqual(name.utf8) { return true }
        guard key.contains(where: { $0 == 0x25 || $0 == 0x2b }) else { return false }
        return PercentCoding.decode(key, plusIsBlank: true) == name
    }
}
