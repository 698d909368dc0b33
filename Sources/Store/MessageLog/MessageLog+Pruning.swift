package import KeyValue
package import Primitives

extension MessageLog {
    /// Takes the bodies of single records away: a redaction, an erasure, or a passing record that
    /// has passed. Headers stay and the chain still verifies.
    ///
    /// - Returns: How many bodies went; those already blank do not count.
    @discardableResult
    package mutating func prune(
        _ indexes: some Sequence<LogIndex>,
        into batch: inout WriteBatch
    ) throws(LogError) -> Int {
        var pruned = 0
        for index in indexes {
            try check(index)
            // Not yet in the store: the row that is on its way would bring the body back.
            guard index <= durableIndex else {
                throw .refused("record \(index) is not on disk yet")
            }
            let row = try storedRow(at: index)
            guard row.place != .pruned, row.header.bodyCount > 0 else { continue }
            let key = LogKeys.record(partition, index)
            batch.put(key, row.blanked, in: LogFamilies.records)
            if row.place == .passing { batch.delete(key, in: LogFamilies.passing) }
            cache.blank(index)
            pruned += 1
        }
        return pruned
    }

    /// The passing bodies of `range` that are still there, oldest first.
    package func passingRecords(
        in range: ClosedRange<LogIndex>,
        limit: Int
    ) throws(LogError) -> [LogIndex] {
        var found: [LogIndex] = []
        guard limit > 0 else { return found }
        do throws(StoreError) {
            try store.scan(
                from: LogKeys.record(partition, range.lowerBound),
                to: LogKeys.record(partition, range.upperBound.next),
                in: LogFamilies.passing,
                reverse: false
            ) { key, _ in
                if let index = LogKeys.index(of: key) { found.append(index) }
                return found.count < limit
            }
        } catch {
            throw .store(error)
        }
        return found
    }

    /// Removes every record up to and including `index`, headers and all: for the partition whose
    /// old records must really go away (architecture 2.6), and behind a snapshot.
    ///
    /// The bytes leave the disk when the store is compacted; the caller asks for that.
    package mutating func truncatePrefix(
        through index: LogIndex,
        into batch: inout WriteBatch
    ) throws(LogError) {
        guard index > base.index else { return }
        guard index <= durableIndex else {
            throw .refused("records up to \(index) are not on disk yet")
        }
        let last = try tail(at: index)
        removeRows(from: .zero, through: index, into: &batch)
        // A loss that ends right at `index` stays: its anchor ties the record behind it.
        for loss in losses where loss.last < index {
            batch.delete(LogKeys.meta(partition, .loss, loss.first), in: LogFamilies.meta)
        }
        losses.removeAll { $0.last < index }
        cache.cut(through: index)
        base = last
        putBase(into: &batch)
    }
}
