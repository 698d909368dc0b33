package import Homeserver
package import KeyValue
package import MatrixModel
package import MessageLog
package import Primitives
package import Projections
package import Raft

/// What a host is told.
package enum HostInput: Sendable {
    /// A command for a partition; the answer comes back under `token`.
    case command(PartitionID, Command, token: UInt64)
    /// From another replica of the partition.
    case message(PartitionID, Message)
    /// A linearizable read wants to know when this replica has caught up (ReadIndex).
    case read(PartitionID, token: UInt64)
    /// Answered (as a read at index 0) once this replica leads all of these partitions and has
    /// applied what they had.
    case awaitReady([PartitionID], token: UInt64)
    /// The storage thread has this batch, and every one before it, on disk.
    case logSynced(batch: UInt64)
    /// Raft's unit of time has passed.
    case tick
    /// Removes a partition's records up to and including an index, once its rows and what stays of
    /// its log say the same. Answered (as a read at that index) when that is on disk.
    case trimLog(PartitionID, through: LogIndex, token: UInt64)
    /// Commands that waited for keys may go on.
    case keysChanged([UInt64])
}

/// What became of a command, for whoever sent it.
package enum CommandOutcome: Sendable {
    /// Applied at this index of its partition.
    case answered(CommandAnswer, LogIndex)
    case rejected(MatrixError)
    /// Nothing happened; try again. The text says why, in words for a log.
    case unavailable(String)
    /// It may have happened: ask again under the same command ID.
    case outcomeUnknown
}

/// A start met a damaged record that its rows must still be folded from: it cannot get past it.
package struct UnfoldableRecord: Error, Sendable {
    package var partition: PartitionID
    package var index: LogIndex
}

package enum HostAnswer: Sendable {
    case command(token: UInt64, CommandOutcome)
    /// Applied at least as far as the read needs; `nil` when this replica cannot tell.
    case read(token: UInt64, LogIndex?)
}

/// What a replica applied in one turn.
package struct AppliedChanges: Sendable {
    package var partition: PartitionID
    package var applied: LogIndex
    package var changes: [Change]
}

/// One batch for the log database: everything all partitions owe the disk in a turn.
package struct LogBatch: Sendable {
    package var id: UInt64
    package var rows: WriteBatch
    /// Whether anything but commit indexes is in it.
    package var mustSync: Bool
    package var entries: Int
    /// Where each partition in it ends: for the mark.
    package var marks: [MarkEntry] = []
}

/// Everything a turn owes the world, in the order it must be done: `log` goes to the storage
/// thread, `state` is written (no sync: the log has it), then answers leave and waiters wake.
package struct HostOutput: Sendable {
    package var log: LogBatch?
    package var state: WriteBatch = WriteBatch()
    package var answers: [HostAnswer] = []
    package var applied: [AppliedChanges] = []
    /// For other nodes: may leave at once. What rests on a batch comes out of the turn that is
    /// told that the batch is durable.
    package var messages: [(PartitionID, Message)] = []
    /// Entries applied in this turn.
    package var appliedEntries = 0
    /// Something waits for this turn's rows only: run again once they are written.
    package var wantsTurn = false
    /// Messages between partitions that need no more work, as (where from, where folded).
    var settled: [(Delivery, PartitionID)] = []
    /// Messages between partitions that were not folded, and come again.
    var refused: [(Delivery, PartitionID)] = []
}
