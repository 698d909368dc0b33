import Primitives
import Raft

extension InteractionEnvironment {
    /// Carries out one command and returns all of its output.
    mutating func run(_ data: DataCase) -> String {
        output = ""
        do {
            try perform(data)
        } catch {
            let text = (error as? CommandError)?.text ?? "\(error)"
            // Errors are shown even where everything else is not.
            if isQuiet { return text }
            output += text
        }
        return output.isEmpty ? "ok" : output
    }

    private mutating func perform(_ data: DataCase) throws {
        switch data.command {
        case "add-nodes": try addNodes(data)
        case "crash", "duplicate-msgs", "read-index", "reverse-msgs", "support", "tick":
            try performOwn(data)
        case "campaign": nodes[try first(data)].raft.campaign()
        case "compact": try compact(data)
        case "deliver-msgs": try deliver(data)
        case "forget-leader": nodes[try first(data)].raft.forgetLeader()
        case "log-level": setLevel(data.words[0])
        case "process-ready":
            try each(data, "handling Ready") { $0.processReady($1) }
        case "process-append-thread":
            try each(data, "processing append thread") { $0.processAppendThread($1) }
        case "process-apply-thread":
            try each(data, "processing apply thread") { $0.processApplyThread($1) }
        case "propose":
            let payload = Array(data.words[1].utf8)
            try propose(Entry(term: .zero, index: .zero, payload: payload), at: first(data))
        case "propose-conf-change": try proposeChange(data)
        case "raft-log": try printLog(of: first(data))
        case "raft-state": printStates()
        case "report-unreachable":
            let pair = try indices(data)
            nodes[pair[0]].raft.report(.unreachable(nodes[pair[1]].id))
        case "send-snapshot": try sendSnapshot(data)
        case "set-randomized-election-timeout":
            let ticks = Int(data.values("timeout")[0])!
            nodes[try first(data)].raft.setElectionTimeout(ticks: ticks)
        case "stabilize": try stabilize(data)
        case "status": try printStatus(of: first(data))
        case "tick-election": try tick(first(data), times: 3)
        case "tick-heartbeat": try tick(first(data), times: 1)
        case "transfer-leadership":
            let from = Int(data.values("from")[0])! - 1
            let to = ReplicaID(UInt64(data.values("to")[0])!)
            nodes[from].raft.transferLeadership(to: to)
        default: throw CommandError(text: "unknown command \(data.command)")
        }
    }

    // MARK: - Arguments

    private func indices(_ data: DataCase) throws -> [Int] {
        try data.words.map { word in
            guard let number = Int(word), nodes.indices.contains(number - 1) else {
                throw CommandError(text: "no node \(word)")
            }
            return number - 1
        }
    }

    private func first(_ data: DataCase) throws -> Int {
        guard let word = data.words.first, let number = Int(word),
            nodes.indices.contains(number - 1)
        else { throw CommandError(text: "no node given") }
        return number - 1
    }

    /// Does something for each node named, under a heading if there are several.
    private mutating func each(
        _ data: DataCase,
        _ heading: String,
        _ body: (inout InteractionEnvironment, Int) -> Void
    ) throws {
        let named = try indices(data)
        for node in named {
            if named.count > 1 {
                write("> \(node + 1) \(heading)\n")
                indented { body(&$0, node) }
            } else {
                body(&self, node)
            }
        }
    }

    private mutating func setLevel(_ level: String) { isQuiet = level.lowercased() == "none" }

    private mutating func tick(_ node: Int, times: Int) {
        for _ in 0..<times { nodes[node].raft.tick() }
    }

    // MARK: - Commands

    private mutating func addNodes(_ data: DataCase) throws {
        func ids(_ key: String) -> [ReplicaID] {
            data.values(key).compactMap { UInt64($0).map { ReplicaID($0) } }
        }
        var snapshot: SnapshotMetadata?
        if let index = data.values("index").first.flatMap({ UInt64($0) }) {
            snapshot = SnapshotMetadata(
                index: LogIndex(index),
                term: Term(1),
                configuration: VoterConfiguration(
                    voters: ids("voters"),
                    learners: ids("learners")
                )
            )
        }
        func flag(_ key: String, _ set: (Bool) -> Void) {
            if let value = data.values(key).first { set(value == "true") }
        }
        try addNodes(Int(data.words[0])!, snapshot: snapshot) { settings in
            flag("async-storage-writes") { settings.asyncWrites = $0 }
            flag("prevote") { settings.preVote = $0 }
            flag("checkquorum") { settings.checkQuorum = $0 }
            flag("disable-conf-change-validation") { settings.validatesChanges = !$0 }
            flag("step-down-on-removal") { settings.stepDownOnRemoval = $0 }
            func number(_ key: String, _ set: (Int) -> Void) {
                if let value = data.values(key).first { set(Int(value)!) }
            }
            number("inflight") { settings.maxInflightMessages = $0 }
            number("max-committed-size-per-ready") { settings.maxApplyingBytes = $0 }
            if data.values("read-only").first == "lease-based" { settings.readMode = .lease }
            // Not in the data of etcd-io/raft.
            number("max-message-size") { settings.maxMessageBytes = $0 }
            number("inflight-bytes") { settings.maxInflightBytes = $0 }
            number("max-uncommitted-size") { settings.maxUncommittedBytes = $0 }
            number("vote-grace") { settings.voteGraceTicks = $0 }
            flag("store-liveness") { settings.usesStoreLiveness = $0 }
        }
    }

    private mutating func compact(_ data: DataCase) throws {
        let node = try first(data)
        nodes[node].raft.reader.compact(to: LogIndex(UInt64(data.words[1])!))
        printLog(of: node)
    }

    private mutating func deliver(_ data: DataCase) throws {
        var recipients = data.words.map { Recipient(id: ReplicaID(UInt64($0)!)) }
        recipients += data.values("drop").map { Recipient(id: ReplicaID(UInt64($0)!), drops: true) }
        if deliver(to: recipients, kind: data.values("type").first) == 0 {
            write("no messages\n")
        }
    }

    private mutating func propose(_ entry: Entry, at node: Int) throws {
        do {
            if nodes[node].raft.role == .follower {
                try nodes[node].raft.forward(entry)
            } else if entry.kind == .normal {
                _ = try nodes[node].raft.propose([entry.payload])
            } else {
                _ = try nodes[node].raft.propose(ConfigurationChange(entry))
            }
        } catch ProposeError.overloaded {
            throw CommandError(text: "too much is waiting to be committed")
        } catch {
            throw CommandError(text: "raft proposal dropped")
        }
    }

    private mutating func proposeChange(_ data: DataCase) throws {
        let steps = try data.input.split(whereSeparator: \.isWhitespace).map { token in
            let action: ConfigurationChange.Action
            switch token.first {
            case "v": action = .addVoter
            case "l": action = .addLearner
            case "r": action = .remove
            case "u": action = .update
            default: throw CommandError(text: "unknown input: \(token)")
            }
            return ConfigurationChange.Step(action, ReplicaID(UInt64(token.dropFirst())!))
        }
        let transition: ConfigurationChange.Transition =
            switch data.values("transition").first {
            case "implicit": .implicit
            case "explicit": .explicit
            default: .auto
            }
        let change = ConfigurationChange(
            steps,
            transition: transition,
            isSingleStep: data.values("v1").first == "true"
        )
        try propose(
            Entry(
                term: .zero,
                index: .zero,
                kind: change.entryKind,
                payload: change.encoded()
            ),
            at: first(data)
        )
    }

    private mutating func printLog(of node: Int) {
        let log = nodes[node].raft.reader
        if log.stored.isEmpty {
            write("log is empty: first index=\(log.firstIndex), last index=\(log.lastIndex)")
        }
        for entry in log.stored { write(Description.entry(entry) + "\n") }
    }

    private mutating func printStates() {
        for node in nodes {
            let status = node.raft.status()
            let part = status.configuration.isVoter(status.id) ? "(Voter)" : "(Non-Voter)"
            write(
                "\(status.id): \(Description.role(status.role)) \(part) Term:\(status.term) "
                    + "Lead:\(status.leader)\n"
            )
        }
    }

    private mutating func printStatus(of node: Int) {
        for progress in nodes[node].raft.status().members {
            write("\(progress.id): \(Description.progress(progress))\n")
        }
    }

    private mutating func sendSnapshot(_ data: DataCase) throws {
        let pair = try indices(data)
        var message = Message(
            .snapshot,
            from: nodes[pair[0]].id,
            to: nodes[pair[1]].id,
            term: nodes[pair[0]].raft.term
        )
        message.snapshot = nodes[pair[0]].raft.reader.snapshot()
        flights.append(.message(message))
        write(Description.message(message))
    }

    private mutating func stabilize(_ data: DataCase) throws {
        let before = isQuiet
        defer { isQuiet = before }
        if let level = data.values("log-level").first { setLevel(level) }
        let named = try indices(data)
        stabilize(named.isEmpty ? Array(nodes.indices) : named)
    }
}
