import Homeserver
import KeyValue
import Keyspace
import MatrixModel
import MessageLog
import Primitives
import Projections
import Raft

extension PartitionReplica {
    /// Decides a command and proposes what follows, in one breath (architecture 2.2).
    mutating func handle(
        _ command: Command,
        token: UInt64?,
        delivery: Delivery? = nil,
        _ moment: Moment,
        into output: inout HostOutput
    ) throws {
        guard isReady else {
            answer(token, .unavailable("partition \(id) has no leader here yet"), &output)
            if let delivery { refused(delivery, &output) }
            return
        }
        if case .setReceipts(let room, let wishes) = command.action {
            collect(wishes, in: room, token)
            return
        }
        let next = raft.last.index.next
        let context = DecisionContext(
            wallMilliseconds: moment.wallMilliseconds,
            recordMilliseconds: max(moment.wallMilliseconds, clock.last.milliseconds),
            nextIndex: next,
            visible: visible
        )
        switch try homeserver.decide(command, context) {
        case .rejected(let error):
            answer(token, .rejected(error), &output)
            // A message is rejected only when one before it is missing: it must not be lost too.
            if let delivery { refused(delivery, &output) }
        case .repeated(let known, let after):
            if let token { repeats.append((token, known, after)) }
            if let delivery { settled(delivery, &output) }
            releaseRepeats(&output)
        case .wait(let index):
            deferred.append(
                DeferredCommand(
                    command: command,
                    token: token,
                    until: index,
                    sinceTick: moment.tick,
                    delivery: delivery
                )
            )
        case .parked:
            deferred.append(
                DeferredCommand(
                    command: command,
                    token: token,
                    until: nil,
                    sinceTick: moment.tick,
                    delivery: delivery
                )
            )
        case .append(let facts, let known):
            let tokens = token.map { [$0] } ?? []
            try propose(facts, answering: known, tokens, delivery, at: next, moment, &output)
        }
    }

    mutating func propose(
        _ facts: [Fact],
        answering known: CommandAnswer,
        _ tokens: [UInt64],
        _ delivery: Delivery?,
        at next: LogIndex,
        _ moment: Moment,
        _ output: inout HostOutput
    ) throws {
        // An entry of more could not be read again: of an account in tens of thousands of rooms.
        guard facts.count <= EntryBody.factsMax else {
            try loseCount()
            let text = "This changes more than \(EntryBody.factsMax) things at once"
            for token in tokens { answer(token, .rejected(.tooLarge(text)), &output) }
            if let delivery { refused(delivery, &output) }
            return
        }
        let retention = EntryBody.retention(of: facts)
        let stamp = clock.next(wallMilliseconds: moment.wallMilliseconds)
        let payload = EntryEnvelope.encode(
            retention: retention == .kept ? .kept : .passing,
            clock: stamp,
            body: EntryBody.encode(facts)
        )
        do throws(ProposeError) {
            let assigned = try raft.propose([payload])
            precondition(assigned.first == next, "a decision names the index its entry gets")
            pending[next] = PendingCommand(
                tokens: tokens,
                term: assigned.term,
                answer: known,
                origin: delivery
            )
            madeHere[next] = (assigned.term, facts, stamp)
        } catch {
            try loseCount()
            for token in tokens {
                answer(token, .unavailable("partition \(id): \(error)"), &output)
            }
            if let delivery { refused(delivery, &output) }
        }
    }

    func answer(_ token: UInt64?, _ outcome: CommandOutcome, _ output: inout HostOutput) {
        if let token { output.answers.append(.command(token: token, outcome)) }
    }

    mutating func releaseRepeats(_ output: inout HostOutput) {
        guard !repeats.isEmpty else { return }
        for one in repeats where one.after <= applied {
            answer(one.token, .answered(one.answer, max(one.after, applied)), &output)
        }
        repeats.removeAll { $0.after <= applied }
    }

    /// Tells the turn that a message of another partition's outbox needs no more work here.
    func settled(_ delivery: Delivery, _ output: inout HostOutput) {
        output.settled.append((delivery, id))
    }

    /// Tells the turn that a message was not folded here, and is to come again.
    func refused(_ delivery: Delivery, _ output: inout HostOutput) {
        output.refused.append((delivery, id))
    }

    /// Whether a deferred command may be decided again once this turn's rows are written.
    var hasDueAfterWriting: Bool {
        keyBlockFolded || deferred.contains { ($0.until ?? .zero) <= applied && $0.until != nil }
    }

    /// Takes out the deferred commands that may be decided again.
    mutating func takeDue(keysArrived: Bool) -> [DeferredCommand] {
        guard !deferred.isEmpty else { return [] }
        var due: [DeferredCommand] = []
        var rest: [DeferredCommand] = []
        for one in deferred {
            let isDue = one.until.map { $0 <= visible } ?? keysArrived
            if isDue { due.append(one) } else { rest.append(one) }
        }
        deferred = rest
        return due
    }

    /// No longer leads: what was under way may or may not happen.
    mutating func stepDown(_ output: inout HostOutput) {
        for (_, one) in pending.sorted(by: { $0.key < $1.key }) {
            for token in one.tokens { answer(token, .outcomeUnknown, &output) }
            if let origin = one.origin { refused(origin, &output) }
        }
        for token in receipts.tokens { answer(token, .unavailable("leadership moved"), &output) }
        receipts = CollectedReceipts()
        for one in deferred {
            answer(one.token, .unavailable("leadership moved"), &output)
            if let delivery = one.delivery { refused(delivery, &output) }
        }
        for one in repeats { answer(one.token, .outcomeUnknown, &output) }
        for one in spreading {
            answer(one.token, .answered(one.answer, one.index), &output)
        }
        pending = [:]
        madeHere = [:]
        deferred = []
        repeats = []
        spreading = []
        askedForKeysAt = nil
        leadsIn = nil
        stopLeading()
    }
}
