import Primitives
import Raft

/// What a data file works on: nodes with their disks and state machines, and the messages under
/// way between them, in the order they were sent.
struct InteractionEnvironment {
    struct CommandError: Error { var text: String }

    struct Node {
        var raft: RaftNode<MemoryLog>
        var appendWork: [AppendTask] = []
        var applyWork: [ApplyTask] = []
        /// A snapshot for every applied entry; the newest is what followers get.
        var history: [SnapshotMetadata]
        var id: ReplicaID { raft.id }
        var isAsync: Bool { raft.settings.asyncWrites }
    }

    /// Something under way to a node, from another or from its own threads.
    enum Flight {
        case message(Message)
        case appended(AppendAck, ReplicaID)
        case applied(ApplyTask, ReplicaID)

        var to: ReplicaID {
            switch self {
            case .message(let message): message.to
            case .appended(_, let node), .applied(_, let node): node
            }
        }

        /// Comes from the node's own threads, which lose nothing.
        var isLocal: Bool {
            if case .message(let message) = self { return message.from == message.to }
            return true
        }

        var kind: String {
            switch self {
            case .message(let message): Description.kind(message.kind)
            case .appended: "MsgStorageAppendResp"
            case .applied: "MsgStorageApplyResp"
            }
        }

        var text: String {
            switch self {
            case .message(let message): Description.message(message)
            case .appended(let ack, let node): Description.appended(ack, by: node)
            case .applied(let task, let node): Description.applied(task, by: node)
            }
        }
    }

    var nodes: [Node] = []
    var flights: [Flight] = []
    var output = ""
    var isQuiet = false
    /// A bug that every node gets.
    let plantedFault: PlantedFault?

    init(plantedFault: PlantedFault? = nil) { self.plantedFault = plantedFault }

    mutating func write(_ text: String) { if !isQuiet { output += text } }

    mutating func indented(
        _ body: (inout InteractionEnvironment) throws -> Void
    ) rethrows {
        let before = output
        output = ""
        defer {
            let lines = output.split(separator: "\n", omittingEmptySubsequences: false)
            let full = lines.last == "" ? lines.dropLast() : lines[...]
            output = before + full.map { "  " + $0 + "\n" }.joined()
        }
        try body(&self)
    }

    // MARK: - Nodes

    mutating func addNodes(
        _ count: Int,
        snapshot: SnapshotMetadata?,
        settings configure: (inout RaftSettings) throws -> Void
    ) throws {
        for _ in 0..<count {
            let id = ReplicaID(UInt64(nodes.count + 1))
            var settings = RaftSettings(id: id, seed: id.raw)
            settings.electionTicks = 3
            settings.heartbeatTicks = 1
            settings.maxMessageBytes = .max
            settings.maxInflightMessages = Int(Int32.max)
            settings.maxInflightBytes = 0
            settings.maxUncommittedBytes = .max
            settings.maxApplyingBytes = .max
            settings.preVote = false
            settings.checkQuorum = false
            settings.stepDownOnRemoval = false
            settings.asyncWrites = false
            settings.forwardsProposals = true
            settings.appendsRefusedChanges = true
            settings.plantedFault = plantedFault
            try configure(&settings)
            let raft = try RaftNode(
                settings: settings,
                hardState: nil,
                configuration: snapshot?.configuration ?? VoterConfiguration(),
                applied: snapshot?.index ?? .zero,
                log: MemoryLog(base: snapshot?.id ?? .zero)
            )
            let none = SnapshotMetadata(
                index: .zero,
                term: .zero,
                configuration: VoterConfiguration()
            )
            nodes.append(Node(raft: raft, history: [snapshot ?? none]))
            offerNewestSnapshot(of: nodes.count - 1)
        }
    }

    private mutating func offerNewestSnapshot(of node: Int) {
        let newest = nodes[node].history.last
        nodes[node].raft.reader.newestSnapshot = newest?.index == .zero ? nil : newest
    }

    // MARK: - Work

    mutating func processReady(_ node: Int) {
        let ready = nodes[node].raft.takeReady()
        let id = nodes[node].id
        let isAsync = nodes[node].isAsync
        write(Description.ready(ready, of: id, isAsync: isAsync))
        if !isAsync {
            if let task = ready.append { store(task, at: node) }
            if let task = ready.apply { apply(task, at: node) }
        }
        flights += ready.messages.map(Flight.message)
        if isAsync {
            if let task = ready.append { nodes[node].appendWork.append(task) }
            if let task = ready.apply { nodes[node].applyWork.append(task) }
        } else {
            nodes[node].raft.advance()
        }
    }

    private mutating func store(_ task: AppendTask, at node: Int) {
        nodes[node].raft.reader.write(task)
        offerNewestSnapshot(of: node)
    }

    private mutating func apply(_ task: ApplyTask, at node: Int) {
        for entry in task.entries {
            var configuration = nodes[node].history.last!.configuration
            if entry.kind != .normal, let change = try? ConfigurationChange(entry),
                let changed = try? nodes[node].raft.applyConfigurationChange(change)
            {
                configuration = changed
            }
            nodes[node].history.append(
                SnapshotMetadata(
                    index: entry.index,
                    term: entry.term,
                    configuration: configuration
                )
            )
            offerNewestSnapshot(of: node)
        }
    }

    mutating func processAppendThread(_ node: Int) {
        guard !nodes[node].appendWork.isEmpty else {
            write("no append work to perform")
            return
        }
        let task = nodes[node].appendWork.removeFirst()
        let id = nodes[node].id
        write("Processing:\n" + Description.append(task, of: id, withResponses: false) + "\n")
        store(task, at: node)
        write("Responses:\n")
        for line in Description.responses(of: task, by: id, indent: "") { write(line + "\n") }
        let ack = task.acknowledgement
        flights += (ack.ownResponses + task.responses).map(Flight.message)
        if ack.carriesMark { flights.append(.appended(ack.markOnly, id)) }
    }

    mutating func processApplyThread(_ node: Int) {
        guard !nodes[node].applyWork.isEmpty else {
            write("no apply work to perform")
            return
        }
        let task = nodes[node].applyWork.removeFirst()
        let id = nodes[node].id
        write("Processing:\n" + Description.apply(task, of: id, withResponses: false) + "\n")
        apply(task, at: node)
        write("Responses:\n" + Description.applied(task, by: id) + "\n")
        flights.append(.applied(task, id))
    }

    // MARK: - Delivery

    struct Recipient {
        var id: ReplicaID
        var drops = false
    }

    /// Takes what is under way to a node out of the list.
    private mutating func takeFlights(to recipient: Recipient, kind: String?) -> [Flight] {
        func isMeant(_ flight: Flight) -> Bool {
            flight.to == recipient.id && !(recipient.drops && flight.isLocal)
                && (kind == nil || kind == flight.kind)
        }
        let taken = flights.filter(isMeant)
        flights.removeAll(where: isMeant)
        return taken
    }

    /// Returns how many were delivered or dropped.
    mutating func deliver(to recipients: [Recipient], kind: String? = nil) -> Int {
        var count = 0
        for recipient in recipients {
            for flight in takeFlights(to: recipient, kind: kind) {
                count += 1
                write((recipient.drops ? "dropped: " : "") + flight.text + "\n")
                if !recipient.drops { step(flight) }
            }
        }
        return count
    }

    private mutating func step(_ flight: Flight) {
        let node = Int(flight.to.raw) - 1
        switch flight {
        case .message(let message):
            do {
                try nodes[node].raft.step(message)
            } catch {
                write(Self.text(error) + "\n")
            }
        case .appended(let ack, _): nodes[node].raft.appended(ack)
        case .applied(let task, _):
            nodes[node].raft.applied(upTo: task.entries.last!.index, bytes: task.bytes)
        }
    }

    static func text(_ error: StepError) -> String {
        switch error {
        case .unknownPeer: "raft: cannot step as peer not found"
        case .proposalDropped: "raft proposal dropped"
        default: "\(error)"
        }
    }

    // MARK: - Until nothing happens

    mutating func stabilize(_ indices: [Int]) {
        // A bug could keep the nodes talking for ever.
        for _ in 0..<1000 where !stabilizeOnce(indices) { continue }
    }

    /// Returns whether there was nothing to do.
    private mutating func stabilizeOnce(_ indices: [Int]) -> Bool {
        var isDone = true
        for node in indices where nodes[node].raft.hasReady {
            write("> \(node + 1) handling Ready\n")
            indented { $0.processReady(node) }
            isDone = false
        }
        for node in indices {
            let id = nodes[node].id
            guard flights.contains(where: { $0.to == id }) else { continue }
            write("> \(id) receiving messages\n")
            indented { _ = $0.deliver(to: [Recipient(id: id)]) }
            isDone = false
        }
        for node in indices where !nodes[node].appendWork.isEmpty {
            write("> \(node + 1) processing append thread\n")
            while !nodes[node].appendWork.isEmpty { indented { $0.processAppendThread(node) } }
            isDone = false
        }
        for node in indices where !nodes[node].applyWork.isEmpty {
            write("> \(node + 1) processing apply thread\n")
            while !nodes[node].applyWork.isEmpty { indented { $0.processApplyThread(node) } }
            isDone = false
        }
        return isDone
    }
}
