import Primitives
import Raft

/// A violated claim.
struct Violation: Error, CustomStringConvertible {
    var description: String
}

/// One replica with a disk that loses what was not synced and a state machine that lags.
final class SimulatedReplica {
    let id: ReplicaID
    var node: RaftNode<MemoryLog>?
    /// What a crash leaves. The node's own reader may already show more.
    var disk: MemoryLog
    var appendTasks: [AppendTask] = []
    /// Done but not synced: commit indexes only.
    var unsynced: [AppendTask] = []
    var applyTasks: [ApplyTask] = []
    /// What the state machine holds, and what of it survives a crash.
    var applied = LogIndex.zero
    var flushed = LogIndex.zero
    /// The members after each applied change.
    var configurations: [(index: LogIndex, configuration: VoterConfiguration)]
    var highestTerm = Term.zero
    var highestCommit = LogIndex.zero

    init(_ id: ReplicaID, members: VoterConfiguration) {
        self.id = id
        disk = MemoryLog()
        configurations = [(.zero, members)]
    }

    func configuration(at index: LogIndex) -> VoterConfiguration {
        configurations.last { $0.index <= index }!.configuration
    }
}

/// Replicas, a lossy network and a scheduler driven by one seed. After every event the claims of
/// Raft are checked against all that ever happened.
final class RandomCluster {
    struct Options {
        var replicas = 3
        var steps = 4_000
        var loss = 5
        var duplication = 5
        var changesMembers = true
        var showsWritesEarly = false
        var checkQuorum = true
        /// At most so many ticks at once: high, and clocks run unevenly.
        var ticks = 1
        var plantedFault: PlantedFault?
    }

    private var random: SeededGenerator
    private let options: Options
    private(set) var replicas: [SimulatedReplica] = []
    private var network: [Message] = []
    private var partition: Set<ReplicaID> = []
    private let firstMembers: VoterConfiguration
    private var nextID: UInt64
    private var nextPayload: UInt64 = 0
    private var nextToken: UInt64 = 0

    // What happened so far.
    private var leaders: [Term: ReplicaID] = [:]
    private(set) var committed: [Entry] = []
    /// Where the log was known to be committed when a read was asked for.
    private var reads: [UInt64: LogIndex] = [:]
    private(set) var readsAnswered = 0
    private(set) var crashes = 0
    private(set) var changes = 0
    private(set) var snapshots = 0

    init(seed: UInt64, options: Options) throws {
        random = SeededGenerator(seed: seed)
        self.options = options
        nextID = UInt64(options.replicas) + 1
        let ids = (1...options.replicas).map { ReplicaID(UInt64($0)) }
        firstMembers = VoterConfiguration(voters: ids)
        for id in ids {
            replicas.append(SimulatedReplica(id, members: VoterConfiguration(voters: ids)))
            try start(replicas[replicas.count - 1])
        }
    }

    private func below(_ limit: Int) -> Int { Int(random.next() % UInt64(limit)) }
    private func chance(_ percent: Int) -> Bool { below(100) < percent }

    private func start(_ replica: SimulatedReplica) throws {
        var settings = RaftSettings(id: replica.id, seed: random.next())
        settings.electionTicks = 8
        settings.heartbeatTicks = 2
        settings.maxMessageBytes = 120
        settings.maxInflightMessages = 4
        settings.maxInflightBytes = 200
        settings.maxApplyingBytes = 200
        settings.preVote = replica.id.raw % 4 != 0
        settings.checkQuorum = options.checkQuorum
        settings.plantedFault = options.plantedFault
        replica.node = try RaftNode(
            settings: settings,
            hardState: replica.disk.hardState,
            configuration: replica.configuration(at: replica.flushed),
            applied: replica.flushed,
            log: replica.disk
        )
        replica.applied = replica.flushed
    }

    // MARK: - Events

    func run() throws {
        var crashRate = 0
        var campaignRate = 0
        var phaseEnd = 0
        for step in 0..<options.steps {
            // Calm and storm take turns: in a storm alone nothing would ever be committed.
            if step == phaseEnd {
                phaseEnd += 50 + below(350)
                crashRate = [0, 0, 1, 4, 12][below(5)]
                campaignRate = [0, 0, 0, 4][below(4)]
                cut()
            }
            let replica = replicas[below(replicas.count)]
            if below(200) < crashRate { try crashOrStart(replica) }
            if below(200) < campaignRate { replica.node?.campaign() }
            switch below(100) {
            case 0..<45: for _ in 0..<(1 + below(16)) { try deliverOne() }
            case 45..<60: try work(replica)
            case 60..<75: for _ in 0..<(1 + below(options.ticks)) { replica.node?.tick() }
            case 75..<85: propose(at: replicas.first { $0.node?.isLeader ?? false } ?? replica)
            case 85..<88: read(at: replica)
            case 88: for reader in replicas { read(at: reader) }
            case 89..<92: compact(replica)
            case 92: changeMembers(at: replica)
            case 93: transfer(from: replica)
            case 94: report(at: replica)
            default: try drain(replica)
            }
            try check(replica)
        }
        try heal()
    }

    /// Everything works again: all must agree soon.
    private func heal() throws {
        partition = []
        for replica in replicas where replica.node == nil { try start(replica) }
        for round in 0..<400 {
            for replica in replicas { replica.node?.tick() }
            for _ in 0..<20 {
                for replica in replicas { try drain(replica) }
                let sent = network
                network = []
                for message in sent { try hand(message) }
            }
            for replica in replicas { try check(replica) }
            if round % 10 == 5 { operate() }
            if round % 20 == 19, isSettled { return }
        }
        throw Violation(description: "no agreement after healing: \(summary)")
    }

    /// What the owner of a group must see to: lost snapshots and joint configurations left open.
    private func operate() {
        for replica in replicas {
            replica.flushed = replica.applied
            compact(replica)
            guard let node = replica.node, node.isLeader else { continue }
            if node.configuration.isJoint { _ = try? replica.node!.propose(.leaveJoint) }
            for member in node.status().members where member.state == .snapshot {
                replica.node!.report(.snapshotFailed(member.id))
            }
        }
    }

    private var members: [SimulatedReplica] {
        guard let leader = replicas.first(where: { $0.node?.isLeader ?? false }) else { return [] }
        let ids = leader.node!.configuration.members
        return replicas.filter { ids.contains($0.id) }
    }

    private var isSettled: Bool {
        let group = members
        guard let first = group.first, !first.node!.configuration.isJoint else { return false }
        return group.allSatisfy {
            $0.node!.last == first.node!.last && $0.applied == first.node!.last.index
        }
    }

    private var summary: String {
        replicas.map { replica in
            guard let node = replica.node else { return "\(replica.id): down" }
            return "\(replica.id): \(node.role) t\(node.term) last \(node.last.term)/"
                + "\(node.last.index) c\(node.commitIndex) a\(replica.applied) "
                + "\(node.configuration)"
        }.joined(separator: "\n")
    }

    private func deliverOne() throws {
        guard !network.isEmpty else { return }
        // Mostly in order, sometimes not.
        let place = chance(80) ? 0 : below(network.count)
        let message = network[place]
        if !chance(options.duplication) { network.remove(at: place) }
        if chance(options.loss) { return }
        if partition.contains(message.from) != partition.contains(message.to) { return }
        try hand(message)
    }

    private func hand(_ message: Message) throws {
        guard let replica = replicas.first(where: { $0.id == message.to }), replica.node != nil
        else { return }
        do {
            try replica.node!.step(message)
        } catch .unknownPeer, .proposalDropped {
            return
        } catch {
            throw Violation(description: "\(replica.id): \(error) on \(message)")
        }
        try check(replica)
    }

    /// Some of what a replica owes, in one of the orders that are allowed.
    private func work(_ replica: SimulatedReplica) throws {
        takeReady(replica)
        if chance(60) { try finishAppend(replica) }
        if chance(60) { try finishApply(replica) }
    }

    private func drain(_ replica: SimulatedReplica) throws {
        for _ in 0..<50 {
            guard let node = replica.node else { return }
            guard node.hasReady || !replica.appendTasks.isEmpty || !replica.applyTasks.isEmpty
            else { return }
            takeReady(replica)
            try finishAppend(replica)
            try finishApply(replica)
        }
    }

    private func takeReady(_ replica: SimulatedReplica) {
        guard replica.node?.hasReady ?? false else { return }
        let ready = replica.node!.takeReady()
        network += ready.messages
        for read in ready.readStates {
            if let known = reads.removeValue(forKey: read.token) {
                readsAnswered += 1
                if read.index < known { failedRead = "read at \(read.index), known \(known)" }
            }
        }
        if let task = ready.append {
            replica.appendTasks.append(task)
            if options.showsWritesEarly { replica.node!.reader.write(task) }
        }
        if let task = ready.apply { replica.applyTasks.append(task) }
    }

    private var failedRead: String?

    private func finishAppend(_ replica: SimulatedReplica) throws {
        guard replica.node != nil, !replica.appendTasks.isEmpty else { return }
        let task = replica.appendTasks.removeFirst()
        replica.unsynced.append(task)
        if !options.showsWritesEarly { replica.node!.reader.write(task) }
        if task.mustSync || chance(30) {
            for waiting in replica.unsynced { replica.disk.write(waiting) }
            replica.unsynced = []
        }
        if let snapshot = task.snapshot { try install(snapshot, at: replica) }
        for message in task.responses { try justify(message, by: replica) }
        for message in task.acknowledgement.ownResponses { try justify(message, by: replica) }
        network += task.responses
        replica.node!.appended(task.acknowledgement)
    }

    /// The state machine comes with the snapshot, by another way: here, from the record.
    private func install(_ snapshot: SnapshotMetadata, at replica: SimulatedReplica) throws {
        guard snapshot.index.raw <= UInt64(committed.count),
            committed[Int(snapshot.index.raw) - 1].term == snapshot.term
        else { throw Violation(description: "a snapshot of what is not committed") }
        snapshots += 1
        replica.applied = snapshot.index
        replica.flushed = snapshot.index
        replica.applyTasks = []
        replica.configurations.removeAll { $0.index >= snapshot.index }
        replica.configurations.append((snapshot.index, snapshot.configuration))
    }

    private func finishApply(_ replica: SimulatedReplica) throws {
        guard replica.node != nil, !replica.applyTasks.isEmpty else { return }
        let task = replica.applyTasks.removeFirst()
        for entry in task.entries where entry.index > replica.applied {
            guard entry.index == replica.applied.next else {
                throw Violation(description: "\(replica.id) skips to \(entry.index)")
            }
            guard entry.index <= replica.disk.lastIndex else {
                throw Violation(description: "\(replica.id) applies what is not durable")
            }
            try record(entry, by: replica)
            replica.applied = entry.index
            guard entry.kind != .normal, let change = try? ConfigurationChange(entry) else {
                continue
            }
            if let changed = try? replica.node!.applyConfigurationChange(change) {
                changes += 1
                replica.configurations.append((entry.index, changed))
            }
        }
        replica.node!.applied(upTo: task.entries.last!.index, bytes: task.bytes)
        if chance(30) { replica.flushed = replica.applied }
    }

    private func propose(at replica: SimulatedReplica) {
        nextPayload += 1
        let bytes = withUnsafeBytes(of: nextPayload.bigEndian) { Array($0) }
        _ = try? replica.node?.propose(
            (0..<(1 + below(3))).map { _ in bytes + [UInt8](repeating: 0, count: below(40)) }
        )
    }

    private func read(at replica: SimulatedReplica) {
        guard replica.node != nil else { return }
        nextToken += 1
        let known = replicas.compactMap { $0.node?.commitIndex }.max() ?? .zero
        reads[nextToken] = max(known, LogIndex(UInt64(committed.count)))
        replica.node!.readIndex(token: nextToken)
    }

    private func crashOrStart(_ replica: SimulatedReplica) throws {
        if replica.node == nil { return try start(replica) }
        crashes += 1
        replica.node = nil
        replica.appendTasks = []
        replica.applyTasks = []
        replica.unsynced = []
        replica.configurations.removeAll { $0.index > replica.flushed }
        replica.applied = replica.flushed
        if chance(70) { try start(replica) }
    }

    private func cut() {
        partition = []
        switch below(10) {
        case 0..<4: break
        case 4..<7:
            // Most interesting where it hurts: the leader alone.
            if let leader = replicas.first(where: { $0.node?.isLeader ?? false }) {
                partition.insert(leader.id)
            }
        default: for replica in replicas where chance(40) { partition.insert(replica.id) }
        }
    }

    /// Trims the log below what the state machine would keep after a crash.
    private func compact(_ replica: SimulatedReplica) {
        guard replica.node != nil, replica.flushed > replica.disk.base.index,
            replica.flushed <= replica.disk.lastIndex,
            case .term(let term) = replica.disk.term(at: replica.flushed)
        else { return }
        let snapshot = SnapshotMetadata(
            index: replica.flushed,
            term: term,
            configuration: replica.configuration(at: replica.flushed)
        )
        replica.node!.reader.newestSnapshot = snapshot
        replica.disk.newestSnapshot = snapshot
        let end = LogIndex(replica.flushed.raw - UInt64(below(3)) % replica.flushed.raw)
        replica.node!.reader.compact(to: end)
        replica.disk.compact(to: end)
    }

    private func changeMembers(at replica: SimulatedReplica) {
        guard options.changesMembers, let node = replica.node, node.isLeader else { return }
        if node.configuration.isJoint {
            _ = try? replica.node!.propose(.leaveJoint)
            return
        }
        var steps: [ConfigurationChange.Step] = []
        for _ in 0..<(1 + below(2)) {
            let members = node.configuration.members
            let member = members[below(members.count)]
            switch below(4) {
            case 0 where replicas.count < 8:
                // It reads the log from the beginning, so it begins with the first members.
                let fresh = SimulatedReplica(ReplicaID(nextID), members: firstMembers)
                nextID += 1
                replicas.append(fresh)
                try? start(fresh)
                steps.append(.init(chance(50) ? .addVoter : .addLearner, fresh.id))
            case 1 where node.configuration.voters.count > 2: steps.append(.init(.remove, member))
            case 2: steps.append(.init(.addVoter, member))
            default:
                if node.configuration.voters.count > 2 { steps.append(.init(.addLearner, member)) }
            }
        }
        if steps.isEmpty { return }
        let transition: ConfigurationChange.Transition = chance(60) ? .auto : .explicit
        _ = try? replica.node!.propose(ConfigurationChange(steps, transition: transition))
    }

    private func transfer(from replica: SimulatedReplica) {
        guard let members = replica.node?.configuration.members, !members.isEmpty else { return }
        replica.node!.transferLeadership(to: members[below(members.count)])
    }

    private func report(at replica: SimulatedReplica) {
        let peer = replicas[below(replicas.count)].id
        let events: [PeerEvent] = [.unreachable(peer), .snapshotFailed(peer), .snapshotDone(peer)]
        replica.node?.report(events[below(3)])
    }

    // MARK: - Claims

    /// State machine safety: one entry per index, for ever.
    private func record(_ entry: Entry, by replica: SimulatedReplica) throws {
        let place = Int(entry.index.raw) - 1
        if place == committed.count {
            committed.append(entry)
        } else if place > committed.count || committed[place] != entry {
            throw Violation(description: "\(replica.id) applies another entry at \(entry.index)")
        }
    }

    /// What leaves must rest on what is durable.
    private func justify(_ message: Message, by replica: SimulatedReplica) throws {
        if message.rejects { return }
        let stored = replica.disk.hardState ?? HardState()
        switch message.kind {
        case .voteResponse:
            guard
                stored.term > message.term
                    || (stored.term == message.term && stored.vote == message.to)
            else { throw Violation(description: "\(replica.id) votes before its disk does") }
        case .appendResponse where message.term == stored.term:
            guard message.index <= replica.disk.lastIndex else {
                throw Violation(description: "\(replica.id) acknowledges what is not durable")
            }
        default: break
        }
    }

    private func check(_ replica: SimulatedReplica) throws {
        if let failedRead { throw Violation(description: failedRead) }
        guard let node = replica.node else { return }
        // Election safety.
        if node.isLeader {
            let other = leaders[node.term] ?? node.id
            guard other == node.id else {
                throw Violation(description: "two leaders in term \(node.term)")
            }
            if leaders.updateValue(node.id, forKey: node.term) == nil {
                try checkCompleteness(of: node)
            }
        }
        // Nothing moves back, not even over a crash.
        let stored = replica.disk.hardState?.term ?? .zero
        guard stored >= replica.highestTerm else {
            throw Violation(description: "\(replica.id) forgot term \(replica.highestTerm)")
        }
        replica.highestTerm = stored
        guard node.appliedIndex <= node.commitIndex, node.commitIndex <= node.last.index else {
            throw Violation(description: "\(replica.id): applied ≤ committed ≤ last is broken")
        }
    }

    /// Leader completeness: a new leader has all that was ever committed.
    private func checkCompleteness(of node: RaftNode<MemoryLog>) throws {
        guard node.last.index.raw >= UInt64(committed.count) else {
            throw Violation(description: "leader \(node.id) lacks committed entries")
        }
    }
}
