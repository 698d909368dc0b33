package import Primitives

/// A log in memory, for tests and simulations: a value, so that a copy is what a crash leaves.
package struct MemoryLog: LogReader, Sendable {
    package private(set) var stored: [Entry] = []
    /// The entry before the first: the end of what was trimmed or came by snapshot.
    package private(set) var base: EntryID
    package private(set) var hardState: HardState?
    package var newestSnapshot: SnapshotMetadata?
    /// Entries that cannot be read.
    package var faults: Set<LogIndex> = []

    package init(base: EntryID = .zero) { self.base = base }

    package var firstIndex: LogIndex { base.index.next }
    package var lastIndex: LogIndex { base.index.advanced(by: stored.count) }

    private func position(of index: LogIndex) -> Int { Int(index.raw - base.index.raw) - 1 }

    package func term(at index: LogIndex) -> TermLookup {
        if index < base.index { return .compacted }
        if index == base.index { return .term(base.term) }
        if index > lastIndex { return .unavailable }
        return faults.contains(index) ? .faulty : .term(stored[position(of: index)].term)
    }

    package func entries(
        _ range: Range<LogIndex>,
        maxBytes: Int
    ) throws(LogReadError) -> [Entry] {
        guard range.lowerBound >= firstIndex else { throw .compacted }
        let slice = stored[position(of: range.lowerBound)..<position(of: range.upperBound)]
        let found = prefix(of: slice, maxBytes: maxBytes)
        if let fault = found.first(where: { faults.contains($0.index) }) {
            throw .faulty(fault.index)
        }
        return Array(found)
    }

    package func snapshot() -> SnapshotMetadata? { newestSnapshot }

    package var isDamaged: Bool { !faults.isEmpty }

    // MARK: The disk's side

    /// Does what an append task asks for. A snapshot that is not newer is ignored.
    package mutating func write(_ task: AppendTask) {
        if let hardState = task.hardState { self.hardState = hardState }
        if let snapshot = task.snapshot, snapshot.index > base.index {
            base = snapshot.id
            stored = []
            newestSnapshot = snapshot
        }
        append(task.entries)
    }

    /// Replaces what is stored at and after the first index. Entries already trimmed are left out.
    package mutating func append(_ entries: [Entry]) {
        let kept = entries.drop { $0.index <= base.index }
        guard let first = kept.first else { return }
        precondition(first.index <= lastIndex.next, "an append left a hole")
        if first.index <= lastIndex {
            stored.removeSubrange(position(of: first.index)...)
        }
        stored.append(contentsOf: kept)
    }

    /// Trims everything up to and including `index`.
    package mutating func compact(to index: LogIndex) {
        guard index > base.index, index <= lastIndex else { return }
        let count = position(of: index) + 1
        base = stored[count - 1].id
        stored.removeFirst(count)
    }
}
