internal import Encryption
package import KeyValue
package import Primitives

extension MessageLog {
    /// Puts a peer's copy of damaged records back, if they are the records that were lost: what
    /// comes before and what comes behind must both agree with them.
    ///
    /// `copies` have consecutive indices. Throws `refused` when they do not fit the chain.
    package mutating func repair(
        with copies: [LogEntry],
        into batch: inout WriteBatch
    ) throws(LogError) {
        guard let first = copies.first, let last = copies.last else { return }
        try check(first.index)
        try check(last.index)
        guard last.index <= durableIndex else { throw .refused("the log is not on disk yet") }
        var before = try tail(at: first.index.previous)
        for copy in copies {
            precondition(copy.index == before.index.next, "copies have consecutive indices")
            guard !copy.isBlank else { throw .refused("a blank copy repairs nothing") }
            let passes = copy.retention == .passing
            let (row, chain) = StoredRow.encode(
                RecordHeader(copy, in: partition),
                after: before.chain,
                place: passes ? .passing : .here,
                body: copy.body
            )
            let key = LogKeys.record(partition, copy.index)
            batch.put(key, row, in: LogFamilies.records)
            if passes { batch.put(key, copy.body, in: LogFamilies.passing) }
            before = LogTail(index: copy.index, term: copy.term, clock: copy.clock, chain: chain)
        }
        // The chain value at the end of the log is remembered; anywhere else the next record
        // tells, for its own value is a hash over the one that is looked for.
        if last.index == tail.index {
            guard before.chain == tail.chain else { throw misfit(first.index) }
        } else {
            let next = try storedRow(at: last.index.next)
            guard before.chain.chained(with: next.headerBytes[...]) == next.chain else {
                throw misfit(first.index)
            }
        }
    }

    private func misfit(_ index: LogIndex) -> LogError {
        .refused("the copies from record \(index) on do not fit the chain")
    }

    /// Accepts that `lost` will not come back (`warbler log accept-loss`): blank records take the
    /// places, a record at the end of the log says so, and the partition goes on from there.
    ///
    /// `lost` lies inside the log (a hole) or begins right behind its end and reaches to the last
    /// index that was ever promised (the mark's), so that no index is ever given out twice. Nil
    /// when no record is known to be missing, but a promise is: then only the record that says so
    /// is written.
    ///
    /// - Parameters:
    ///   - promised: What the mark says was promised, when that is more than what is stored.
    ///   - term: The term of the new record, at least the log's last; above the mark's when the
    ///     end of the log was lost, for a vote may have gone with it.
    ///   - clock: Its clock, above the log's last.
    ///   - batchBytesMax: A batch of more goes to `handOver`, which brings it to the disk before it
    ///     returns. What says that the loss was accepted comes with the last, in `batch`; a crash
    ///     before that leaves rows that are a loss nobody accepted.
    @discardableResult
    package mutating func acceptLoss(
        of lost: ClosedRange<LogIndex>?,
        promised: LogHardState? = nil,
        term: Term,
        clock: HybridTimestamp,
        reason: String,
        into batch: inout WriteBatch,
        batchBytesMax: Int = .max,
        handOver: (WriteBatch) throws -> Void = { _ in }
    ) throws -> LogTail {
        if let lost {
            guard lost.lowerBound >= firstIndex, lost.lowerBound <= lastIndex.next else {
                throw LogError.refused("the loss must lie in the log or begin at its end")
            }
        }
        guard term >= tail.term, clock > tail.clock else {
            throw LogError.refused("the record of a loss must follow the log's last")
        }
        guard durableIndex == lastIndex else {
            throw LogError.refused("the log is not on disk yet")
        }
        // Rows behind the end are what a damaged end left.
        removeRows(from: lastIndex.next, into: &batch)
        hardState.cuts = max(hardState.cuts, promised?.cuts ?? 0) + 1
        hardState.replica = max(hardState.replica, promised?.replica ?? .none)
        if term > hardState.term {
            hardState.term = term
            hardState.vote = .none
        }
        if let lost { try giveUp(lost, into: &batch, batchBytesMax, handOver) }
        // With the last batch: until then the mark must still tell what is missing.
        putHardState(into: &batch)
        let notice = LossNotice(
            first: lost?.lowerBound ?? tail.index.next,
            last: lost?.upperBound ?? tail.index,
            reason: reason
        )
        write(
            LogEntry(
                term: term,
                index: tail.index.next,
                kind: .lossAccepted,
                clock: clock,
                body: notice.encoded
            ),
            into: &batch
        )
        return tail
    }

    private mutating func giveUp(
        _ lost: ClosedRange<LogIndex>,
        into batch: inout WriteBatch,
        _ batchBytesMax: Int,
        _ handOver: (WriteBatch) throws -> Void
    ) throws {
        let inside = lost.lowerBound <= lastIndex
        if inside {
            let range = lost.lowerBound...min(lost.upperBound, lastIndex)
            try blankOut(range, into: &batch, batchBytesMax, handOver)
        }
        while tail.index < lost.upperBound {
            if batch.byteSize > batchBytesMax {
                try handOver(batch)
                batch = WriteBatch()
                markDurable(tail)
            }
            write(
                LogEntry(
                    term: tail.term,
                    index: tail.index.next,
                    kind: .lost,
                    clock: tail.clock,
                    body: []
                ),
                into: &batch
            )
        }
        let anchor = inside ? try anchor(behind: lost.upperBound) : nil
        let loss = AcceptedLoss(first: lost.lowerBound, last: lost.upperBound, anchor: anchor)
        losses.append(loss)
        batch.put(
            LogKeys.meta(partition, .loss, loss.first),
            loss.row,
            in: LogFamilies.meta
        )
    }

    /// Rows of kind `lost` over a hole. Their chain goes on from what lies before; what lies
    /// behind keeps its own values and is tied to the loss by its anchor.
    private mutating func blankOut(
        _ range: ClosedRange<LogIndex>,
        into batch: inout WriteBatch,
        _ batchBytesMax: Int,
        _ handOver: (WriteBatch) throws -> Void
    ) throws {
        var before = try tail(at: range.lowerBound.previous)
        // At the end of the log there is nothing behind: the rows become the new end.
        let replacesEnd = range.upperBound == lastIndex
        cache.removeAll()
        while before.index < range.upperBound {
            if batch.byteSize > batchBytesMax {
                try handOver(batch)
                batch = WriteBatch()
            }
            let entry = LogEntry(
                term: before.term,
                index: before.index.next,
                kind: .lost,
                clock: before.clock,
                body: []
            )
            let (row, chain) = StoredRow.encode(
                RecordHeader(entry, in: partition),
                after: before.chain,
                place: .here,
                body: []
            )
            let key = LogKeys.record(partition, entry.index)
            batch.put(key, row, in: LogFamilies.records)
            batch.delete(key, in: LogFamilies.passing)
            before = LogTail(
                index: entry.index,
                term: entry.term,
                clock: entry.clock,
                chain: chain
            )
        }
        if replacesEnd { tail = before }
    }

    private func anchor(behind index: LogIndex) throws(LogError) -> Digest? {
        guard index < lastIndex else { return nil }
        let row = try storedRow(at: index.next)
        return Digest(of: (row.headerBytes + row.chain.bytes)[...])
    }
}
