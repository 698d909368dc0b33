package import Homeserver
package import KeyValue
import Keyspace
import MatrixModel
import MessageLog
package import Primitives
package import Projections
package import Raft

/// One node's copy of one partition: Raft, the log, the leader's decisions and the rows, as one
/// value that is stepped (architecture 2.4). It never waits: what it owes goes out with the turn.
package struct PartitionReplica<
    LogStore: KeyValueReader,
    StateStore: KeyValueReader,
    Keys: KeyReader
>: Sendable {
    package let id: PartitionID
    package var raft: RaftNode<ReplicaLog<LogStore>>
    package var homeserver: Homeserver<RowReader<StateStore>, Keys>
    package var folder: Folder<StateStore>
    var clock: HybridClock
    /// Index of the first entry of the term this replica leads in; it decides nothing before that
    /// is applied.
    var leadsFrom: LogIndex?
    /// Commands whose entry is under way, by index.
    var pending: [LogIndex: PendingCommand] = [:]
    /// Facts by index, so that the leader need not decode what it just made.
    var madeHere: [LogIndex: (term: Term, facts: [Fact], clock: HybridTimestamp)] = [:]
    /// Commands to decide again once an index is applied, or keys are there.
    var deferred: [DeferredCommand] = []
    /// Answers known but not yet due: the entry they repeat is not applied.
    var repeats: [(token: UInt64, answer: CommandAnswer, after: LogIndex)] = []
    /// Reads that wait for an index to be applied.
    var reads: [(token: UInt64, index: LogIndex)] = []
    /// Answers that wait (at most a second) for other partitions to fold what this one told them.
    var spreading: [SpreadingAnswer] = []
    var outbox = Outbox()
    package internal(set) var applied: LogIndex
    /// Rows up to here are written: decisions that depend on rows see them.
    var visible: LogIndex
    /// A block of keys was folded and its row is not written yet.
    var keyBlockFolded = false
    var hasAskedForKeys = false

    struct PendingCommand: Sendable {
        var token: UInt64?
        var term: Term
        var answer: CommandAnswer
        var origin: Delivery?
    }

    struct DeferredCommand: Sendable {
        var command: Command
        var token: UInt64?
        /// Nil: until keys arrive.
        var until: LogIndex?
        var sinceTick: UInt64
        var delivery: Delivery?
    }

    struct SpreadingAnswer: Sendable {
        var token: UInt64
        var answer: CommandAnswer
        var index: LogIndex
        var waitingFor: Set<OutboxSlot>
        var sinceTick: UInt64
    }

    package init(
        id: PartitionID,
        raft: consuming RaftNode<ReplicaLog<LogStore>>,
        homeserver: Homeserver<RowReader<StateStore>, Keys>,
        folder: Folder<StateStore>,
        clock: HybridClock,
        applied: LogIndex
    ) {
        self.id = id
        self.raft = raft
        self.homeserver = homeserver
        self.folder = folder
        self.clock = clock
        self.applied = applied
        visible = applied
    }

    /// Leads, and the rows of everything that was there before it led are written: decisions look
    /// at rows, and no overlay stands for those that a start folds.
    package var isReady: Bool {
        guard raft.isLeader, let leadsFrom else { return false }
        return visible >= leadsFrom
    }

    /// Ready as soon as this turn's rows are written.
    var isReadyAfterWriting: Bool {
        guard raft.isLeader, let leadsFrom else { return false }
        return applied >= leadsFrom && visible < leadsFrom
    }

    /// The last turn's rows are written: the overlay that stood for them may go.
    /// Returns whether keys came with them.
    mutating func becomeVisible() throws -> Bool {
        visible = applied
        folder.written()
        homeserver.applied(upTo: visible)
        if keyBlockFolded {
            keyBlockFolded = false
            hasAskedForKeys = false
            try homeserver.keyBlockArrived()
            return true
        }
        return false
    }
}

/// A message's place in the outbox of one partition.
package struct OutboxSlot: Hashable, Sendable {
    package var target: PartitionID
    package var sequence: UInt64
}

/// Where a command that another partition's outbox sent came from.
package struct Delivery: Hashable, Sendable {
    package var source: PartitionID
    package var sequence: UInt64
}

/// What other partitions still have to fold of this one's messages, in memory on its leader.
struct Outbox: Sendable {
    /// Messages not yet handed over, per target, in order.
    var waiting: [PartitionID: [(sequence: UInt64, message: [UInt8])]] = [:]
    /// The message a target is folding now: one at a time keeps the order.
    var underWay: [PartitionID: UInt64] = [:]
    /// The last message that each target was given since this replica leads. What lies before the
    /// first was acknowledged: its row is gone.
    var handedOver: [PartitionID: UInt64] = [:]
    /// Folded by the target, and how far that is recorded here.
    var delivered: [PartitionID: UInt64] = [:]
    var acknowledged: [PartitionID: UInt64] = [:]

    mutating func add(_ target: PartitionID, _ sequence: UInt64, _ message: [UInt8]) {
        waiting[target, default: []].append((sequence, message))
    }
}
