internal import Encryption
package import KeyValue
package import Primitives

/// A log as a node finds it at start.
package struct RecoveredLog<Store: KeyValueReader>: Sendable {
    package var log: MessageLog<Store>
    package let verdict: MarkVerdict
}

extension MessageLog {
    /// Opens one partition's log: finds its end, checks the last records, and at least those
    /// behind the mark, and holds the result against the mark.
    ///
    /// - Parameters:
    ///   - mark: What the mark says about this partition; nil when there is no mark.
    ///   - applied: The last index whose rows are stored: the log reached at least that far.
    /// - Throws: `LogError.store` only: damage becomes a verdict.
    package static func recover(
        _ partition: PartitionID,
        from store: Store,
        mark: MarkEntry?,
        applied: LogIndex = .zero,
        settings: MessageLogSettings = MessageLogSettings()
    ) throws(LogError) -> RecoveredLog<Store> {
        var trouble: String?
        let meta = try MetaRows(partition, store, &trouble)
        var log = MessageLog(
            partition: partition,
            store: store,
            settings: settings,
            base: meta.base,
            tail: meta.base,
            hardState: meta.hardState,
            losses: meta.losses
        )
        try log.findEnd(&trouble)
        let forgotten =
            trouble.map { Amnesia.endDamaged($0) } ?? log.amnesia(against: mark)
            ?? log.amnesia(applied: applied)
        if let forgotten { return RecoveredLog(log: log, verdict: .amnesia(forgotten)) }
        let holes = try log.holesAtEnd(mark: mark)
        // The end is the one record whose chain value has nothing behind it to vouch for it.
        if let last = holes.last, last == log.lastIndex {
            let end = Amnesia.endDamaged("record \(last) fails its check")
            return RecoveredLog(log: log, verdict: .amnesia(end))
        }
        return RecoveredLog(log: log, verdict: holes.isEmpty ? .clean : .hole(holes))
    }

    /// Every partition that has rows in the store, in order.
    package static func partitions(in store: Store) throws(LogError) -> [PartitionID] {
        var found: [PartitionID] = []
        for family in [LogFamilies.meta, LogFamilies.records] {
            var lower: [UInt8] = [0, 0]
            while let partition = try first(in: family, from: lower, of: store) {
                if !found.contains(partition) { found.append(partition) }
                guard partition.raw < UInt16.max else { break }
                lower = Array(LogKeys.record(PartitionID(partition.raw + 1), .zero).prefix(2))
            }
        }
        return found.sorted()
    }

    private static func first(
        in family: ColumnFamily,
        from lower: [UInt8],
        of store: Store
    ) throws(LogError) -> PartitionID? {
        var found: PartitionID?
        do throws(StoreError) {
            try store.scan(from: lower, to: [], in: family, reverse: false) { key, _ in
                guard key.count >= 2 else { return true }
                found = PartitionID(UInt16(key[0]) << 8 | UInt16(key[1]))
                return false
            }
        } catch {
            throw .store(error)
        }
        return found
    }

    /// Walks back from the last row to the last one that can be an end: it parses and its body
    /// fits. Anything it had to pass over is trouble.
    private mutating func findEnd(_ trouble: inout String?) throws(LogError) {
        var candidates: [(LogIndex, [UInt8])] = []
        let all = base.index.next..<LogIndex(UInt64.max)
        try scanRows(all, reverse: true) { index, value in
            candidates.append((index, Array(value)))
            return candidates.count < 2
        }
        while let (index, bytes) = candidates.first {
            do throws(LogError) {
                let record = try complete(try row(decoding: bytes, at: index))
                if let loss = losses.last, record.header.kind == .lost, loss.last < index {
                    throw damaged(index, "a loss that nobody accepted")
                }
                tail = record.tail
                durableIndex = index
                return
            } catch {
                guard case .damaged(_, _, let why) = error else { throw error }
                trouble = trouble ?? "record \(index): \(why)"
            }
            candidates.removeAll()
            try scanRows(base.index.next..<index, reverse: true) { index, value in
                candidates.append((index, Array(value)))
                return false
            }
        }
        tail = base
        durableIndex = base.index
    }

    private func holesAtEnd(mark: MarkEntry?) throws(LogError) -> [LogIndex] {
        guard !isEmpty else { return [] }
        let span = UInt64(max(1, settings.recoveryRecords))
        let recent = LogIndex(lastIndex.raw > span ? lastIndex.raw - span + 1 : 1)
        let from = max(firstIndex, min(recent, mark?.lastIndex ?? recent))
        let report = try verify(from...lastIndex, holesMax: 100)
        return report.holes.map(\.index)
    }
}

/// The meta rows of one partition. What cannot be read is trouble, and its default is used.
private struct MetaRows {
    var hardState = LogHardState()
    var base = LogTail.zero
    var losses: [AcceptedLoss] = []

    init(
        _ partition: PartitionID,
        _ store: some KeyValueReader,
        _ trouble: inout String?
    ) throws(LogError) {
        let prefix = Array(LogKeys.record(partition, .zero).prefix(2))
        let rows: [(key: [UInt8], value: [UInt8])]
        do throws(StoreError) {
            rows = try store.rows(
                from: prefix,
                to: KeyOrder.end(ofPrefix: prefix),
                in: LogFamilies.meta
            )
        } catch {
            throw .store(error)
        }
        for (key, value) in rows {
            do throws(DecodeError) {
                try read(key, value)
            } catch {
                trouble = trouble ?? "a meta row: \(error)"
            }
        }
    }

    private mutating func read(_ key: [UInt8], _ value: [UInt8]) throws(DecodeError) {
        var reader = ByteReader(key[2...])
        let rawTag = try reader.u8()
        switch MetaTag(rawValue: rawTag) {
        case .hardState: hardState = try LogHardState(row: value)
        case .base: base = try LogTail(row: value)
        case .loss:
            losses.append(try AcceptedLoss(first: LogIndex(try reader.u64()), row: value))
        case nil: throw .unknownKind(UInt64(rawTag))
        }
    }
}
