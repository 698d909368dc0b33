import Homeserver
import KeyValue
import Keyspace
import Primitives
import Projections
import Raft

extension HostTurn {
    /// Carries messages between the partitions that this host leads, and asks for keys.
    mutating func pump(
        _ partitions: [PartitionID],
        _ moment: Moment,
        _ output: inout HostOutput
    ) throws {
        let settled = output.settled
        output.settled = []
        for (delivery, target) in settled {
            let slot = OutboxSlot(target: target, sequence: delivery.sequence)
            with(delivery.source) { $0.delivered(slot, &output) }
        }
        for (delivery, _) in settled { touch(delivery.source) }
        let refused = output.refused
        output.refused = []
        for (delivery, target) in refused {
            let slot = OutboxSlot(target: target, sequence: delivery.sequence)
            with(delivery.source) { $0.outbox.takeBack(slot) }
        }
        for source in partitions {
            guard with(source, { $0.isReady }) == true else { continue }
            for (target, sequence, message) in dueMessages(of: source) {
                guard isReady(target) else { continue }
                try deliver(message, from: source, to: target, sequence, moment, &output)
            }
            if let (target, upTo) = with(source, { $0.dueAcknowledgement() }) ?? nil {
                try acknowledge(source, target, upTo, moment, &output)
            }
            try askForKeys(source, moment, &output)
        }
    }

    private mutating func dueMessages(
        of source: PartitionID
    ) -> [(target: PartitionID, sequence: UInt64, message: [UInt8])] {
        with(source) { $0.dueMessages() } ?? []
    }

    private mutating func deliver(
        _ message: [UInt8],
        from source: PartitionID,
        to target: PartitionID,
        _ sequence: UInt64,
        _ moment: Moment,
        _ output: inout HostOutput
    ) throws {
        var reader = ByteReader(message)
        let fact = try Fact(from: &reader)
        with(source) { $0.takeMessage(for: target, sequence) }
        let command = Command(
            id: CommandID(high: UInt64(source.raw), low: sequence),
            answerLifetime: 0,
            action: .deliver(source: source, sequence: sequence, message: fact)
        )
        let delivery = Delivery(source: source, sequence: sequence)
        try with(target) {
            try $0.handle(command, token: nil, delivery: delivery, moment, into: &output)
        }
        touch(target)
        touch(source)
    }

    private mutating func acknowledge(
        _ source: PartitionID,
        _ target: PartitionID,
        _ upTo: UInt64,
        _ moment: Moment,
        _ output: inout HostOutput
    ) throws {
        with(source) { $0.outbox.acknowledged[target] = upTo }
        let command = Command(
            id: CommandID(high: UInt64(target.raw) | 1 << 32, low: upTo),
            answerLifetime: 0,
            action: .acknowledgeOutbox(target: target, upTo: upTo)
        )
        try with(source) { try $0.handle(command, token: nil, moment, into: &output) }
        touch(source)
    }

    private mutating func askForKeys(
        _ id: PartitionID,
        _ moment: Moment,
        _ output: inout HostOutput
    ) throws {
        guard id != .keys, id != .control, isReady(.keys) else { return }
        let low = settings.keysLow
        let patience = 2 * settings.parkedTicks
        let asks = try with(id) { replica in
            // Asked before, and no answer for long: the request was dropped.
            if let asked = replica.askedForKeysAt, moment.tick - asked < patience { return false }
            return try replica.homeserver.keysLeft() < low
        }
        guard asks == true else { return }
        with(id) { $0.askedForKeysAt = moment.tick }
        let command = Command(
            id: CommandID(high: UInt64(id.raw) | 2 << 32, low: moment.tick),
            answerLifetime: 0,
            action: .createKeys(partition: id, count: settings.keyBlock)
        )
        try with(.keys) { try $0.handle(command, token: nil, moment, into: &output) }
        touch(.keys)
    }
}

extension PartitionReplica {
    /// The next message for each target that folds none of this partition's right now.
    func dueMessages() -> [(target: PartitionID, sequence: UInt64, message: [UInt8])] {
        guard !outbox.waiting.isEmpty else { return [] }
        return outbox.waiting.keys.sorted().compactMap { target in
            guard outbox.underWay[target] == nil, !outbox.resting.contains(target),
                let first = outbox.waiting[target]?.first
            else { return nil }
            return (target, first.sequence, first.message)
        }
    }

    mutating func takeMessage(for target: PartitionID, _ sequence: UInt64) {
        outbox.underWay[target] = outbox.waiting[target]?.removeFirst()
        if outbox.waiting[target]?.isEmpty == true { outbox.waiting[target] = nil }
    }

    /// Folded messages are forgotten in groups: 64 at once, so that most entries cost no second.
    func dueAcknowledgement() -> (target: PartitionID, upTo: UInt64)? {
        for target in outbox.delivered.keys.sorted() {
            let upTo = outbox.delivered[target] ?? 0
            if upTo >= (outbox.acknowledged[target] ?? 0) + 64 { return (target, upTo) }
        }
        return nil
    }

    mutating func giveUp(_ tick: UInt64, after ticks: UInt64, _ output: inout HostOutput) {
        let late = deferred.filter { $0.until == nil && tick - $0.sinceTick >= ticks }
        guard !late.isEmpty else { return }
        for one in late {
            answer(one.token, .unavailable("no key is at hand"), &output)
            if let delivery = one.delivery { refused(delivery, &output) }
        }
        deferred.removeAll { $0.until == nil && tick - $0.sinceTick >= ticks }
    }
}
