/// One value or object key of a parsed text: where its bytes are and where the next sibling is.
struct JSONNode: Sendable {
    /// First byte. For strings the one after the opening quote.
    var start: UInt32
    /// One past the last byte. For strings the closing quote.
    var end: UInt32
    /// Index of the node after this one's subtree.
    var next: UInt32
    var kind: JSONKind
    var flags: Flags

    struct Flags: OptionSet, Sendable {
        let rawValue: UInt8
        /// The string holds a backslash.
        static let escaped = Flags(rawValue: 1)
        /// The object's keys ascend by code point and none is escaped.
        static let sorted = Flags(rawValue: 2)
        /// The number has a fraction or an exponent.
        static let float = Flags(rawValue: 4)
        /// The bytes are the canonical form already.
        static let canonical = Flags(rawValue: 8)
    }
}

package enum JSONKind: UInt8, Hashable, Sendable {
    case null, bool, number, string, array, object
}

/// The parsed text: its bytes and its nodes in document order. An object's children alternate
/// key, value. Shared by every view into it, never changed.
final class JSONTape: Sendable {
    let bytes: [UInt8]
    let nodes: [JSONNode]

    init(bytes: [UInt8], nodes: [JSONNode]) {
        self.bytes = bytes
        self.nodes = nodes
    }
}

extension JSONTape {
    /// What a string or key says, escapes resolved.
    func text(of node: JSONNode) -> [UInt8] {
        let bytes = bytes
        var text: [UInt8] = []
        bytes.span.bytes.unescape(node.range, into: &text)
        return text
    }

    func integer(of node: JSONNode) -> Int64? {
        let bytes = bytes
        return bytes.span.bytes.integer(node.range)
    }

    func double(of node: JSONNode) -> Double {
        let bytes = bytes
        return bytes.span.bytes.double(node.range)
    }

    func precedes(_ a: JSONNode, _ b: JSONNode) -> Bool {
        let bytes = bytes
        return bytes.span.bytes.precedes(a.range, b.range)
    }
}

/// A whole, validated JSON text (RFC 8259, stricter: no duplicate keys, no unpaired surrogates,
/// no byte order mark, bounded). Keeps the bytes; values are read through `root`.
package struct JSONDocument: Sendable {
    let tape: JSONTape

    /// - Parameter limits: those for what is stored, unless the text comes from a client.
    package init(parsing bytes: [UInt8], limits: JSONLimits = .stored) throws(JSONError) {
        guard bytes.count <= min(limits.bytes, Int(UInt32.max) - 1) else {
            throw .tooLarge(limit: limits.bytes)
        }
        var parser = JSONParser(limits: limits, expecting: bytes.count)
        try parser.parse(bytes.span)
        tape = JSONTape(bytes: bytes, nodes: parser.nodes)
    }

    package init(
        parsing bytes: ArraySlice<UInt8>,
        limits: JSONLimits = .stored
    )
        throws(JSONError)
    {
        guard bytes.count <= limits.bytes else { throw .tooLarge(limit: limits.bytes) }
        try self.init(parsing: Array(bytes), limits: limits)
    }

    package init(parsing text: String, limits: JSONLimits = .stored) throws(JSONError) {
        try self.init(parsing: Array(text.utf8), limits: limits)
    }

    package var root: JSONView { JSONView(tape: tape, index: 0) }
    package var bytes: [UInt8] { tape.bytes }
}
