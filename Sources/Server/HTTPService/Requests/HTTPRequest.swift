/// One whole request, head and body. A value: handlers may keep it and pass it on as they like.
///
/// The head stays the bytes that came (of HTTP/2 the same bytes are rebuilt), and fields are
/// looked up in them, so a handler pays for the two or three it asks for.
package struct HTTPRequest: Sendable {
    package let method: HTTPMethod
    /// The client, also behind trusted proxies.
    package internal(set) var remoteAddress: IPAddress
    /// Whether the client's connection is encrypted, by the word of a trusted proxy if there is one.
    package internal(set) var isTLS: Bool
    /// The route's template, as in the access log.
    package internal(set) var template = ""
    package internal(set) var parameters = PathParameters()
    package internal(set) var body: [UInt8] = []

    let head: [UInt8]
    let pathRange: Range<Int>
    let queryRange: Range<Int>
    let fields: [HeaderField]

    /// The path as sent, percent-encoded, without the query.
    package var pathBytes: ArraySlice<UInt8> { head[pathRange] }
    package var path: String { String(decoding: pathBytes, as: UTF8.self) }
    /// The query as sent, without its question mark.
    package var queryBytes: ArraySlice<UInt8> { head[queryRange] }
    package var headerCount: Int { fields.count }

    /// The first value of a field, or nil. `name` in lower case.
    package func header(_ name: StaticString) -> String? {
        headerBytes(name).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The first value's bytes, without surrounding blanks.
    package func headerBytes(_ name: StaticString) -> ArraySlice<UInt8>? {
        for field in fields where field.isNamed(name, in: head) { return head[field.value] }
        return nil
    }

    /// All values of a field in their order.
    package func headerValues(_ name: StaticString) -> [String] {
        fields.lazy.filter { $0.isNamed(name, in: head) }
            .map { String(decoding: head[$0.value], as: UTF8.self) }
    }

    /// The token of `Authorization: Bearer …`, or nil. The scheme's case does not matter.
    package var bearerToken: String? {
        guard let value = headerBytes("authorization"), value.count > 7 else { return nil }
        let scheme = value.prefix(7)
        guard zip(scheme, "bearer ".utf8).allSatisfy({ $0 | 0x20 == $1 }) else { return nil }
        let token = value.dropFirst(7).drop { $0 == 0x20 }
        return token.isEmpty ? nil : String(decoding: token, as: UTF8.self)
    }

    /// The first value of a query item, decoded (`+` is a blank); nil when it is absent, and when
    /// it is not percent-encoded UTF-8.
    package func query(_ name: String) -> String? {
        Query(queryBytes).first(name)
    }

    /// All values of a query item in their order.
    package func queryValues(_ name: String) -> [String] {
        Query(queryBytes).all(name)
    }

    /// Every query item, decoded, in order; items that are not percent-encoded UTF-8 are left out.
    package var queryItems: [(name: String, value: String)] { Query(queryBytes).items }
}

/// Where one field's name and value lie in the head.
struct HeaderField: Sendable {
    private let nameStart, valueStart: UInt32
    private let nameCount, valueCount: UInt32

    init(name: Range<Int>, value: Range<Int>) {
        nameStart = UInt32(truncatingIfNeeded: name.lowerBound)
        nameCount = UInt32(truncatingIfNeeded: name.count)
        valueStart = UInt32(truncatingIfNeeded: value.lowerBound)
        valueCount = UInt32(truncatingIfNeeded: value.count)
    }

    var name: Range<Int> { Int(nameStart)..<Int(nameStart) + Int(nameCount) }
    var value: Range<Int> { Int(valueStart)..<Int(valueStart) + Int(valueCount) }

    func isNamed(_ wanted: StaticString, in head: [UInt8]) -> Bool {
        guard Int(nameCount) == wanted.utf8CodeUnitCount else { return false }
        let wantedBytes = UnsafeBufferPointer(start: wanted.utf8Start, count: Int(nameCount))
        return head.withUnsafeBufferPointer { head in
            let start = Int(nameStart)
            for index in 0..<wantedBytes.count {
                guard lowercased(head[start + index]) == wantedBytes[index] else { return false }
            }
            return true
        }
    }
}

/// ASCII only, as field names are.
@inline(__always)
func lowercased(_ byte: UInt8) -> UInt8 {
    byte &- 0x41 < 26 ? byte | 0x20 : byte
}
