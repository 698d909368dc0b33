import Primitives
import Raft

/// Replicas 1...n with disks and state machines that are done at once, and a network that the test
/// can cut.
struct TestGroup {
    var nodes: [RaftNode<MemoryLog>]
    var applied: [[Entry]]
    var reads: [[ReadState]]
    var droppedReads: [[UInt64]]
    /// Sent and not yet delivered.
    var network: [Message] = []
    /// Whatever this says about a message: false loses it.
    var passes: @Sendable (Message) -> Bool = { _ in true }

    static func ids(_ count: Int) -> [ReplicaID] { (1...count).map { ReplicaID(UInt64($0)) } }

    init(
        _ count: Int,
        learners: [Int] = [],
        logs: [[UInt64]] = [],
        configure: (inout RaftSettings) -> Void = { _ in }
    ) throws {
        let ids = Self.ids(count)
        let learnerIDs = learners.map { ReplicaID(UInt64($0)) }
        let members = VoterConfiguration(
            voters: ids.filter { !learnerIDs.contains($0) },
            learners: learnerIDs
        )
        nodes = []
        for (place, id) in ids.enumerated() {
            var settings = RaftSettings(id: id, seed: id.raw)
            settings.preVote = false
            settings.checkQuorum = false
            configure(&settings)
            var log = MemoryLog()
            let terms = place < logs.count ? logs[place] : []
            log.append(
                terms.enumerated().map { Entry(term: Term($1), index: LogIndex(UInt64($0) + 1)) }
            )
            nodes.append(
                try RaftNode(
                    // All have heard of the newest term: it had a leader.
                    settings: settings,
                    hardState: HardState(term: Term(logs.joined().max() ?? 0)),
                    configuration: members,
                    applied: .zero,
                    log: log
                )
            )
        }
        applied = Array(repeating: [], count: count)
        reads = Array(repeating: [], count: count)
        droppedReads = Array(repeating: [], count: count)
    }

    subscript(id: Int) -> RaftNode<MemoryLog> {
        get { nodes[id - 1] }
        _modify { yield &nodes[id - 1] }
    }

    /// The terms in one replica's stored log.
    func terms(_ id: Int) -> [UInt64] { nodes[id - 1].reader.stored.map(\.term.raw) }

    /// Carries out all that one replica owes. What it sends goes to the network.
    mutating func work(_ id: Int) {
        let place = id - 1
        while nodes[place].hasReady {
            let ready = nodes[place].takeReady()
            network += ready.messages
            reads[place] += ready.readStates
            droppedReads[place] += ready.droppedReads
            if let task = ready.append {
                nodes[place].reader.write(task)
                network += task.responses
                nodes[place].appended(task.acknowledgement)
            }
            if let task = ready.apply {
                for entry in task.entries where entry.kind != .normal {
                    guard let change = try? ConfigurationChange(entry) else { continue }
                    _ = try? nodes[place].applyConfigurationChange(change)
                }
                applied[place] += task.entries
                nodes[place].applied(upTo: task.entries.last!.index, bytes: task.bytes)
            }
        }
    }

    /// Until nobody has anything to do or to say.
    mutating func settle() {
        for _ in 0..<1_000 {
            for id in 1...nodes.count { work(id) }
            if network.isEmpty { return }
            let sent = network
            network = []
            for message in sent where passes(message) { hand(message) }
        }
    }

    mutating func hand(_ message: Message) {
        let place = Int(message.to.raw) - 1
        guard nodes.indices.contains(place) else { return }
        try? nodes[place].step(message)
    }

    /// What one replica sends next, without delivering it.
    mutating func sent(by id: Int) -> [Message] {
        network = []
        work(id)
        defer { network = [] }
        return network
    }

    mutating func isolate(_ id: Int) {
        let cut = ReplicaID(UInt64(id))
        passes = { $0.from != cut && $0.to != cut }
    }

    mutating func heal() { passes = { _ in true } }

    mutating func elect(_ id: Int) {
        self[id].campaign()
        settle()
    }

    mutating func tick(_ id: Int, _ count: Int = 1) {
        for _ in 0..<count { self[id].tick() }
    }

    /// A crash and a start from what is stored; the state machine begins anew.
    mutating func restart(_ id: Int) throws {
        let old = self[id]
        self[id] = try RaftNode(
            settings: old.settings,
            hardState: old.reader.hardState,
            configuration: old.configuration,
            applied: .zero,
            log: old.reader
        )
        applied[id - 1] = []
    }
}

extension Message {
    /// A message as another replica might send it.
    static func from(
        _ from: Int,
        to: Int = 1,
        _ kind: MessageKind,
        term: UInt64,
        index: UInt64 = 0,
        logTerm: UInt64 = 0,
        commit: UInt64 = 0,
        entries: [UInt64] = []
    ) -> Message {
        var message = Message(
            kind,
            from: ReplicaID(UInt64(from)),
            to: ReplicaID(UInt64(to)),
            term: Term(term)
        )
        message.index = LogIndex(index)
        message.logTerm = Term(logTerm)
        message.commit = LogIndex(commit)
        message.entries = entries.enumerated().map {
            Entry(term: Term($1), index: LogIndex(index + 1 + UInt64($0)))
        }
        return message
    }
}
