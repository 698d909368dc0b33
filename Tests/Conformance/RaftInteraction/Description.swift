import Primitives
import Raft

/// The text form of the data files.
enum Description {
    static func message(_ message: Message, indent: String = "") -> String {
        var text = head(
            from: name(message.from),
            to: name(message.to),
            kind: kind(message.kind),
            term: message.term,
            log: EntryID(term: message.logTerm, index: message.index),
            indent: indent
        )
        if message.rejects { text += " Rejected (Hint: \(message.rejectHint))" }
        if message.commit != .zero { text += " Commit:\(message.commit)" }
        // Only reads have one, and the data of etcd-io/raft have no reads.
        if message.context != 0 { text += " Context:\(message.context)" }
        text += list(message.entries, indent: indent)
        if let snapshot = message.snapshot {
            text += "\n\(indent)  Snapshot: \(Self.snapshot(snapshot))"
        }
        return text
    }

    static func head(
        from: String,
        to: String,
        kind: String,
        term: Term,
        log: EntryID,
        indent: String
    ) -> String {
        "\(indent)\(from)->\(to) \(kind) Term:\(term) Log:\(log.term)/\(log.index)"
    }

    static func list(_ entries: [Entry], indent: String) -> String {
        if entries.isEmpty { return "" }
        if entries.count == 1 { return " Entries:[\(entry(entries[0]))]" }
        return " Entries:[" + entries.map { "\n\(indent)  " + entry($0) }.joined() + "\n\(indent)]"
    }

    static func name(_ id: ReplicaID) -> String {
        id == .none ? "None" : String(id.raw, radix: 16)
    }

    static func kind(_ kind: MessageKind) -> String {
        switch kind {
        case .append: "MsgApp"
        case .appendResponse: "MsgAppResp"
        case .vote: "MsgVote"
        case .voteResponse: "MsgVoteResp"
        case .preVote: "MsgPreVote"
        case .preVoteResponse: "MsgPreVoteResp"
        case .heartbeat: "MsgHeartbeat"
        case .heartbeatResponse: "MsgHeartbeatResp"
        case .snapshot: "MsgSnap"
        case .timeoutNow: "MsgTimeoutNow"
        case .transferLeader: "MsgTransferLeader"
        case .propose: "MsgProp"
        case .readIndex: "MsgReadIndex"
        case .readIndexResponse: "MsgReadIndexResp"
        }
    }

    static func entry(_ entry: Entry) -> String {
        let head = "\(entry.term)/\(entry.index) "
        switch entry.kind {
        case .normal: return head + "EntryNormal " + quoted(entry.payload)
        case .change: return head + "EntryConfChange" + steps(entry)
        case .changeV2: return head + "EntryConfChangeV2" + steps(entry)
        }
    }

    private static func steps(_ entry: Entry) -> String {
        guard let change = try? ConfigurationChange(entry) else { return " undecodable" }
        let steps = change.steps.map { step in
            switch step.action {
            case .addVoter: "v\(step.id)"
            case .addLearner: "l\(step.id)"
            case .remove: "r\(step.id)"
            case .update: "u\(step.id)"
            }
        }
        return steps.isEmpty ? "" : " " + steps.joined(separator: " ")
    }

    private static func quoted(_ bytes: [UInt8]) -> String {
        var text = "\""
        for byte in bytes {
            switch byte {
            case 0x22: text += "\\\""
            case 0x5C: text += "\\\\"
            case 0x0A: text += "\\n"
            case 0x20..<0x7F: text.append(Character(Unicode.Scalar(byte)))
            default: text += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }
        return text + "\""
    }

    static func snapshot(_ snapshot: SnapshotMetadata) -> String {
        "Index:\(snapshot.index) Term:\(snapshot.term) "
            + "ConfState:\(configuration(snapshot.configuration))"
    }

    private static func configuration(_ state: VoterConfiguration) -> String {
        func list(_ ids: [ReplicaID]) -> String {
            "[" + ids.map { String($0.raw) }.joined(separator: " ") + "]"
        }
        return "Voters:\(list(state.voters)) VotersOutgoing:\(list(state.outgoingVoters)) "
            + "Learners:\(list(state.learners)) LearnersNext:\(list(state.nextLearners)) "
            + "AutoLeave:\(state.autoLeave)"
    }

    static func role(_ role: Role) -> String {
        switch role {
        case .follower: "StateFollower"
        case .preCandidate: "StatePreCandidate"
        case .candidate: "StateCandidate"
        case .leader: "StateLeader"
        }
    }

    static func hardState(_ state: HardState) -> String {
        "Term:\(state.term)" + (state.vote == .none ? "" : " Vote:\(state.vote)")
            + " Commit:\(state.commit)"
    }

    static func progress(_ progress: Progress) -> String {
        var text: String
        switch progress.state {
        case .probe: text = "StateProbe"
        case .replicate: text = "StateReplicate"
        case .snapshot: text = "StateSnapshot"
        }
        text += " match=\(progress.match) next=\(progress.next)"
        if progress.isLearner { text += " learner" }
        if progress.isPaused { text += " paused" }
        if progress.pendingSnapshot > .zero { text += " pendingSnap=\(progress.pendingSnapshot)" }
        if !progress.isRecentlyActive { text += " inactive" }
        if progress.inflight.count > 0 {
            text += " inflight=\(progress.inflight.count)"
            if progress.inflight.isFull { text += "[full]" }
        }
        return text
    }

    // MARK: Work for the disk and the state machine

    static func append(_ task: AppendTask, of node: ReplicaID, withResponses: Bool) -> String {
        let state = task.hardState ?? HardState()
        var text = head(
            from: name(node),
            to: "AppendThread",
            kind: "MsgStorageAppend",
            term: state.term,
            log: .zero,
            indent: ""
        )
        if state.commit != .zero { text += " Commit:\(state.commit)" }
        if state.vote != .none { text += " Vote:\(state.vote)" }
        text += list(task.entries, indent: "")
        if let snapshot = task.snapshot { text += "\n  Snapshot: \(Self.snapshot(snapshot))" }
        let responses = responses(of: task, by: node, indent: "  ")
        if withResponses, !responses.isEmpty {
            text += " Responses:[" + responses.map { "\n" + $0 }.joined() + "\n]"
        }
        return text
    }

    /// A node never has both answers for others and for itself to wait in one task, so that
    /// their order among each other does not matter.
    static func responses(
        of task: AppendTask,
        by node: ReplicaID,
        indent: String
    ) -> [String] {
        let ownAndOthers = task.acknowledgement.ownResponses + task.responses
        var lines = ownAndOthers.map { message($0, indent: indent) }
        if task.acknowledgement.carriesMark {
            lines.append(appended(task.acknowledgement, by: node, indent: indent))
        }
        return lines
    }

    static func appended(_ ack: AppendAck, by node: ReplicaID, indent: String = "") -> String {
        let (term, last, _) = ack.description
        return head(
            from: "AppendThread",
            to: name(node),
            kind: "MsgStorageAppendResp",
            term: term,
            log: last,
            indent: indent
        )
    }

    static func apply(_ task: ApplyTask, of node: ReplicaID, withResponses: Bool) -> String {
        var text = head(
            from: name(node),
            to: "ApplyThread",
            kind: "MsgStorageApply",
            term: .zero,
            log: .zero,
            indent: ""
        )
        text += list(task.entries, indent: "")
        if withResponses {
            text += " Responses:[\n" + applied(task, by: node, indent: "  ") + "\n]"
        }
        return text
    }

    static func applied(_ task: ApplyTask, by node: ReplicaID, indent: String = "") -> String {
        head(
            from: "ApplyThread",
            to: name(node),
            kind: "MsgStorageApplyResp",
            term: .zero,
            log: .zero,
            indent: indent
        ) + list(task.entries, indent: indent)
    }

    static func ready(_ ready: Ready, of node: ReplicaID, isAsync: Bool) -> String {
        var text = ""
        if let soft = ready.softState {
            text += "Lead:\(soft.leader) State:\(role(soft.role))\n"
        }
        if let hard = ready.hardState { text += "HardState \(hardState(hard))\n" }
        for read in ready.readStates { text += "Read \(read.token) at \(read.index)\n" }
        for token in ready.droppedReads { text += "Read \(token) dropped\n" }
        if !ready.entries.isEmpty {
            text += "Entries:\n" + ready.entries.map { entry($0) + "\n" }.joined()
        }
        if let snapshot = ready.snapshot { text += "Snapshot \(Self.snapshot(snapshot))\n" }
        if !ready.committed.isEmpty {
            text += "CommittedEntries:\n" + ready.committed.map { entry($0) + "\n" }.joined()
        }
        var messages = ready.messages.map { message($0) }
        if isAsync {
            if let task = ready.append {
                messages.append(append(task, of: node, withResponses: true))
            }
            if let task = ready.apply {
                messages.append(apply(task, of: node, withResponses: true))
            }
        }
        if !messages.isEmpty { text += "Messages:\n" + messages.map { $0 + "\n" }.joined() }
        return text.isEmpty ? "<empty Ready>" : "Ready MustSync=\(ready.mustSync):\n" + text
    }
}
