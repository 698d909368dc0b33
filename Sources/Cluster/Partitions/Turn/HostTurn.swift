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
    /// Answers wait this long for other partitions to fold what they were told.
    package var spreadTicks: UInt64 = 10
    /// Commands that wait for keys are given up after this.
    package var parkedTicks: UInt64 = 50
    package init() {}
}

/// A host's whole turn over its replicas, as a value (architecture 2.4): drain → step → merge →
/// hand over. The simulator runs this very code.
package struct HostTurn<
    LogStore: KeyValueReader,
    StateStore: KeyValueReader,
    Keys: KeyReader
>: Sendable {
    package typealias Replica = PartitionReplica<LogStore, StateStore, Keys>

    package internal(set) var replicas: [PartitionID: Replica] = [:]
    let settings: HostSettings
    private var touched: Set<PartitionID> = []
    private var nextBatch: UInt64 = 1
    /// What each batch under way allows once it is durable, in order.
    private var underWay: [(batch: UInt64, tasks: [(PartitionID, AppendAck, LogTail)])] = []
    private var tick: UInt64 = 0
    /// Partitions whose rows were handed out by the last pass.
    private var unwritten: [PartitionID] = []
    private var awaiting: [(partitions: [PartitionID], token: UInt64)] = []
    private var acceptsProposals = true
    /// Messages between partitions to hand over again with the next tick: a core that refused one
    /// refuses it again in the same breath.
    var refused: [(Delivery, PartitionID)] = []

    package init(settings: HostSettings = HostSettings()) { self.settings = settings }

    package mutating func add(_ replica: Replica) {
        precondition(replicas[replica.id] == nil, "a node has one replica of a partition")
        replicas[replica.id] = replica
        replicas[replica.id]?.raft.acceptsProposals = acceptsProposals
        touched.insert(replica.id)
    }

    /// Starts elections where this replica is the only voter: nobody else could.
    package mutating func campaign(_ partition: PartitionID) {
        replicas[partition]?.raft.campaign()
        touched.insert(partition)
    }

    package func isReady(_ partition: PartitionID) -> Bool {
        replicas[partition]?.isReady ?? false
    }

    package var allReady: Bool { replicas.values.allSatisfy(\.isReady) }

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
            let keysArrived = try with(id) { try $0.becomeVisible() } ?? false
            if keysArrived { try retry(id, keysArrived: true, moment, &output) }
        }
        for input in inputs { try take(input, moment, &output) }
        var log = LogBatch(id: nextBatch, rows: WriteBatch(), mustSync: false, entries: 0)
        var tasks: [(PartitionID, AppendAck, LogTail)] = []
        var seen: Set<PartitionID> = []
        while !touched.isEmpty {
            let now = touched.sorted()
            touched.removeAll(keepingCapacity: true)
            seen.formUnion(now)
            for id in now { try settle(id, moment, &log, &tasks, &output) }
            try pump(now, moment, &output)
        }
        for id in seen.sorted() {
            guard let hadRows = replicas[id]?.flushRows(&output), hadRows else { continue }
            unwritten.append(id)
            if replicas[id]?.hasDueAfterWriting == true { output.wantsTurn = true }
        }
        var stillAwaiting: [(partitions: [PartitionID], token: UInt64)] = []
        for one in awaiting {
            if one.partitions.allSatisfy(isReady) {
                output.answers.append(.read(token: one.token, .zero))
            } else {
                stillAwaiting.append(one)
            }
        }
        awaiting = stillAwaiting
        if !tasks.isEmpty {
            underWay.append((log.id, tasks))
            nextBatch += 1
            output.log = log
        }
        return output
    }

    mutating func touch(_ id: PartitionID) { touched.insert(id) }

    /// Changes a replica in place.
    mutating func with<Result>(
        _ id: PartitionID,
        _ body: (inout Replica) throws -> Result
    ) rethrows -> Result? {
        guard let index = replicas.index(forKey: id) else { return nil }
        return try body(&replicas.values[index])
    }

    private mutating func take(
        _ input: HostInput,
        _ moment: Moment,
        _ output: inout HostOutput
    ) throws {
        switch input {
        case .command(let partition, let command, let token):
            guard replicas[partition] != nil else {
                output.answers.append(
                    .command(token: token, .unavailable("no replica of \(partition) here"))
                )
                return
            }
            try replicas[partition]?.handle(command, token: token, moment, into: &output)
            touched.insert(partition)
        case .read(let partition, let token):
            guard replicas[partition] != nil else {
                output.answers.append(.read(token: token, nil))
                return
            }
            replicas[partition]?.raft.readIndex(token: token)
            touched.insert(partition)
        case .awaitReady(let partitions, let token): awaiting.append((partitions, token))
        case .logSynced(let batch):
            while let first = underWay.first, first.batch <= batch {
                underWay.removeFirst()
                for (partition, ack, last) in first.tasks {
                    replicas[partition]?.raft.reader.log.markDurable(last)
                    replicas[partition]?.raft.appended(ack)
                    touched.insert(partition)
                }
            }
        case .acceptProposals(let accepts):
            acceptsProposals = accepts
            for id in replicas.keys.sorted() { replicas[id]?.raft.acceptsProposals = accepts }
        case .tick: try onTick(moment, &output)
        case .keysChanged(let destroyed):
            for id in replicas.keys.sorted() {
                if !destroyed.isEmpty { replicas[id]?.homeserver.forgetKeys() }
                try retry(id, keysArrived: true, moment, &output)
            }
        }
    }

    private mutating func onTick(_ moment: Moment, _ output: inout HostOutput) throws {
        tick += 1
        for (delivery, target) in refused {
            let slot = OutboxSlot(target: target, sequence: delivery.sequence)
            replicas[delivery.source]?.outbox.handOverAgain(slot)
        }
        refused = []
        for id in replicas.keys.sorted() {
            replicas[id]?.raft.tick()
            replicas[id]?.releaseLate(tick, after: settings.spreadTicks, &output)
            replicas[id]?.giveUp(tick, after: settings.parkedTicks, &output)
            touched.insert(id)
        }
    }

    /// Does everything a replica owes until it owes nothing more.
    private mutating func settle(
        _ id: PartitionID,
        _ moment: Moment,
        _ log: inout LogBatch,
        _ tasks: inout [(PartitionID, AppendAck, LogTail)],
        _ output: inout HostOutput
    ) throws {
        try with(id) { replica in
            while replica.raft.hasReady {
                let ready = replica.raft.takeReady()
                if let soft = ready.softState { try replica.note(soft, &output) }
                for read in ready.readStates { replica.reads.append((read.token, read.index)) }
                for token in ready.droppedReads {
                    output.answers.append(.read(token: token, nil))
                }
                output.messages.append(contentsOf: ready.messages.map { (id, $0) })
                if let task = ready.append {
                    try replica.write(task, moment, into: &log)
                    tasks.append((id, task.acknowledgement, replica.raft.reader.log.tail))
                }
                if let task = ready.apply { try replica.apply(task, moment, into: &output) }
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
        for due in replicas[id]?.takeDue(keysArrived: keysArrived) ?? [] {
            try replicas[id]?.handle(
                due.command,
                token: due.token,
                delivery: due.delivery,
                moment,
                into: &output
            )
            touched.insert(id)
        }
    }
}
