package import KeyValue
package import Primitives

/// Bounds of one partition's log.
package struct MessageLogSettings: Sendable {
    /// Bytes of recent entries kept in memory, beside what is not durable yet.
    package var cacheBytesMax = 4 << 20
    /// How many records are read and checked from the end backwards at start.
    package var recoveryRecords = 1_000

    package init() {}
}

/// One partition's log on one node (architecture 2.1): append, read, verify, prune, trim.
///
/// A value owned by the partition's host. Changes go into a batch that the host hands to the
/// storage thread, and are visible here at once; `markDurable` says when the disk has them, and
/// only then may a promise that rests on them leave. A batch that was built must be written, in
/// order: after a failed write the value is worthless.
package struct MessageLog<Store: KeyValueReader>: Sendable {
    package let partition: PartitionID
    let store: Store
    let settings: MessageLogSettings
    /// The last record before the log: `firstIndex` is the one after.
    package internal(set) var base: LogTail
    package internal(set) var tail: LogTail
    /// The last index known to be on disk.
    package internal(set) var durableIndex: LogIndex
    package internal(set) var hardState: LogHardState
    package internal(set) var losses: [AcceptedLoss]
    var cache: EntryCache

    init(
        partition: PartitionID,
        store: Store,
        settings: MessageLogSettings,
        base: LogTail,
        tail: LogTail,
        hardState: LogHardState,
        losses: [AcceptedLoss]
    ) {
        self.partition = partition
        self.store = store
        self.settings = settings
        self.base = base
        self.tail = tail
        self.hardState = hardState
        self.losses = losses
        durableIndex = tail.index
        cache = EntryCache(byteSizeMax: settings.cacheBytesMax)
    }

    package var firstIndex: LogIndex { base.index.next }
    /// `firstIndex - 1` when the log is empty.
    package var lastIndex: LogIndex { tail.index }
    package var lastTerm: Term { tail.term }
    package var isEmpty: Bool { tail.index == base.index }

    /// Appends entries with consecutive indices. The first may lie inside the log: then what is
    /// stored from there on is cut off first and the chain goes on from before it.
    ///
    /// Throws only when the record before a cut cannot be read; nothing was changed then.
    @discardableResult
    package mutating func append(
        _ entries: [LogEntry],
        into batch: inout WriteBatch
    ) throws(LogError) -> LogTail {
        guard let first = entries.first else { return tail }
        precondition(first.index <= tail.index.next, "the log has no holes")
        precondition(first.index > base.index, "what was trimmed is not written again")
        if first.index <= tail.index { try cut(from: first.index, into: &batch) }
        for entry in entries { write(entry, into: &batch) }
        cache.shrink(durable: durableIndex)
        return tail
    }

    /// Term, vote and replica ID; does nothing when they are as stored.
    /// Returns true when there is something to sync.
    @discardableResult
    package mutating func setHardState(
        term: Term,
        vote: ReplicaID,
        replica: ReplicaID? = nil,
        into batch: inout WriteBatch
    ) -> Bool {
        precondition(term >= hardState.term, "terms never go back")
        var changed = hardState
        changed.term = term
        changed.vote = vote
        if let replica { changed.replica = replica }
        guard changed != hardState else { return false }
        hardState = changed
        putHardState(into: &batch)
        return true
    }

    /// The disk has everything up to `synced`: the tail as it was after the last `append` whose
    /// batch was written. Ignored when that record was cut off again in the meantime: the batch
    /// that holds its replacement is still under way.
    package mutating func markDurable(_ synced: LogTail) {
        guard synced.index > durableIndex, synced.index <= tail.index else { return }
        // What is not durable is in the cache, so this asks memory only.
        let stored = synced.index == tail.index ? tail.chain : cache.chain(at: synced.index)
        guard stored == synced.chain else { return }
        durableIndex = synced.index
        cache.shrink(durable: durableIndex)
    }

    /// Replaces the whole log by what a snapshot at `tail` stands for: no records, and the next
    /// one follows `tail`.
    package mutating func reset(to tail: LogTail, into batch: inout WriteBatch) {
        removeRows(from: .zero, into: &batch)
        for loss in losses {
            batch.delete(LogKeys.meta(partition, .loss, loss.first), in: LogFamilies.meta)
        }
        losses = []
        hardState.cuts += 1
        putHardState(into: &batch)
        base = tail
        putBase(into: &batch)
        self.tail = tail
        durableIndex = tail.index
        cache.removeAll()
    }

    // MARK: writing

    mutating func write(_ entry: LogEntry, into batch: inout WriteBatch) {
        precondition(entry.index == tail.index.next, "the log has no holes")
        precondition(entry.term >= tail.term, "terms never go back along a log")
        let header = RecordHeader(entry, in: partition)
        let key = LogKeys.record(partition, entry.index)
        let passes = entry.retention == .passing
        let (row, chain) = StoredRow.encode(
            header,
            after: tail.chain,
            place: passes ? .passing : .here,
            body: entry.body
        )
        batch.put(key, row, in: LogFamilies.records)
        if passes { batch.put(key, entry.body, in: LogFamilies.passing) }
        tail = LogTail(index: entry.index, term: entry.term, clock: entry.clock, chain: chain)
        cache.append(entry, chain: chain)
    }

    private mutating func cut(
        from index: LogIndex,
        into batch: inout WriteBatch
    ) throws(LogError) {
        let before = try tail(at: index.previous)
        removeRows(from: index, into: &batch)
        hardState.cuts += 1
        putHardState(into: &batch)
        tail = before
        durableIndex = min(durableIndex, before.index)
        cache.cut(from: index)
        for loss in losses where loss.first >= index {
            batch.delete(LogKeys.meta(partition, .loss, loss.first), in: LogFamilies.meta)
        }
        losses.removeAll { $0.first >= index }
    }

    func removeRows(
        from first: LogIndex,
        through last: LogIndex = LogIndex(UInt64.max - 1),
        into batch: inout WriteBatch
    ) {
        let lower = LogKeys.record(partition, first)
        let upper = LogKeys.record(partition, last.next)
        batch.deleteRange(from: lower, to: upper, in: LogFamilies.records)
        batch.deleteRange(from: lower, to: upper, in: LogFamilies.passing)
    }

    func putHardState(into batch: inout WriteBatch) {
        batch.put(LogKeys.meta(partition, .hardState), hardState.row, in: LogFamilies.meta)
    }

    func putBase(into batch: inout WriteBatch) {
        batch.put(LogKeys.meta(partition, .base), base.row, in: LogFamilies.meta)
    }
}
