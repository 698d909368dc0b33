/// One value inside a `JSONDocument`: cheap to copy, keeps the document alive.
/// An accessor answers nil when the value is of another kind.
package struct JSONView: Sendable {
    let tape: JSONTape
    let index: Int

    @inline(__always) var node: JSONNode { tape.nodes[index] }

    package var kind: JSONKind { node.kind }
    package var isNull: Bool { node.kind == .null }
    package var isObject: Bool { node.kind == .object }
    package var isArray: Bool { node.kind == .array }

    package var bool: Bool? {
        guard node.kind == .bool else { return nil }
        return tape.bytes[Int(node.start)] == UInt8(ascii: "t")
    }

    /// The exact value when the number is an integer within ±(2^53−1) written without a
    /// fraction; nil for every other number.
    package var integer: Int64? {
        guard node.kind == .number else { return nil }
        return tape.integer(of: node)
    }

    /// The nearest `Double` of any number.
    package var double: Double? {
        guard node.kind == .number else { return nil }
        return tape.double(of: node)
    }

    package var string: String? {
        guard node.kind == .string else { return nil }
        if !node.flags.contains(.escaped) {
            return String(decoding: tape.bytes[node.range], as: UTF8.self)
        }
        return String(decoding: tape.text(of: node), as: UTF8.self)
    }

    /// The UTF-8 bytes of a string, escapes resolved.
    package var stringBytes: ArraySlice<UInt8>? {
        guard node.kind == .string else { return nil }
        if !node.flags.contains(.escaped) { return tape.bytes[node.range] }
        return tape.text(of: node)[...]
    }

    /// True when this is the string `text`, compared byte by byte.
    package func isString(_ text: StaticString) -> Bool {
        guard node.kind == .string else { return false }
        return text.withUTF8Buffer { matches(node, $0) }
    }

    /// The bytes of this value as they came, quotes and brackets included.
    package var rawBytes: ArraySlice<UInt8> {
        let quote = node.kind == .string ? 1 : 0
        return tape.bytes[Int(node.start) - quote..<Int(node.end) + quote]
    }

    /// The member's value; nil when there is none or this is no object.
    package subscript(_ key: StaticString) -> JSONView? {
        key.withUTF8Buffer { member($0) }
    }

    /// The member's value for a key known only at run time.
    @_disfavoredOverload
    package subscript(_ key: String) -> JSONView? {
        var key = key
        return key.withUTF8 { member($0) }
    }

    private func member(_ key: UnsafeBufferPointer<UInt8>) -> JSONView? {
        guard node.kind == .object else { return nil }
        return tape.nodes.withUnsafeBufferPointer { nodes in
            var cursor = index + 1
            let end = Int(nodes[index].next)
            while cursor < end {
                if matches(nodes[cursor], key) { return JSONView(tape: tape, index: cursor + 1) }
                cursor = Int(nodes[cursor + 1].next)
            }
            return nil
        }
    }

    @inline(__always)
    private func matches(_ node: JSONNode, _ text: UnsafeBufferPointer<UInt8>) -> Bool {
        if node.flags.contains(.escaped) { return matchesEscaped(node, text) }
        guard node.range.count == text.count else { return false }
        return tape.bytes.withUnsafeBufferPointer { bytes in
            let start = Int(node.start)
            for offset in 0..<text.count where bytes[start + offset] != text[offset] {
                return false
            }
            return true
        }
    }

    private func matchesEscaped(_ node: JSONNode, _ text: UnsafeBufferPointer<UInt8>) -> Bool {
        // An escape is longer than what it says, by six times at most.
        guard node.range.count > text.count, node.range.count <= 6 * text.count else {
            return false
        }
        return tape.text(of: node).elementsEqual(text)
    }
}

/// A key and its value.
package struct JSONMember: Sendable {
    /// The key as a string value.
    package let name: JSONView
    package let value: JSONView
    package var key: String { name.string ?? "" }
}

extension JSONView {
    /// The elements of an array, in order; empty for every other kind.
    package var elements: Elements { Elements(tape: tape, of: self) }

    /// The members of an object, in the order of the text; empty for every other kind.
    package var members: Members { Members(tape: tape, of: self) }

    /// The texts of an array of strings; nil when this is no array or holds anything else.
    package var strings: [String]? {
        guard isArray else { return nil }
        var all: [String] = []
        for element in elements {
            guard let text = element.string else { return nil }
            all.append(text)
        }
        return all
    }

    /// How many elements or members: a walk over them.
    package var count: Int {
        switch kind {
        case .array: elements.reduce(0) { count, _ in count + 1 }
        case .object: members.reduce(0) { count, _ in count + 1 }
        default: 0
        }
    }

    package struct Elements: Sequence, IteratorProtocol, Sendable {
        private let tape: JSONTape
        private var cursor: Int
        private let end: Int

        init(tape: JSONTape, of view: JSONView) {
            self.tape = tape
            cursor = view.index + 1
            end = view.kind == .array ? Int(view.node.next) : 0
        }

        package mutating func next() -> JSONView? {
            guard cursor < end else { return nil }
            defer { cursor = Int(tape.nodes[cursor].next) }
            return JSONView(tape: tape, index: cursor)
        }
    }

    package struct Members: Sequence, IteratorProtocol, Sendable {
        private let tape: JSONTape
        private var cursor: Int
        private let end: Int

        init(tape: JSONTape, of view: JSONView) {
            self.tape = tape
            cursor = view.index + 1
            end = view.kind == .object ? Int(view.node.next) : 0
        }

        package mutating func next() -> JSONMember? {
            guard cursor < end else { return nil }
            defer { cursor = Int(tape.nodes[cursor + 1].next) }
            return JSONMember(
                name: JSONView(tape: tape, index: cursor),
                value: JSONView(tape: tape, index: cursor + 1)
            )
        }
    }
}
