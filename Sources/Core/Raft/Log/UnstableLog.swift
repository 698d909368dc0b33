import Primitives

/// The end of the log that is not yet known to be durable: entries from `offset` on, and perhaps
/// a snapshot just below them. Part of it may be on its way to the disk.
struct UnstableLog: Sendable {
    private(set) var snapshot: SnapshotMetadata?
    private(set) var isSnapshotInProgress = false
    private(set) var entries: [Entry] = []
    /// Index of `entries[0]`. The stored log may reach further and will be overwritten.
    private(set) var offset: LogIndex
    /// Entries below this have been handed out to be written.
    private(set) var inProgressEnd: LogIndex

    init(offset: LogIndex) {
        self.offset = offset
        inProgressEnd = offset
    }

    var end: LogIndex { offset.advanced(by: entries.count) }
    var isEmpty: Bool { entries.isEmpty }
    var hasNext: Bool { inProgressEnd < end }
    var hasNextSnapshot: Bool { snapshot != nil && !isSnapshotInProgress }

    func position(of index: LogIndex) -> Int { Int(index.raw - offset.raw) }

    /// The term at an index held here.
    func term(at index: LogIndex) -> Term? {
        if index < offset {
            guard let snapshot, snapshot.index == index else { return nil }
            return snapshot.term
        }
        return index < end ? entries[position(of: index)].term : nil
    }

    /// Entries not handed out yet.
    func nextEntries() -> [Entry] {
        let start = position(of: inProgressEnd)
        return start == 0 ? entries : Array(entries[start...])
    }

    func slice(_ range: Range<LogIndex>) -> ArraySlice<Entry> {
        precondition(offset <= range.lowerBound && range.upperBound <= end, "not held in memory")
        return entries[position(of: range.lowerBound)..<position(of: range.upperBound)]
    }

    mutating func markInProgress() {
        inProgressEnd = end
        if snapshot != nil { isSnapshotInProgress = true }
    }

    /// Forgets what is durable. The caller attests that no write under way can overwrite it.
    mutating func stable(to id: EntryID) {
        guard id.index >= offset, id.index < end else { return }
        let count = position(of: id.index) + 1
        guard entries[count - 1].term == id.term else { return }
        if count == entries.count {
            // Most likely shared with what was sent: to keep the buffer would mean to copy it.
            entries = []
        } else {
            entries.removeSubrange(0..<count)
        }
        offset = id.index.next
        if inProgressEnd < offset { inProgressEnd = offset }
    }

    mutating func stableSnapshot(at index: LogIndex) {
        guard snapshot?.index == index else { return }
        snapshot = nil
        isSnapshotInProgress = false
    }

    mutating func restore(_ snapshot: SnapshotMetadata) {
        self.snapshot = snapshot
        isSnapshotInProgress = false
        entries = []
        offset = snapshot.index.next
        inProgressEnd = offset
    }

    /// Appends, dropping whatever is at or after the first new index.
    mutating func replace(with new: ArraySlice<Entry>) {
        guard let from = new.first?.index else { return }
        if from == end {
            entries.append(contentsOf: new)
        } else if from <= offset {
            entries = Array(new)
            offset = from
            inProgressEnd = from
        } else {
            entries.removeSubrange(position(of: from)...)
            entries.append(contentsOf: new)
            if from < inProgressEnd { inProgressEnd = from }
        }
    }

    mutating func append(_ entry: Entry) {
        precondition(entry.index == end, "the log has no holes")
        entries.append(entry)
    }
}
