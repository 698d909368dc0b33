import Primitives

/// The whole log of one replica: the stored part behind `source`, the rest in memory.
///
/// Invariant: applied ≤ applying ≤ committed ≤ last.
struct RaftLog {
    private(set) var unstable: UnstableLog
    private(set) var lastIndex: LogIndex
    private(set) var committed: LogIndex
    /// Handed out to be applied.
    private(set) var applying: LogIndex
    private(set) var applied: LogIndex
    /// Entries `lastRun.start ... lastIndex` all have the term `lastRun.term`: answers most
    /// questions about terms without touching the store.
    private var lastRun: (term: Term, start: LogIndex)?
    private let maxApplyingBytes: Int
    private var applyingBytes = 0
    private var isApplyingPaused = false
    /// A damaged entry that must be repaired before anything after it can be applied.
    private(set) var faultAt: LogIndex?
    var source: LogSource

    init(source: LogSource, maxApplyingBytes: Int) {
        self.source = source
        self.maxApplyingBytes = maxApplyingBytes
        lastIndex = source.lastIndex
        let floor = source.firstIndex.previous
        precondition(floor <= lastIndex, "the stored log ends before it begins")
        unstable = UnstableLog(offset: lastIndex.next)
        committed = floor
        applying = floor
        applied = floor
        if case .term(let term) = source.term(at: lastIndex) { lastRun = (term, lastIndex) }
    }

    // MARK: Reading

    var firstIndex: LogIndex { unstable.snapshot.map { $0.index.next } ?? source.firstIndex }

    /// Whether the entry at `index`, or the end of the log, is not trimmed away.
    func reaches(_ index: LogIndex) -> Bool { index >= unstable.offset || index >= firstIndex }

    var hasPendingSnapshot: Bool { unstable.snapshot != nil }

    var last: EntryID { EntryID(term: lastTerm, index: lastIndex) }

    var lastTerm: Term {
        if let lastRun { return lastRun.term }
        return knownTerm(at: lastIndex)
    }

    func term(at index: LogIndex) -> TermLookup {
        if let lastRun, index >= lastRun.start, index <= lastIndex { return .term(lastRun.term) }
        if let term = unstable.term(at: index) { return .term(term) }
        if index > lastIndex { return .unavailable }
        if index.next < firstIndex { return .compacted }
        return source.term(at: index)
    }

    /// The term at an index, or zero where it cannot be known.
    func knownTerm(at index: LogIndex) -> Term {
        if case .term(let term) = term(at: index) { return term }
        return .zero
    }

    func matches(_ id: EntryID) -> Bool { term(at: id.index) == .term(id.term) }

    /// Whether a candidate whose log ends with `other` may be voted for (paper 5.4.1).
    func isUpToDate(_ other: EntryID) -> Bool {
        let own = last
        return other.term > own.term || (other.term == own.term && other.index >= own.index)
    }

    /// Entries from `index` to the end, bounded by `maxBytes` but at least one.
    func entries(from index: LogIndex, maxBytes: Int) throws(LogReadError) -> [Entry] {
        if index > lastIndex { return [] }
        return try entries(index..<lastIndex.next, maxBytes: maxBytes)
    }

    func entries(_ range: Range<LogIndex>, maxBytes: Int) throws(LogReadError) -> [Entry] {
        if range.isEmpty { return [] }
        precondition(range.upperBound <= lastIndex.next, "the log is shorter than that")
        if range.lowerBound >= unstable.offset {
            let fitting = prefix(of: unstable.slice(range), maxBytes: maxBytes)
            // All of it: share the buffer with the other messages and with the disk.
            return fitting.count == unstable.entries.count ? unstable.entries : Array(fitting)
        }
        if range.lowerBound < firstIndex { throw .compacted }
        let cut = min(range.upperBound, unstable.offset)
        var found = try source.entries(range.lowerBound..<cut, maxBytes: maxBytes)
        precondition(found.first?.index == range.lowerBound, "the store answered another range")
        guard cut < range.upperBound, found.last?.index.next == cut else { return found }
        let room = maxBytes - found.reduce(0) { $0 + $1.byteSize }
        if room <= 0 { return found }
        let rest = prefix(of: unstable.slice(cut..<range.upperBound), maxBytes: room)
        if rest.count == 1, rest[rest.startIndex].byteSize > room { return found }
        found.append(contentsOf: rest)
        return found
    }

    /// The highest index up to `index` whose term may be at most `term`: where another log, known
    /// by one entry only, can agree with this one at best. Zero term: not known there.
    func possibleMatch(upTo index: LogIndex, term: Term) -> EntryID {
        var index = index
        while index > .zero {
            guard case .term(let own) = self.term(at: index) else {
                return EntryID(term: .zero, index: index)
            }
            if own <= term { return EntryID(term: own, index: index) }
            index = index.previous
        }
        return .zero
    }

    // MARK: Appending

    /// Appends one entry at the end, as leaders do.
    mutating func append(_ entry: Entry) {
        precondition(entry.index == lastIndex.next, "the log has no holes")
        unstable.append(entry)
        extendRun(with: entry)
        lastIndex = entry.index
    }

    /// Appends entries after `previous` if this log holds it, replacing what conflicts.
    /// Nil if it does not; else the index of the last entry the sender is now known to share.
    /// The entries must follow `previous` without a hole.
    mutating func append(
        _ entries: [Entry],
        after previous: EntryID
    ) -> LogIndex? {
        precondition(previous.index >= committed, "what is committed is never replaced")
        guard matches(previous) else { return nil }
        // Usually the first entry is new: nothing to search.
        guard let conflict = entries.firstIndex(where: { !matches($0.id) }) else {
            return previous.index.advanced(by: entries.count)
        }
        replace(with: entries[conflict...])
        return lastIndex
    }

    private mutating func replace(with entries: ArraySlice<Entry>) {
        let from = entries[entries.startIndex].index
        if let run = lastRun, from <= run.start {
            lastRun = nil
        }
        unstable.replace(with: entries)
        for entry in entries { extendRun(with: entry) }
        lastIndex = unstable.end.previous
    }

    private mutating func extendRun(with entry: Entry) {
        if let run = lastRun, run.term == entry.term { return }
        lastRun = (entry.term, entry.index)
    }

    mutating func restore(_ snapshot: SnapshotMetadata) {
        committed = snapshot.index
        lastIndex = snapshot.index
        lastRun = (snapshot.term, snapshot.index)
        unstable.restore(snapshot)
    }

    mutating func markInProgress() { unstable.markInProgress() }
    mutating func stable(to id: EntryID) { unstable.stable(to: id) }
    mutating func stableSnapshot(at index: LogIndex) { unstable.stableSnapshot(at: index) }

    // MARK: Committing and applying

    /// Never moves back.
    mutating func commit(to index: LogIndex) {
        guard index > committed else { return }
        precondition(index <= lastIndex, "committed beyond the end of the log")
        committed = index
    }

    /// Sets what a restart remembers.
    mutating func recover(committed index: LogIndex, applied appliedIndex: LogIndex) {
        precondition(committed <= index && index <= lastIndex, "commit index out of the log")
        committed = index
        if appliedIndex > applied {
            precondition(appliedIndex <= committed, "applied beyond what is committed")
            applied = appliedIndex
            applying = appliedIndex
        }
    }

    /// The last index that may be applied now.
    private func appliableEnd(allowUnstable: Bool) -> LogIndex {
        allowUnstable ? committed : min(committed, unstable.offset.previous)
    }

    func hasNextCommitted(allowUnstable: Bool) -> Bool {
        !isApplyingPaused && faultAt == nil && !hasPendingSnapshot
            && applying < appliableEnd(allowUnstable: allowUnstable)
    }

    /// Hands out the next committed entries. A damaged one stops it and is remembered.
    mutating func takeCommitted(allowUnstable: Bool) -> [Entry] {
        guard hasNextCommitted(allowUnstable: allowUnstable) else { return [] }
        let end = appliableEnd(allowUnstable: allowUnstable)
        let room = maxApplyingBytes - applyingBytes
        precondition(room > 0, "applying should have been paused")
        let found = readable(applying.next..<end.next, maxBytes: room)
        guard let last = found.last?.index else { return [] }
        applying = last
        applyingBytes += found.reduce(0) { $0 + $1.byteSize }
        isApplyingPaused = applyingBytes >= maxApplyingBytes || last < end
        return found
    }

    /// Reads up to the first damaged entry, which is remembered.
    private mutating func readable(_ range: Range<LogIndex>, maxBytes: Int) -> [Entry] {
        do {
            return try entries(range, maxBytes: maxBytes)
        } catch .faulty(let index) {
            faultAt = index
            guard index > range.lowerBound else { return [] }
            return (try? entries(range.lowerBound..<index, maxBytes: maxBytes)) ?? []
        } catch {
            // What is not applied must not be trimmed.
            faultAt = range.lowerBound
            return []
        }
    }

    /// Entries up to `index`, of so many payload bytes together, are in the state machine.
    mutating func applied(to index: LogIndex, payloadBytes: Int) {
        precondition(applied <= index && index <= committed, "applied out of order")
        let count = Int(index.raw - applied.raw)
        applied = index
        applying = max(applying, index)
        applyingBytes = max(0, applyingBytes - payloadBytes - count * Entry.overheadBytes)
        isApplyingPaused = applyingBytes >= maxApplyingBytes
    }

    /// A snapshot moved the applied index past everything that was handed out before: whether
    /// that is still reported or was dropped, it no longer counts as under way.
    mutating func applied(snapshot index: LogIndex) {
        guard index > applied else { return }
        applied = index
        applying = max(applying, index)
        applyingBytes = 0
        isApplyingPaused = false
    }

    /// The damaged entry was repaired.
    mutating func clearFault() { faultAt = nil }
}
