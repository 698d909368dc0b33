/// A small owned JSON tree, for configuration-like values such as push rules. Events and bodies
/// of requests are read through `JSONView`, which copies nothing.
/// Objects keep the order of their members, and equality heeds it.
package enum JSONValue: Hashable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case double(Double)
    case string(String)
    case array([JSONValue])
    case object([Member])

    package struct Member: Hashable, Sendable {
        package let key: String
        package var value: JSONValue

        package init(_ key: String, _ value: JSONValue) {
            self.key = key
            self.value = value
        }
    }
}

extension JSONValue {
    package init(_ view: JSONView) {
        switch view.kind {
        case .null: self = .null
        case .bool: self = .bool(view.bool ?? false)
        case .number:
            self = view.integer.map(JSONValue.integer) ?? .double(view.double ?? 0)
        case .string: self = .string(view.string ?? "")
        case .array: self = .array(view.elements.map { JSONValue($0) })
        case .object: self = .object(view.members.map { Member($0.key, JSONValue($0.value)) })
        }
    }

    package init(
        parsing bytes: [UInt8],
        limits: JSONLimits = .stored
    ) throws(JSONError) {
        self.init(try JSONDocument(parsing: bytes, limits: limits).root)
    }

    /// The text, without white space, members in their order.
    package func serialized() -> [UInt8] {
        var writer = JSONWriter()
        write(into: &writer)
        return writer.finish()
    }

    package func write(into writer: inout JSONWriter) {
        switch self {
        case .null: writer.null()
        case .bool(let value): writer.bool(value)
        case .integer(let value): writer.int(value)
        case .double(let value): writer.double(value)
        case .string(let value): writer.string(value)
        case .array(let elements):
            writer.beginArray()
            for element in elements { element.write(into: &writer) }
            writer.endArray()
        case .object(let members):
            writer.beginObject()
            for member in members {
                writer.key(member.key)
                member.value.write(into: &writer)
            }
            writer.endObject()
        }
    }

    package var string: String? { if case .string(let value) = self { value } else { nil } }
    package var integer: Int64? { if case .integer(let value) = self { value } else { nil } }
    package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    package var elements: [JSONValue]? { if case .array(let all) = self { all } else { nil } }
    package var members: [Member]? { if case .object(let all) = self { all } else { nil } }

    /// The member's value, keys compared byte by byte. Setting replaces in place, appends, or
    /// (with nil) removes; setting on anything but an object makes it one.
    package subscript(_ key: String) -> JSONValue? {
        get { members?.first { $0.key.sameBytes(as: key) }?.value }
        set {
            var all = members ?? []
            let place = all.firstIndex { $0.key.sameBytes(as: key) }
            switch (place, newValue) {
            case (let place?, let value?): all[place].value = value
            case (let place?, nil): all.remove(at: place)
            case (nil, let value?): all.append(Member(key, value))
            case (nil, nil): break
            }
            self = .object(all)
        }
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral,
    ExpressibleByNilLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int64) { self = .integer(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(elements.map { Member($0.0, $0.1) })
    }
    package init(nilLiteral: ()) { self = .null }
}
