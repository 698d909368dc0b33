package import Primitives

/// A place between two events of a room, for `from`, `to`, `prev_batch`, `start` and `end`.
/// Text: `p`, the partition's number, a dot, the position. A stream token does as well.
package enum PageToken: Hashable, Sendable {
    /// Right before the event at this position of this partition, if there is one.
    case before(PartitionID, position: UInt64)
    case stream(StreamToken)

    package init?(_ text: String) {
        if let token = StreamToken(text) {
            self = .stream(token)
            return
        }
        guard text.utf8.count <= 32, text.utf8.first == UInt8(ascii: "p") else { return nil }
        let parts = text.dropFirst().split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let partition = UInt16(parts[0]), let position = UInt64(parts[1])
        else { return nil }
        self = .before(PartitionID(partition), position: position)
    }

    package var text: String {
        switch self {
        case .before(let partition, let position): "p\(partition.raw).\(position)"
        case .stream(let token): token.text
        }
    }

    /// The position in `partition`: events below it come before the place. Nil when the token
    /// says nothing of that partition.
    package func position(in partition: PartitionID) -> UInt64? {
        switch self {
        case .before(let own, let position): own == partition ? position : nil
        case .stream(let token): token[partition].map(positionAfter)
        }
    }
}

/// The position after every event of the entries up to and including `index`: an entry holds at
/// most 1,024 events, as in `Keyspace.StreamPosition`.
package func positionAfter(_ index: LogIndex) -> UInt64 { (index.raw + 1) << 10 }
