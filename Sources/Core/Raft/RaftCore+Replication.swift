import Primitives

extension RaftCore {
    // MARK: - Proposing

    /// Appends commands to the leader's log.
    ///
    /// - Returns: where they stand. They are not yet durable, let alone committed.
    mutating func propose(_ payloads: [[UInt8]]) throws(ProposeError) -> Assigned {
        precondition(!payloads.isEmpty, "nothing to propose")
        return try propose(payloads.map { Entry(term: .zero, index: .zero, payload: $0) })
    }

    /// Appends a membership change to the leader's log.
    mutating func propose(_ change: ConfigurationChange) throws(ProposeError) -> Assigned {
        try propose([
            Entry(
                term: .zero,
                index: .zero,
                kind: change.entryKind,
                payload: change.encoded()
            )
        ])
    }

    mutating func propose(_ proposed: [Entry]) throws(ProposeError) -> Assigned {
        guard role == .leader else { throw .notLeader(leader == .none ? nil : leader) }
        guard tracker.contains(id) else { throw .removed }
        guard transferee == .none else { throw .transferring(to: transferee) }
        guard acceptsProposals else { throw .paused }
        let first = log.lastIndex.next
        var entries = proposed
        for position in entries.indices {
            entries[position].term = term
            entries[position].index = first.advanced(by: position)
            guard entries[position].kind != .normal else { continue }
            if let refusal = refusal(of: entries[position]), settings.validatesChanges {
                guard settings.appendsRefusedChanges else { throw .changeRefused(refusal) }
                entries[position].kind = .normal
                entries[position].payload = []
            } else {
                pendingChangeIndex = entries[position].index
            }
        }
        let bytes = entries.reduce(0) { $0 + $1.payload.count }
        // An empty payload always passes: a new leader's first entry and the end of a joint
        // configuration. So does anything if nothing else is waiting.
        if uncommittedBytes > 0, bytes > 0,
            uncommittedBytes + bytes > settings.maxUncommittedBytes
        {
            throw .overloaded
        }
        uncommittedBytes += bytes
        appendOwn(entries)
        broadcastAppend()
        return Assigned(term: term, first: first)
    }

    /// Sends a proposal on to the leader, without knowing what becomes of it.
    mutating func forward(_ entry: Entry) throws(ProposeError) {
        guard role == .follower, leader != .none, settings.forwardsProposals else {
            throw .notLeader(nil)
        }
        var message = Message(.propose, to: leader)
        message.entries = [entry]
        send(message)
    }

    mutating func appendOwn(_ entries: [Entry]) {
        for entry in entries {
            precondition(entry.term == term, "a leader appends in its own term")
            log.append(entry)
        }
        // The leader counts its own copy when it is durable, like anybody else's.
        var acknowledgement = Message(.appendResponse, to: id)
        acknowledgement.index = log.lastIndex
        send(acknowledgement)
    }

    // MARK: - Sending

    mutating func broadcastAppend() {
        for position in tracker.members.indices where tracker.members[position].id != id {
            sendAppend(to: position, evenIfEmpty: true)
        }
    }

    /// Sends what the member may get next, or a snapshot if the log no longer reaches back.
    ///
    /// - Parameter evenIfEmpty: also without entries, to convey the commit index or to probe.
    /// - Returns: whether something was sent.
    @discardableResult
    mutating func sendAppend(to position: Int, evenIfEmpty: Bool) -> Bool {
        let next = tracker.members[position].next
        if tracker.members[position].isPaused { return false }
        let previous = next.previous
        guard log.reaches(next), case .term(let previousTerm) = log.term(at: previous) else {
            return sendSnapshot(to: position)
        }
        var entries: [Entry] = []
        // With a full window only empty appends go out. If all that filled it was lost, one of
        // them gets through in the end, and its answer empties the window.
        let isThrottled =
            tracker.members[position].state == .replicate
            && tracker.members[position].inflight.isFull
        if !isThrottled, next <= log.lastIndex {
            do {
                entries = try log.entries(from: next, maxBytes: settings.maxMessageBytes)
            } catch {
                return sendSnapshot(to: position)
            }
        }
        if entries.isEmpty, !evenIfEmpty { return false }
        var message = Message(.append, to: tracker.members[position].id)
        message.index = previous
        message.logTerm = previousTerm
        message.commit = log.committed
        var bytes = 0
        for entry in entries { bytes += entry.payload.count }
        let count = entries.count
        message.entries = entries
        send(message)
        tracker.members[position].sent(entries: count, bytes: bytes)
        tracker.members[position].sent(commit: log.committed)
        return true
    }

    mutating func broadcastHeartbeat() {
        let readPosition = reads.openPosition
        reads.acknowledge(readPosition, by: id)
        hasUnaskedReads = false
        for position in tracker.members.indices where tracker.members[position].id != id {
            var message = Message(.heartbeat, to: tracker.members[position].id)
            // Never above what is known to match: the follower's log may hold something else.
            message.commit = min(tracker.members[position].match, log.committed)
            message.context = readPosition
            tracker.members[position].sent(commit: message.commit)
            send(message)
        }
    }

    // MARK: - Receiving, as a follower

    mutating func handleAppend(_ message: Message) throws(StepError) {
        var answer = Message(.appendResponse, to: message.from)
        let previous = EntryID(term: message.logTerm, index: message.index)
        guard Self.areContiguous(message.entries, after: previous) else {
            throw .malformed(.append)
        }
        if previous.index < log.committed {
            answer.index = log.committed
        } else if let known = log.append(message.entries, after: previous) {
            log.commit(to: min(message.commit, known))
            answer.index = known
        } else {
            // All of the leader's log before `previous` has at most its term, so entries here
            // with a higher one cannot match: skip them.
            let hint = log.possibleMatch(
                upTo: min(previous.index, log.lastIndex),
                term: previous.term
            )
            answer.index = previous.index
            answer.rejects = true
            answer.rejectHint = hint.index
            answer.logTerm = hint.term
        }
        if settings.usesStoreLiveness { answer.commit = log.committed }
        send(answer)
    }

    private static func areContiguous(_ entries: [Entry], after previous: EntryID) -> Bool {
        var last = previous
        for position in entries.indices {
            // By position: an iterator would retain every payload.
            let id = entries[position].id
            guard id.index.raw == last.index.raw &+ 1, id.term >= last.term else { return false }
            last = id
        }
        return true
    }

    mutating func handleHeartbeat(_ message: Message) throws(StepError) {
        // The leader never names more than it knows to be durable here.
        guard message.commit <= log.lastIndex else {
            throw .logLost(commit: message.commit, lastIndex: log.lastIndex)
        }
        log.commit(to: message.commit)
        var answer = Message(.heartbeatResponse, to: message.from)
        answer.context = message.context
        if settings.usesStoreLiveness { answer.commit = log.committed }
        send(answer)
    }

    // MARK: - Receiving, as the leader

    mutating func handleAppendResponse(_ message: Message, from position: Int) {
        tracker.members[position].isRecentlyActive = true
        confirm(message.commit, by: position)
        if message.rejects {
            handleRejection(message, from: position)
            return
        }
        // An acknowledgement is news if it moves the match, or if it ends a probe.
        let isNews = tracker.members[position].acknowledge(message.index)
        guard
            isNews
                || (tracker.members[position].match == message.index
                    && tracker.members[position].state == .probe)
        else { return }
        switch tracker.members[position].state {
        case .probe: tracker.members[position].becomeReplicate()
        case .replicate: tracker.members[position].inflight.free(upTo: message.index)
        case .snapshot where tracker.members[position].match.next >= log.firstIndex:
            // Whatever snapshot it got, and from whom: the log reaches it again.
            tracker.members[position].becomeProbe()
            tracker.members[position].becomeReplicate()
        case .snapshot: break
        }
        let isOwn = message.from == id
        if advanceCommit() {
            releaseEarlyReads()
            broadcastAppend()
        } else if !isOwn, tracker.members[position].canUse(commit: log.committed) {
            // It may have missed the latest commit index; the next heartbeat would be later.
            sendAppend(to: position, evenIfEmpty: true)
        }
        if isOwn { return }
        // Room in the window: as many full messages as fit.
        while sendAppend(to: position, evenIfEmpty: false) {}
        if message.from == transferee, tracker.members[position].match == log.lastIndex {
            sendTimeoutNow(to: transferee)
        }
    }

    /// Finds the next index where the logs may agree, at most one probe per term of this log.
    private mutating func handleRejection(_ message: Message, from position: Int) {
        var hint = message.rejectHint
        if message.logTerm > .zero {
            // The follower's term at the hint bounds its terms before; entries of this log with
            // higher ones cannot match.
            hint = log.possibleMatch(upTo: hint, term: message.logTerm).index
        }
        guard tracker.members[position].reject(message.index, hint: hint) else { return }
        if tracker.members[position].state == .replicate {
            tracker.members[position].becomeProbe()
        }
        sendAppend(to: position, evenIfEmpty: true)
    }

    mutating func handleHeartbeatResponse(_ message: Message, from position: Int) {
        tracker.members[position].isRecentlyActive = true
        tracker.members[position].isFlowPaused = false
        confirm(message.commit, by: position)
        // A full window lets an empty append out, which finds out whether anything was lost.
        // A probing follower that has everything needs one to leave the probing state.
        if tracker.members[position].match < log.lastIndex
            || tracker.members[position].state == .probe
        {
            sendAppend(to: position, evenIfEmpty: true)
        }
        confirmReads(message)
    }

    /// Commits what a quorum has, if it is of this term (paper 5.4.2). True if anything.
    mutating func advanceCommit() -> Bool {
        let index = tracker.committed()
        guard index > log.committed, index <= log.lastIndex else { return false }
        guard
            log.matches(EntryID(term: term, index: index))
                || settings.plantedFault == .commitsOldTerms
        else { return false }
        log.commit(to: index)
        return true
    }
}
