import Primitives

extension RaftCore {
    /// Whether `takeReady()` would return anything.
    var hasReady: Bool { mutating get { isAnythingOwed } }

    private var isAnythingOwed: Bool {
        if !messages.isEmpty || !messagesAfterAppend.isEmpty || !ownAfterAppend.isEmpty {
            return true
        }
        if log.unstable.hasNext || log.unstable.hasNextSnapshot { return true }
        if log.hasNextCommitted(allowUnstable: !settings.asyncWrites) { return true }
        if softState != lastSoftState || hardState != lastHardState { return true }
        return hasUnaskedReads || !readStates.isEmpty || !droppedReads.isEmpty
    }

    /// Takes everything owed since the last call. It must be carried out.
    mutating func takeReady() -> Ready {
        askForReads()
        var soft: SoftState?
        if softState != lastSoftState {
            lastSoftState = softState
            soft = lastSoftState
        }
        let entries = log.unstable.hasNext ? log.unstable.nextEntries() : []
        let current = hardState
        let mustSync =
            !entries.isEmpty || current.term != lastHardState.term
            || current.vote != lastHardState.vote
        var hard: HardState?
        if current != lastHardState {
            lastHardState = current
            hard = current
        }
        var append = takeAppendTask(entries, hardState: hard, sync: mustSync)
        let apply = takeApplyTask()
        if !settings.asyncWrites { settle(&append, apply) }
        let ready = Ready(
            softState: soft,
            hardState: hard,
            mustSync: mustSync,
            readStates: readStates,
            droppedReads: droppedReads,
            append: append,
            apply: apply,
            messages: messages
        )
        readStates = []
        droppedReads = []
        messages = []
        return ready
    }

    private mutating func takeAppendTask(
        _ entries: [Entry],
        hardState: HardState?,
        sync: Bool
    ) -> AppendTask? {
        let snapshot = log.unstable.hasNextSnapshot ? log.unstable.snapshot : nil
        guard
            !entries.isEmpty || hardState != nil || snapshot != nil
                || !messagesAfterAppend.isEmpty || !ownAfterAppend.isEmpty
        else { return nil }
        precondition(
            entries.isEmpty || snapshot == nil || entries[0].index == snapshot!.index.next,
            "entries follow the snapshot they came with"
        )
        var own: [Message] = []
        var responses: [Message] = []
        swap(&own, &ownAfterAppend)
        swap(&responses, &messagesAfterAppend)
        // Every task made while entries are unstable carries the mark, not only the one with the
        // entries: a mark from an earlier term is ignored, and one of this term must follow.
        let acknowledgement = AppendAck(
            ownResponses: own,
            term: term,
            last: log.unstable.isEmpty ? nil : log.last,
            snapshot: snapshot?.index
        )
        log.markInProgress()
        return AppendTask(
            entries: entries,
            hardState: hardState,
            snapshot: snapshot,
            mustSync: sync || snapshot != nil,
            responses: responses,
            acknowledgement: acknowledgement
        )
    }

    private mutating func takeApplyTask() -> ApplyTask? {
        let entries = log.takeCommitted(allowUnstable: !settings.asyncWrites)
        if entries.isEmpty { return nil }
        var bytes = 0
        for entry in entries { bytes += entry.payload.count }
        return ApplyTask(entries: entries, bytes: bytes)
    }

    /// Without asynchronous writes: messages wait for nothing, the rest for `advance()`.
    private mutating func settle(_ append: inout AppendTask?, _ apply: ApplyTask?) {
        precondition(pendingAdvance == nil, "two Readys without advance()")
        if append == nil, apply == nil { return }
        if let task = append {
            messages.append(contentsOf: task.responses)
            append?.responses = []
        }
        let none = AppendAck(ownResponses: [], term: term, last: nil, snapshot: nil)
        pendingAdvance = (append?.acknowledgement ?? none, apply)
    }

    /// Without asynchronous writes: the last Ready is carried out in full.
    mutating func advance() {
        precondition(!settings.asyncWrites, "asynchronous writes are reported by appended(_:)")
        guard let (acknowledgement, apply) = pendingAdvance else { return }
        pendingAdvance = nil
        appended(acknowledgement)
        if let apply, let last = apply.entries.last {
            applied(upTo: last.index, bytes: apply.bytes)
        }
    }

    /// An append task, and all before it, is durable.
    mutating func appended(_ acknowledgement: AppendAck) {
        for response in acknowledgement.ownResponses {
            // Own messages are never at fault; an outdated one is ignored.
            try? handle(response)
        }
        // In a later term other tasks may be about to overwrite what this one wrote.
        if acknowledgement.term == term, let last = acknowledgement.last {
            log.stable(to: last)
        }
        // A snapshot holds committed state, whatever the term.
        if let snapshot = acknowledgement.snapshot {
            log.stableSnapshot(at: snapshot)
            log.applied(snapshot: snapshot)
            leaveJointIfDue()
        }
    }

    /// Entries up to `index` are in the state machine; `bytes` as the tasks said. Tasks may be
    /// reported one by one, several at once, or in part.
    mutating func applied(upTo index: LogIndex, bytes: Int) {
        uncommittedBytes = max(0, uncommittedBytes - bytes)
        // A snapshot may have overtaken it.
        guard index > log.applied else { return }
        log.applied(to: index, payloadBytes: bytes)
        leaveJointIfDue()
    }
}
