package import Primitives

/// Where an event stands in its partition: log index × 1,024 + its place in the entry.
/// One entry holds at most 1,024 events. Grows along every room's timeline.
package struct StreamPosition: Hashable, Comparable, Sendable, CustomStringConvertible {
    package static let eventsPerEntryMax = 1_024
    package let raw: UInt64
    package init(_ raw: UInt64) { self.raw = raw }
    package init(_ index: LogIndex, _ ordinal: Int) {
        precondition(ordinal < Self.eventsPerEntryMax, "an entry holds at most 1,024 events")
        raw = index.raw << 10 | UInt64(ordinal)
    }
    package static let zero = StreamPosition(0)
    package static let end = StreamPosition(.max)
    package var index: LogIndex { LogIndex(raw >> 10) }
    package var next: StreamPosition { StreamPosition(raw + 1) }
    /// The position after every event of entries up to and including `index`.
    package static func after(_ index: LogIndex) -> StreamPosition {
        StreamPosition((index.raw + 1) << 10)
    }
    package static func < (a: StreamPosition, b: StreamPosition) -> Bool { a.raw < b.raw }
    package var description: String { String(raw) }
}

/// Which partition a room, an account or an alias belongs to (architecture 2.3).
/// FNV-1a over the UTF-8 bytes: fixed for ever, drawn in `Specs/Formats/Keyspace.md`.
package struct PartitionMap: Sendable, Equatable {
    /// The configuration allows as many (`partitions.count`).
    package static let countMax = 4_095
    /// Data partitions, numbered 1 to `count`; 0 is the control plane.
    package let count: Int
    package init(count: Int) {
        precondition((1...Self.countMax).contains(count), "1 to 4,095 partitions")
        self.count = count
    }
    package func partition(of id: String) -> PartitionID {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in id.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        hash ^= hash >> 32
        return PartitionID(UInt16(hash % UInt64(count)) + 1)
    }
    package var all: [PartitionID] { (1...count).map { PartitionID(UInt16($0)) } }
}
