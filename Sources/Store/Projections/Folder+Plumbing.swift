import Homeserver
import KeyValue
import Keyspace
import Primitives

extension Folder {
    mutating func foldAlias(_ fact: Fact) throws {
        switch fact {
        case .aliasReserved(let fact):
            let row = AliasRow(
                roomID: fact.roomID,
                creator: fact.creator,
                isConfirmed: false,
                expiresAt: fact.expiresAt
            )
            put(keys.alias(fact.alias), row.encoded)
        case .aliasConfirmed(let fact):
            let row = AliasRow(
                roomID: fact.roomID,
                creator: fact.creator,
                isConfirmed: true,
                expiresAt: 0
            )
            try unlist(fact.alias)
            put(keys.alias(fact.alias), row.encoded)
            put(keys.aliasOfRoom(fact.roomID, fact.alias), [])
        case .aliasRemoved(let fact):
            try unlist(fact.alias)
            delete(keys.alias(fact.alias))
        default: preconditionFailure("not a fact about an alias")
        }
    }

    /// Takes an alias out of the list of its room.
    private mutating func unlist(_ alias: String) throws {
        guard let row: AliasRow = try row(keys.alias(alias)), row.isConfirmed else { return }
        delete(keys.aliasOfRoom(row.roomID, alias))
    }

    mutating func foldPlumbing(_ fact: Fact, clock: HybridTimestamp) throws {
        switch fact {
        case .outboxQueued(let fact):
            let target = PartitionID(fact.target)
            let given = try counter(keys.outboxNext(target))
            let sequence = max(given, try floorOfOutbox()) + 1
            put(keys.outboxNext(target), encode(sequence))
            putUnread(keys.outboxRow(target, sequence), fact.message)
            note(.outbox(target: target, sequence: sequence, message: fact.message))
        case .outboxReceived(let fact):
            put(keys.inboxSequence(PartitionID(fact.source)), encode(fact.sequence))
        case .outboxAcknowledged(let fact):
            let target = PartitionID(fact.target)
            batch.deleteRange(
                from: keys.outboxRow(target, 0),
                to: keys.outboxRow(target, fact.upTo + 1),
                in: .state
            )
        case .keyBlockGranted(let fact):
            var block: KeyBlockRow = try row(keys.keyBlock) ?? KeyBlockRow()
            block.ranges.append(fact.first..<fact.first + fact.count)
            put(keys.keyBlock, block.encoded)
            note(.keyBlock)
        case .commandAnswered(let fact):
            let row = CommandResultRow(expiresAt: fact.expiresAt, answer: fact.answer)
            put(keys.commandResult(fact.command), row.encoded)
        default: preconditionFailure("not a fact between partitions")
        }
    }

    /// A loss was accepted by the record at `index`. Numbers that lost records gave out must not be
    /// given out again, so they go on above all that any record before this one can have used.
    mutating func skipNumbers(at index: LogIndex) throws {
        let floor = raiseOutboxFloor(at: index)
        if partition == .keys {
            // Even where nothing says how far it was: the record that did may be the lost one.
            let allocated = try counter(keys.keyAllocation)
            put(keys.keyAllocation, encode(max(allocated, floor)))
        } else {
            // What was lost may have given out any of these: the partition asks for others.
            put(keys.keyBlock, KeyBlockRow().encoded)
        }
    }

    /// Messages of later records are numbered above those of any record before `index`.
    @discardableResult
    mutating func raiseOutboxFloor(at index: LogIndex) -> UInt64 {
        let floor = Self.numbersFloor(at: index)
        put(keys.outboxFloor, encode(floor))
        outboxFloor = floor
        return floor
    }

    private mutating func floorOfOutbox() throws -> UInt64 {
        if let outboxFloor { return outboxFloor }
        let found = try counter(keys.outboxFloor)
        outboxFloor = found
        return found
    }

    private func counter(_ key: [UInt8]) throws -> UInt64 {
        guard let bytes = try get(key) else { return 0 }
        var reader = ByteReader(bytes)
        return try reader.u64()
    }

    func encode(_ value: UInt64) -> [UInt8] {
        var writer = ByteWriter(reserving: 8)
        writer.u64(value)
        return writer.bytes
    }

    /// Forgets expired command results of one bucket in 4,096, by the first 12 bits of the command
    /// ID: a function of the log alone, so every replica sweeps alike.
    mutating func sweepCommandResults(at index: LogIndex, clock: HybridTimestamp) throws {
        let bucket = UInt64(index.raw / 32 % 4_096)
        let lower = keys.commandResult(CommandID(high: bucket << 52, low: 0))
        let upper =
            bucket == 4_095
            ? keyAfter(prefix: keys.commandResultPrefix)
            : keys.commandResult(CommandID(high: (bucket + 1) << 52, low: 0))
        var expired: [[UInt8]] = []
        func look(_ key: [UInt8], _ value: [UInt8]) {
            if let row = try? CommandResultRow(value), row.expiresAt < clock.milliseconds {
                expired.append(key)
            }
        }
        try store.scan(from: lower, to: upper, in: .state, reverse: false) { key, value in
            let key = Array(key)
            if pending[key] == nil { look(key, Array(value)) }
            return true
        }
        for (key, value) in pending {
            guard let value, !key.lexicographicallyPrecedes(lower),
                key.lexicographicallyPrecedes(upper)
            else { continue }
            look(key, value)
        }
        for key in expired.sorted(by: { $0.lexicographicallyPrecedes($1) }) { delete(key) }
    }
}
