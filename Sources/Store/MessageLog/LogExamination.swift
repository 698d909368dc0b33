package import KeyValue
package import Primitives

/// One partition's log, read whole: what is there, and what accepting its losses would give up.
package struct LogExamination: Sendable {
    package let partition: PartitionID
    package let verdict: MarkVerdict
    /// Records that are as they were written.
    package let intact: Int
    /// Stretches without a readable record, in the order in which they are given up: the end
    /// first, so that no index of it is given out to say that another was lost.
    package let losses: [LostStretch]

    package var isClean: Bool { verdict == .clean && losses.isEmpty }

    /// The same with some of the losses only.
    package func keeping(_ isWanted: (LostStretch) -> Bool) -> LogExamination {
        LogExamination(
            partition: partition,
            verdict: verdict,
            intact: intact,
            losses: losses.filter(isWanted)
        )
    }
}

/// Consecutive indexes of one log that hold nothing that can be read.
package struct LostStretch: Equatable, Sendable {
    package let first: LogIndex
    package let last: LogIndex
    package let reason: String
    /// Damaged rows that are still stored there; what is missing altogether counts nothing.
    package let storedBytes: Int
    /// Clocks of the readable records before and behind, where there are any.
    package let after: HybridTimestamp?
    package let before: HybridTimestamp?

    package var indexes: ClosedRange<LogIndex> { first...last }
}

extension RecoveredLog {
    /// Reads every record.
    ///
    /// - Parameters:
    ///   - mark, applied: As for `MessageLog.recover`.
    ///   - holesMax: Stop after this many damaged records.
    ///   - progress: Told an index every thousand records.
    package func examine(
        mark: MarkEntry?,
        applied: LogIndex,
        holesMax: Int = 100_000,
        progress: (LogIndex) -> Void = { _ in }
    ) throws(LogError) -> LogExamination {
        let end = try lostEnd(mark: mark, applied: applied)
        let sound = end?.first.previous ?? log.lastIndex
        var report = VerifyReport()
        if !log.isEmpty, log.firstIndex <= sound {
            report = try log.verify(log.firstIndex...sound, holesMax: holesMax) {
                progress($0)
                return true
            }
        }
        var losses: [LostStretch] = []
        if let end { losses.append(end) }
        for hole in report.holes.grouped {
            losses.append(try stretch(hole.first...hole.last, hole.reason))
        }
        var verdict = self.verdict
        switch verdict {
        case .amnesia: break
        // A start looks at the end only.
        case .clean, .hole:
            verdict = report.holes.isEmpty ? .clean : .hole(report.holes.map(\.index))
        }
        return LogExamination(
            partition: log.partition,
            verdict: verdict,
            intact: report.intact,
            losses: losses
        )
    }

    /// What is missing or damaged from some index to the last that was ever promised.
    private func lostEnd(
        mark: MarkEntry?,
        applied: LogIndex
    ) throws(LogError) -> LostStretch? {
        guard case .amnesia(let why) = verdict else { return nil }
        var first = log.lastIndex.next
        switch why {
        case .endDiffers(let index): first = index
        case .endDamaged where !log.isEmpty:
            if try log.verify(log.lastIndex...log.lastIndex).firstBad != nil {
                first = log.lastIndex
            }
        default: break
        }
        let stored = max(log.lastIndex, try log.lastRowIndex())
        let last = max(stored, mark?.lastIndex ?? .zero, applied)
        guard first <= last else { return nil }
        return try stretch(first...last, why.description)
    }

    private func stretch(
        _ indexes: ClosedRange<LogIndex>,
        _ reason: String
    ) throws(LogError) -> LostStretch {
        let last = indexes.upperBound
        return LostStretch(
            first: indexes.lowerBound,
            last: last,
            reason: reason,
            storedBytes: try log.storedBytes(indexes),
            after: (try? log.tail(at: indexes.lowerBound.previous))?.clock,
            before: last < log.lastIndex ? (try? log.tail(at: last.next))?.clock : nil
        )
    }
}

extension MessageLog {
    /// Of the rows that stand where records were lost.
    private static var lossBatchBytes: Int { 1 << 20 }

    /// Gives up what `found` names, one stretch after the other (`acceptLoss`); where none is
    /// known but a promise was lost, the log says that.
    ///
    /// - Parameters:
    ///   - promised: What the mark says about this partition.
    ///   - write: Brings a batch to the disk before it returns.
    package mutating func giveUp(
        _ found: LogExamination,
        promised: MarkEntry?,
        wallMilliseconds: UInt64,
        write: (WriteBatch) throws -> Void
    ) throws {
        var clock = HybridClock(last: tail.clock)
        let stretches: [LostStretch?] =
            found.losses.isEmpty ? [nil] : found.losses.map { Optional($0) }
        for stretch in stretches {
            var term = max(hardState.term, tail.term)
            var hard: LogHardState?
            var reason = stretch?.reason ?? ""
            if case .amnesia(let why) = found.verdict {
                hard = promised?.hardState
                // A vote of that term may be among what was lost.
                term = max(term, (promised?.hardState.term ?? .zero).next)
                if stretch == nil { reason = why.description }
            }
            var batch = WriteBatch()
            try acceptLoss(
                of: stretch?.indexes,
                promised: hard,
                term: term,
                clock: clock.next(wallMilliseconds: wallMilliseconds),
                reason: reason,
                into: &batch,
                batchBytesMax: Self.lossBatchBytes,
                handOver: write
            )
            try write(batch)
            markDurable(tail)
        }
    }

    /// The last index under which anything is stored, readable or not.
    func lastRowIndex() throws(LogError) -> LogIndex {
        var found = base.index
        try scanRows(base.index.next..<LogIndex(UInt64.max), reverse: true) { index, _ in
            found = index
            return false
        }
        return found
    }

    func storedBytes(_ range: ClosedRange<LogIndex>) throws(LogError) -> Int {
        var bytes = 0
        let lower = LogKeys.record(partition, range.lowerBound)
        let upper = LogKeys.record(partition, range.upperBound.next)
        do throws(StoreError) {
            for family in [LogFamilies.records, LogFamilies.passing] {
                try store.scan(from: lower, to: upper, in: family, reverse: false) { _, value in
                    bytes += value.count
                    return true
                }
            }
        } catch {
            throw .store(error)
        }
        return bytes
    }
}

extension [VerifyReport.Hole] {
    /// Neighbours put together, with the reason of the first.
    fileprivate var grouped: [(first: LogIndex, last: LogIndex, reason: String)] {
        var groups: [(first: LogIndex, last: LogIndex, reason: String)] = []
        for hole in self {
            if let last = groups.last, last.last.next == hole.index {
                groups[groups.count - 1].last = hole.index
            } else {
                groups.append((hole.index, hole.index, hole.reason))
            }
        }
        return groups
    }
}
