/// Numbers with names: each type below wraps one integer so that an index cannot be passed
/// where a term is meant. All are big-endian on disk, so that key order is number order.

/// A position in one partition's log. The first record has index 1; 0 means "before the log".
package struct LogIndex: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let raw: UInt64
    @inlinable package init(_ raw: UInt64) { self.raw = raw }
    package static let zero = LogIndex(0)
    @inlinable package var next: LogIndex { LogIndex(raw + 1) }
    /// The index before this one. Must not be called on zero.
    @inlinable package var previous: LogIndex {
        precondition(raw > 0, "no index before zero")
        return LogIndex(raw - 1)
    }
    @inlinable package static func < (a: LogIndex, b: LogIndex) -> Bool { a.raw < b.raw }
    @inlinable package func advanced(by count: Int) -> LogIndex { LogIndex(raw + UInt64(count)) }
    package var description: String { String(raw) }
}

/// A Raft term. Term 0 comes before the first election.
package struct Term: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let raw: UInt64
    @inlinable package init(_ raw: UInt64) { self.raw = raw }
    package static let zero = Term(0)
    @inlinable package var next: Term { Term(raw + 1) }
    @inlinable package static func < (a: Term, b: Term) -> Bool { a.raw < b.raw }
    package var description: String { String(raw) }
}

/// One node's copy of one partition. Never reused; 0 means "nobody".
package struct ReplicaID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let raw: UInt64
    @inlinable package init(_ raw: UInt64) { self.raw = raw }
    package static let none = ReplicaID(0)
    @inlinable package static func < (a: ReplicaID, b: ReplicaID) -> Bool { a.raw < b.raw }
    package var description: String { String(raw) }
}

/// One `warblerd` process of the cluster. 0 means "nobody".
package struct NodeID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let raw: UInt32
    @inlinable package init(_ raw: UInt32) { self.raw = raw }
    @inlinable package static func < (a: NodeID, b: NodeID) -> Bool { a.raw < b.raw }
    package var description: String { String(raw) }
}

/// A unit of ordering and placement: one Raft group.
package struct PartitionID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let raw: UInt16
    @inlinable package init(_ raw: UInt16) { self.raw = raw }
    /// The control plane.
    package static let control = PartitionID(0)
    /// The partition that holds room, user and server keys.
    package static let keys = PartitionID(0xFFFF)
    @inlinable package static func < (a: PartitionID, b: PartitionID) -> Bool { a.raw < b.raw }
    package var description: String { self == .keys ? "keys" : String(raw) }
}

/// 128 bits that name one command: a retry carries the same value and gets the same answer.
package struct CommandID: Hashable, Sendable, CustomStringConvertible {
    package let high: UInt64
    package let low: UInt64
    @inlinable package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
    package var description: String { hex(high) + hex(low) }
}

private func hex(_ value: UInt64) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: 16 - text.count) + text
}
