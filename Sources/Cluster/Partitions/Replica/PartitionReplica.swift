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
    /// The term this replica leads in, as far as it has taken note.
    var leadsIn: Term?
    /// The end of the log when this replica began to lead, or when it lost count of what is under
    /// way: it decides nothing before the rows hold that.
    var leadsFrom: LogIndex?
    /// The rows hold everything up to `leadsFrom`: decisions may rest on them.
    private var decides = false
    /// The outbox was read from the rows since this replica began to lead.
    private(set) var hasOutbox = false
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
    /// The tick of the last request for keys that was not answered yet.
    var askedForKeysAt: UInt64?

    /// Receipts that wait to go into one record.
    var receipts = CollectedReceipts()
    /// When the last record of receipts was proposed.
    var receiptsTick: UInt64?

    struct PendingCommand: Sendable {
        /// Who is to be answered: several where their commands went into one entry.
        var tokens: [UInt64]
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

    /// Leads, and its rows hold everything that was there before it led. What is applied but not
    /// written yet is not enough: nothing in memory stands for it.
    package var isReady: Bool { raft.isLeader && raft.term == leadsIn && decides }

    /// Whether it could decide once this turn's rows are written.
    var waitsForRows: Bool {
        guard !decides, raft.isLeader, let leadsFrom else { return false }
        return applied >= leadsFrom
    }

    /// The last turn's rows are written: the overlay that stood for them may go.
    /// Returns whether keys came with them.
    mutating func becomeVisible() throws -> Bool {
        visible = applied
        folder.written()
        homeserver.applied(upTo: visible)
        try decideIfVisible()
        if keyBlockFolded {
            keyBlockFolded = false
            askedForKeysAt = nil
            try homeserver.keyBlockArrived()
            return true
        }
        return false
    }

    /// A new term: everything that is in the log by now comes first.
    mutating func beginLeading() throws {
        leadsFrom = raft.last.index
        decides = false
        hasOutbox = false
        outbox = Outbox()
        try decideIfVisible()
    }

    /// A decision was not recorded, so memory is ahead of the log. The rows lag behind what is
    /// under way: nothing more is decided until they hold it.
    mutating func loseCount() throws {
        guard raft.isLeader else { return }
        leadsFrom = raft.last.index
        decides = false
        try decideIfVisible()
    }

    mutating func stopLeading() {
        leadsFrom = nil
        decides = false
        hasOutbox = false
        outbox = Outbox()
        homeserver.reset()
    }

    private mutating func decideIfVisible() throws {
        guard !decides, raft.isLeader, let leadsFrom, visible >= leadsFrom else { return }
        homeserver.reset()
        if !hasOutbox {
            // Messages that other partitions may not have folded yet. Those folded from here on
            // come with the entries that add them.
            outbox = Outbox()
            try homeserver.rows.rows.outbox { target, sequence, message in
                outbox.add(target, sequence, message)
                return true
            }
            hasOutbox = true
        }
        decides = true
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
    var underWay: [PartitionID: (sequence: UInt64, message: [UInt8])] = [:]
    /// Targets that could not take a message: not before the next tick.
    var resting: Set<PartitionID> = []
    /// Folded by the target, and how far that is recorded here.
    var delivered: [PartitionID: UInt64] = [:]
    var acknowledged: [PartitionID: UInt64] = [:]

    mutating func add(_ target: PartitionID, _ sequence: UInt64, _ message: [UInt8]) {
        waiting[target, default: []].append((sequence, message))
    }

    /// A target did not fold a message: it comes first again, after a rest.
    mutating func takeBack(_ slot: OutboxSlot) {
        guard let message = underWay[slot.target], message.sequence == slot.sequence else { return }
        underWay[slot.target] = nil
        waiting[slot.target, default: []].insert(message, at: 0)
        resting.insert(slot.target)
    }
}
