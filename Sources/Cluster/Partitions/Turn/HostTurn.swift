package import Homeserver
package import KeyValue
import Keyspace
import MatrixModel
import MessageLog
package import Primitives
import Projections
import Raft

/// What a turn is told of the world: the only clock it sees.
package struct Moment: Sendable {
    /// Milliseconds since 1970.
    package var wallMilliseconds: UInt64
    /// Counts Raft's ticks since the host started.
    package var tick: UInt64
    package init(wallMilliseconds: UInt64, tick: UInt64) {
        self.wallMilliseconds = wallMilliseconds
        self.tick = tick
    }
}

package struct HostSettings: Sendable {
    /// A partition asks for more keys when it has fewer IDs left than this.
    package var keysLow: UInt64 = 32
    package var keyBlock = 64
    /// Receipts of a partition make at most one record in this time: 200 ms.
    package var receiptTicks: UInt64 = 2
    /// Answers wait this long for other partitions to fold what they were told.
    package var spreadTicks: UInt64 = 10
    /// Commands that wait for keys are given up after this.
    package var parkedTicks: UInt64 = 50
    /// Rows of one pass, in bytes, before the entries still to be applied wait for the next: a
    /// long replay must not be held in memory whole.
    package var passRowBytes = 16 << 20
    package init() {}
}

/// What a batch allows once it is durable.
private struct BatchUnderWay: Sendable {
    /// What one replica appended, and owes once it is durable.
    struct Append: Sendable {
        var partition: PartitionID
        var acknowledgement: AppendAck
        var tail: LogTail
        /// Votes and acknowledgements for peers.
        var responses: [Message]
    }

    let id: UInt64
    var tasks: [Append] = []
    var answers: [HostAnswer] = []

    init(id: UInt64) { self.id = id }

    var isEmpty: Bool { tasks.isEmpty && answers.isEmpty }
}

/// A host's whole turn over its replicas, as a value (architecture 2.4): drain → step → merge →
/// hand over. A simulator can run this very code.
package struct HostTurn<
    LogStore: KeyValueReader,
    StateStore: KeyValueReader,
    Keys: KeyReader
>: Sendable {
    package typealias Replica = PartitionReplica<LogStore, StateStore, Keys>

    private var replicas = ReplicaTable<Replica>()
    let settings: HostSettings
    private var touched: Set<PartitionID> = []
    private var nextBatch: UInt64 = 1
    /// What each batch under way allows once it is durable, in order.
    private var underWay: [BatchUnderWay] = []
    /// Partitions where receipts wait.
    private var collecting: Set<PartitionID> = []
    /// Logs to trim in this pass.
    private var trims: [(partition: PartitionID, through: LogIndex, token: UInt64)] = []
    private var tick: UInt64 = 0
    /// Partitions whose rows were handed out by the last pass.
    private var unwritten: [PartitionID] = []
    private var acceptsProposals = true
    private var awaiting: [(partitions: [PartitionID], token: UInt64)] = []

    package init(settings: HostSettings = HostSettings()) { self.settings = settings }

    package mutating func add(_ replica: Replica) {
        touched.insert(replica.id)
        replicas.add(replica, as: replica.id)
        with(replica.id) { [acceptsProposals] in $0.raft.acceptsProposals = acceptsProposals }
    }

    /// Starts elections where this replica is the only voter: nobody else could.
    package mutating func campaign(_ partition: PartitionID) {
        with(partition) { $0.raft.campaign() }
        touched.insert(partition)
    }

    package mutating func isReady(_ partition: PartitionID) -> Bool {
        with(partition) { $0.isReady } ?? false
    }

    /// Every replica as it stands, by partition.
    package mutating func pictures() -> [PartitionPicture] {
        replicas.ids.compactMap { id in
            with(id) { replica in
                let status = replica.raft.status()
                return PartitionPicture(
                    partition: id,
                    term: status.term,
                    leader: status.leader,
                    isLeader: replica.raft.isLeader,
                    last: status.last.index,
                    committed: status.committed,
                    applied: replica.applied
                )
            }
        }
    }

    /// One pass. The rows of the last pass must be written by now. Throws only when the node must
    /// stop: its log or its rows cannot be trusted.
    package mutating func run(
        _ inputs: [HostInput],
        wallMilliseconds: UInt64
    ) throws -> HostOutput {
        var output = HostOutput()
        let moment = Moment(wallMilliseconds: wallMilliseconds, tick: tick)
        let written = unwritten
        unwritten.removeAll(keepingCapacity: true)
        for id in written {
            touched.insert(id)
            // Who waited comes before who is new.
            let keysArrived = try with(id) { try $0.becomeVisible() } ?? false
            try retry(id, keysArrived: keysArrived, moment, &output)
        }
        for input in inputs { try take(input, moment, &output) }
        try writeReceipts(Moment(wallMilliseconds: wallMilliseconds, tick: tick), &output)
        var log = LogBatch(id: nextBatch, rows: WriteBatch(), mustSync: false, entries: 0)
        var batch = BatchUnderWay(id: nextBatch)
        var seen: Set<PartitionID> = []
        var room = settings.passRowBytes
        while !touched.isEmpty {
            let now = touched.sorted()
            touched.removeAll(keepingCapacity: true)
            seen.formUnion(now)
            for id in now { try settle(id, moment, &room, &log, &batch, &output) }
            try pump(now, moment, &output)
        }
        for id in seen.sorted() {
            let isDue = with(id) { replica -> Bool? in
                guard replica.flushRows(&output) else { return nil }
                return replica.hasDueAfterWriting || replica.waitsForRows
            }
            guard let isDue = isDue ?? nil else { continue }
            unwritten.append(id)
            if isDue { output.wantsTurn = true }
        }
        var stillAwaiting: [(partitions: [PartitionID], token: UInt64)] = []
        for one in awaiting {
            if one.partitions.allSatisfy({ isReady($0) }) {
                output.answers.append(.read(token: one.token, .zero))
            } else {
                stillAwaiting.append(one)
            }
        }
        awaiting = stillAwaiting
        try trimLogs(&log, &batch, &output)
        if !batch.isEmpty {
            underWay.append(batch)
            nextBatch += 1
            output.log = log
        }
        return output
    }

    mutating func touch(_ id: PartitionID) { touched.insert(id) }

    /// Changes a replica in place.
    @discardableResult
    package mutating func with<Result>(
        _ id: PartitionID,
        _ body: (inout Replica) throws -> Result
    ) rethrows -> Result? {
        try replicas.with(id, body)
    }

    private mutating func take(
        _ input: HostInput,
        _ moment: Moment,
        _ output: inout HostOutput
    ) throws {
        switch input {
        case .command(let partition, let command, let token):
            guard replicas.contains(partition) else {
                output.answers.append(
                    .command(token: token, .unavailable("no replica of \(partition) here"))
                )
                return
            }
            try with(partition) {
                try $0.handle(command, token: token, moment, into: &output)
            }
            if case .setReceipts = command.action { collecting.insert(partition) }
            touched.insert(partition)
        case .read(let partition, let token):
            guard replicas.contains(partition) else {
                output.answers.append(.read(token: token, nil))
                return
            }
            with(partition) { $0.raft.readIndex(token: token) }
            touched.insert(partition)
        case .message(let partition, let message):
            do {
                try with(partition) { try $0.raft.step(message) }
            } catch StepError.unknownPeer, StepError.proposalDropped, StepError.malformed {
                // Makes no sense here: dropped, as if it had been lost on its way.
            }
            touched.insert(partition)
        case .awaitReady(let partitions, let token): awaiting.append((partitions, token))
        case .logSynced(let batch):
            while let first = underWay.first, first.id <= batch {
                underWay.removeFirst()
                output.answers += first.answers
                for task in first.tasks {
                    with(task.partition) {
                        $0.raft.reader.log.markDurable(task.tail)
                        $0.raft.appended(task.acknowledgement)
                    }
                    output.messages += task.responses.map { (task.partition, $0) }
                    touched.insert(task.partition)
                }
            }
        case .acceptProposals(let accepts):
            acceptsProposals = accepts
            for id in replicas.ids { with(id) { $0.raft.acceptsProposals = accepts } }
        case .tick: try onTick(moment, &output)
        case .trimLog(let partition, let index, let token):
            trims.append((partition, index, token))
        case .keysChanged(let destroyed):
            for id in replicas.ids {
                if !destroyed.isEmpty { with(id) { $0.homeserver.forgetKeys() } }
                try retry(id, keysArrived: true, moment, &output)
            }
        }
    }

    private mutating func writeReceipts(_ moment: Moment, _ output: inout HostOutput) throws {
        let ticks = settings.receiptTicks
        for id in collecting.sorted() {
            let isWaiting = try with(id) {
                try $0.writeReceipts(every: ticks, moment, into: &output)
            }
            if isWaiting != true { collecting.remove(id) }
            touched.insert(id)
        }
    }

    private mutating func trimLogs(
        _ log: inout LogBatch,
        _ batch: inout BatchUnderWay,
        _ output: inout HostOutput
    ) throws {
        let due = trims
        trims = []
        for trim in due {
            let isTrimmed = try with(trim.partition) { replica in
                guard trim.through <= replica.visible else { return false }
                do throws(LogError) {
                    try replica.raft.reader.log.truncatePrefix(
                        through: trim.through,
                        into: &log.rows
                    )
                } catch LogError.damaged {
                    // The record it would begin behind cannot be read: the log stays as it is.
                    return false
                }
                return true
            }
            guard isTrimmed == true else {
                output.answers.append(.read(token: trim.token, nil))
                continue
            }
            log.mustSync = true
            batch.answers.append(.read(token: trim.token, trim.through))
        }
    }

    private mutating func onTick(_ moment: Moment, _ output: inout HostOutput) throws {
        tick += 1
        for id in replicas.ids {
            with(id) { [tick, settings] replica in
                replica.raft.tick()
                replica.outbox.resting.removeAll()
                replica.releaseLate(tick, after: settings.spreadTicks, &output)
                replica.giveUp(tick, after: settings.parkedTicks, &output)
            }
            touched.insert(id)
        }
    }

    /// Does everything a replica owes until it owes nothing more.
    private mutating func settle(
        _ id: PartitionID,
        _ moment: Moment,
        _ room: inout Int,
        _ log: inout LogBatch,
        _ batch: inout BatchUnderWay,
        _ output: inout HostOutput
    ) throws {
        try with(id) { replica in
            let before = replica.folder.batch.byteSize
            defer { room -= replica.folder.batch.byteSize - before }
            while replica.raft.hasReady {
                if replica.folder.batch.byteSize - before > max(room, 0) {
                    output.wantsTurn = true
                    break
                }
                let ready = replica.raft.takeReady()
                try replica.noteRole(&output)
                for read in ready.readStates { replica.reads.append((read.token, read.index)) }
                for token in ready.droppedReads {
                    output.answers.append(.read(token: token, nil))
                }
                output.messages.append(contentsOf: ready.messages.map { (id, $0) })
                if let task = ready.append {
                    try replica.write(task, moment, into: &log)
                    batch.tasks.append(
                        BatchUnderWay.Append(
                            partition: id,
                            acknowledgement: task.acknowledgement,
                            tail: replica.raft.reader.log.tail,
                            responses: task.responses
                        )
                    )
                }
                if let task = ready.apply { try replica.apply(task, moment, into: &output) }
            }
            if let index = replica.raft.faultAt {
                throw UnfoldableRecord(partition: id, index: index)
            }
            replica.releaseReads(&output)
            replica.releaseRepeats(&output)
        }
        try retry(id, keysArrived: false, moment, &output)
    }

    private mutating func retry(
        _ id: PartitionID,
        keysArrived: Bool,
        _ moment: Moment,
        _ output: inout HostOutput
    ) throws {
        for due in with(id, { $0.takeDue(keysArrived: keysArrived) }) ?? [] {
            try with(id) {
                try $0.handle(
                    due.command,
                    token: due.token,
                    delivery: due.delivery,
                    moment,
                    into: &output
                )
            }
            touched.insert(id)
        }
    }
}
