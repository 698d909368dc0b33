/// The place a state event fills: its type and state key, compared byte by byte. A dictionary
/// keyed by `String`s would take two spellings of one character for the same key.
package struct StateSlot: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let type: String
    package let key: String

    package init(_ type: String, _ key: String = "") {
        self.type = type
        self.key = key
    }

    package var description: String { "\(type)|\(key)" }

    package static func == (a: StateSlot, b: StateSlot) -> Bool {
        a.key.sameBytes(as: b.key) && a.type.sameBytes(as: b.type)
    }

    /// By type, then by key.
    package static func < (a: StateSlot, b: StateSlot) -> Bool {
        a.type.sameBytes(as: b.type)
            ? a.key.precedesInBytes(b.key) : a.type.precedesInBytes(b.type)
    }

    package func hash(into hasher: inout Hasher) {
        type.hashBytes(into: &hasher)
        // No byte of UTF-8 is 0xFF: the two texts cannot run into one another.
        hasher.combine(0xFF as UInt8)
        key.hashBytes(into: &hasher)
    }
}

extension PDU {
    /// Nil for an event that is no state.
    package var stateSlot: StateSlot? { stateKey.map { StateSlot(type, $0) } }
}
