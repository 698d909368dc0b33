import Homeserver
import KeyValue
import Keyspace
import MatrixModel
import MessageLog
import Primitives
import Projections
import Raft

extension PartitionReplica {
    /// Folds committed, locally durable entries and answers the commands behind them.
    mutating func apply(_ task: ApplyTask, _ moment: Moment, into output: inout HostOutput) throws {
        for entry in task.entries {
            try apply(entry, moment, into: &output)
        }
        if let last = task.entries.last {
            precondition(last.index >= applied, "applied never goes back")
            applied = last.index
            raft.applied(upTo: last.index, bytes: task.bytes)
            output.appliedEntries += task.entries.count
            releaseReads(&output)
            releaseRepeats(&output)
        }
    }

    /// Moves folded rows into the turn's batch. Returns whether there were any.
    mutating func flushRows(_ output: inout HostOutput) -> Bool {
        let (rows, changes) = folder.takeBatch()
        guard !rows.isEmpty else { return false }
        output.state.append(rows)
        output.applied.append(
            AppliedChanges(
                partition: id,
                applied: folder.applied?.index ?? applied,
                changes: changes
            )
        )
        return true
    }

    /// Takes note of a new role. A leader decides once its rows hold the first entry of its term.
    ///
    /// The term tells, not the role: who lost the lead and won it again since the last look leads
    /// in another term, and what it decided in the old one may be gone.
    mutating func noteRole(_ output: inout HostOutput) throws {
        let term = raft.isLeader ? raft.term : nil
        guard term != leadsIn else { return }
        if leadsIn != nil { stepDown(&output) }
        guard let term else { return }
        leadsIn = term
        // Nothing was proposed in this term yet: its last entry is its first.
        try beginLeading()
    }

    mutating func write(_ task: AppendTask, _ moment: Moment, into log: inout LogBatch) throws {
        try raft.reader.write(
            task,
            replica: raft.id,
            clock: clock.next(wallMilliseconds: moment.wallMilliseconds),
            into: &log.rows
        )
        log.entries += task.entries.count
        log.marks.append(raft.reader.log.markEntry)
        if task.mustSync { log.mustSync = true }
    }

    private mutating func apply(
        _ entry: Entry,
        _ moment: Moment,
        into output: inout HostOutput
    ) throws {
        switch entry.kind {
        case .change, .changeV2:
            if let change = try? ConfigurationChange(entry) {
                if let now = try? raft.applyConfigurationChange(change) {
                    raft.reader.configuration = now
                }
            }
            try folder.fold(
                [],
                at: entry.index,
                term: entry.term,
                clock: folder.applied?.clock ?? .zero
            )
            return
        case .normal: break
        }
        let facts: [Fact]
        // An entry without facts has no clock of its own that every replica would know here.
        var stamp = folder.applied?.clock ?? .zero
        if let made = madeHere.removeValue(forKey: entry.index), made.term == entry.term {
            facts = made.facts
            stamp = made.clock
        } else if entry.payload.isEmpty {
            facts = []
        } else {
            let stored = try EntryEnvelope.decode(
                entry.payload,
                term: entry.term,
                index: entry.index
            )
            clock.observe(stored.clock)
            stamp = stored.clock
            facts =
                stored.kind == .facts && !stored.isBlank
                ? try EntryBody.decode(stored.body[...]) : []
        }
        let before = folder.changes.count
        try folder.fold(facts, at: entry.index, term: entry.term, clock: stamp)
        settle(entry, changesFrom: before, moment, &output)
    }

    private mutating func settle(
        _ entry: Entry,
        changesFrom before: Int,
        _ moment: Moment,
        _ output: inout HostOutput
    ) {
        var told: Set<OutboxSlot> = []
        for change in folder.changes[before...] {
            switch change {
            case .outbox(let target, let sequence, let message):
                guard hasOutbox else { continue }
                outbox.add(target, sequence, message)
                told.insert(OutboxSlot(target: target, sequence: sequence))
            case .keyBlock:
                keyBlockFolded = true
            default: break
            }
        }
        guard let one = pending.removeValue(forKey: entry.index) else { return }
        if let origin = one.origin {
            if one.term == entry.term {
                settled(origin, &output)
            } else {
                refused(origin, &output)
            }
        }
        for token in one.tokens {
            guard one.term == entry.term else {
                answer(token, .unavailable("another leader's entry took its place"), &output)
                continue
            }
            guard !told.isEmpty else {
                answer(token, .answered(one.answer, entry.index), &output)
                continue
            }
            spreading.append(
                SpreadingAnswer(
                    token: token,
                    answer: one.answer,
                    index: entry.index,
                    waitingFor: told,
                    sinceTick: moment.tick
                )
            )
        }
    }

    mutating func releaseReads(_ output: inout HostOutput) {
        guard !reads.isEmpty else { return }
        for read in reads where read.index <= applied {
            output.answers.append(.read(token: read.token, applied))
        }
        reads.removeAll { $0.index <= applied }
    }

    /// A target has folded a message: whoever waited for it may be answered.
    mutating func delivered(_ slot: OutboxSlot, _ output: inout HostOutput) {
        outbox.delivered[slot.target] = max(outbox.delivered[slot.target] ?? 0, slot.sequence)
        if outbox.underWay[slot.target]?.sequence == slot.sequence {
            outbox.underWay[slot.target] = nil
        }
        guard !spreading.isEmpty else { return }
        for index in spreading.indices { spreading[index].waitingFor.remove(slot) }
        for one in spreading where one.waitingFor.isEmpty {
            answer(one.token, .answered(one.answer, one.index), &output)
        }
        spreading.removeAll { $0.waitingFor.isEmpty }
    }

    /// Answers what waited long enough for other partitions: the change itself is recorded.
    mutating func releaseLate(_ tick: UInt64, after ticks: UInt64, _ output: inout HostOutput) {
        for one in spreading where tick - one.sinceTick >= ticks {
            answer(one.token, .answered(one.answer, one.index), &output)
        }
        spreading.removeAll { tick - $0.sinceTick >= ticks }
    }
}
