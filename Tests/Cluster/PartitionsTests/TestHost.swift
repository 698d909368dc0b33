import Encryption
import Homeserver
import KeyValue
import Keyspace
import MatrixModel
import MessageLog
import MultiRaft
import Partitions
import Primitives
import Projections
import Raft

/// The two stores of a node, as the power leaves them.
struct Disks {
    let log: MemoryKeyValueStore
    let state: MemoryKeyValueStore

    init() {
        log = MemoryKeyValueStore(families: LogFamilies.all + [.default], durability: .synced)
        state = MemoryKeyValueStore(families: [.state], durability: .noWAL())
    }

    private init(_ log: MemoryKeyValueStore, _ state: MemoryKeyValueStore) {
        self.log = log
        self.state = state
    }

    /// Stores of their own that hold the same.
    func copy(_ name: String) throws -> Disks {
        try log.checkpoint(to: name)
        try state.checkpoint(to: name)
        return Disks(try log.openCheckpoint(name), try state.openCheckpoint(name))
    }

    func crash() {
        log.crash()
        state.crash()
    }
}

/// A host and its disks in one thread. What it does to the world are steps, and the power may fail
/// before any of them.
struct TestHost {
    typealias Store = MemoryKeyValueStore
    typealias Turn = HostTurn<Store, Store, KeyDirectory<Store>>

    struct PowerCut: Error {}
    /// What was waited for never came.
    struct Stuck: Error {}

    static let name = "t.example"

    let disks: Disks
    let map = PartitionMap(count: 3)
    private var turn = Turn()
    private var inputs: [HostInput] = []
    private var answers: [UInt64: CommandOutcome] = [:]
    private var nextToken: UInt64 = 1
    private var milliseconds: UInt64
    private var generator: SeededGenerator
    /// One in so many writes of rows is followed by a flush.
    private let flushOneIn: UInt64
    /// Steps until the power fails.
    var stepsLeft = Int.max

    /// Recovers what is on the disks and leads all partitions.
    init(
        _ disks: Disks,
        seed: UInt64,
        flushOneIn: UInt64 = 3,
        milliseconds: UInt64 = 1_700_000_000_000
    ) throws {
        self.disks = disks
        self.flushOneIn = flushOneIn
        self.milliseconds = milliseconds
        generator = SeededGenerator(seed: seed)
        let root = SecretKey([UInt8](repeating: 7, count: 32))
        let ring = KeyRing.create(root: root, milliseconds: 1) { count in
            [UInt8](repeating: 9, count: count)
        }
        let keys = KeyDirectory(store: disks.state, ring: ring)
        for partition in partitions {
            turn.add(try replica(partition, keys))
            turn.campaign(partition)
        }
        try run { host in
            var turn = host.turn
            return host.partitions.allSatisfy { turn.isReady($0) }
        }
    }

    var partitions: [PartitionID] { [.control, .keys] + map.all }

    private mutating func replica(
        _ partition: PartitionID,
        _ keys: KeyDirectory<Store>
    ) throws -> Turn.Replica {
        let recovered = try MessageLog.recover(partition, from: disks.log, mark: nil)
        let rows = StateReader(partition, disks.state)
        let applied = try rows.applied ?? AppliedRow(index: .zero, term: .zero, clock: .zero)
        let configuration = VoterConfiguration(voters: [ReplicaID(1)])
        let raft = try RaftNode(
            settings: RaftSettings(id: ReplicaID(1), seed: generator.next()),
            hardState: HardState(
                term: max(recovered.log.hardState.term, recovered.log.lastTerm),
                vote: recovered.log.hardState.vote,
                commit: applied.index
            ),
            configuration: configuration,
            applied: applied.index,
            log: ReplicaLog(recovered.log, configuration: configuration)
        )
        guard let signing = SigningKey(version: "1", seed: [UInt8](repeating: 3, count: 32)) else {
            preconditionFailure("32 bytes are a seed")
        }
        let seed = (0..<4).flatMap { _ in
            withUnsafeBytes(of: generator.next()) { Array($0) }
        }
        return Turn.Replica(
            id: partition,
            raft: raft,
            homeserver: Homeserver(
                partition: partition,
                map: map,
                builder: EventBuilder(
                    server: ServerName(trusted: Self.name),
                    signingKey: signing
                ),
                reader: RowReader(rows),
                keys: keys,
                random: RandomStream(seed: seed)
            ),
            folder: Folder(partition: partition, store: disks.state),
            clock: HybridClock(last: max(applied.clock, recovered.log.tail.clock)),
            applied: applied.index
        )
    }

    // MARK: Turns

    /// The power may fail before what follows.
    private mutating func step() throws {
        guard stepsLeft > 0 else { throw PowerCut() }
        stepsLeft -= 1
    }

    /// One turn and what it owes. Returns whether anything was to be done.
    @discardableResult
    mutating func pass() throws -> Bool {
        let given = inputs
        inputs = []
        milliseconds += 10
        let output = try turn.run(given, wallMilliseconds: milliseconds)
        // The log has a thread of its own: it may be done before the rows are written, or after.
        let logIsFirst = generator.next() % 2 == 0
        if logIsFirst { try write(output.log) }
        if !output.state.isEmpty {
            try step()
            try disks.state.write(output.state, sync: false)
            if generator.next() % flushOneIn == 0 { try disks.state.flush(wait: true) }
        }
        if !logIsFirst { try write(output.log) }
        for answer in output.answers {
            guard case .command(let token, let outcome) = answer else { continue }
            try step()
            answers[token] = outcome
        }
        return !given.isEmpty || !inputs.isEmpty || output.wantsTurn
    }

    private mutating func write(_ batch: LogBatch?) throws {
        guard let batch else { return }
        try step()
        try disks.log.write(batch.rows, sync: batch.mustSync)
        inputs.append(.logSynced(batch: batch.id))
    }

    /// Turns until something holds; time passes while there is nothing else to do.
    mutating func run(until isDone: (inout Self) throws -> Bool) throws {
        for _ in 0..<5_000 {
            if try isDone(&self) { return }
            if try !pass() { inputs.append(.tick) }
        }
        throw Stuck()
    }

    mutating func put(_ input: HostInput) { inputs.append(input) }

    mutating func submit(_ command: Command, to partition: PartitionID) -> UInt64 {
        defer { nextToken += 1 }
        inputs.append(.command(partition, command, token: nextToken))
        return nextToken
    }

    /// A command's outcome, asked for again while there is none to be had.
    mutating func perform(_ command: Command, in partition: PartitionID) throws -> CommandOutcome {
        while true {
            let token = submit(command, to: partition)
            switch try outcome(of: token) {
            case .unavailable, .outcomeUnknown: continue
            case let settled: return settled
            }
        }
    }

    mutating func outcome(of token: UInt64) throws -> CommandOutcome {
        try run { $0.answers[token] != nil }
        guard let outcome = answers[token] else { throw Stuck() }
        return outcome
    }

    // MARK: Looking

    func reader(_ partition: PartitionID) -> StateReader<Store> {
        StateReader(partition, disks.state)
    }

    func home(of id: String) -> StateReader<Store> { reader(map.partition(of: id)) }

    /// Turns until every message has reached its target and every partition has keys.
    mutating func settle() throws { try run { try $0.isSettled() } }

    private func isSettled() throws -> Bool {
        guard inputs.isEmpty else { return false }
        for source in partitions {
            let from = reader(source)
            for target in partitions {
                let sent = try from.counter(from.keys.outboxNext(target))
                let to = reader(target)
                guard try to.counter(to.keys.inboxSequence(source)) == sent else { return false }
            }
            guard map.all.contains(source) else { continue }
            let keys = try from.keyBlock().ranges.reduce(0) { $0 + $1.count }
            guard keys >= HostSettings().keysLow else { return false }
        }
        return true
    }

    /// Every fact that was ever recorded, in the order of each partition's log.
    func recorded() throws -> [(partition: PartitionID, fact: Fact)] {
        var facts: [(partition: PartitionID, fact: Fact)] = []
        for partition in partitions {
            let log = try MessageLog.recover(partition, from: disks.log, mark: nil).log
            let range = log.firstIndex..<log.lastIndex.next
            guard !range.isEmpty else { continue }
            for entry in try log.entries(range, maxBytes: .max) where !entry.body.isEmpty {
                facts += try EntryBody.decode(entry.body[...]).map { (partition, $0) }
            }
        }
        return facts
    }
}
