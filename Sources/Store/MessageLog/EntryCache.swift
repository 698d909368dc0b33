internal import Encryption
internal import Primitives

/// The end of a log in memory: entries with consecutive indices and their chain values.
///
/// It holds at least everything that is not durable yet, because the store may not show that, and
/// beyond it as much as fits into its bound.
struct EntryCache: Sendable {
    private struct Slot: Sendable {
        var entry: LogEntry
        var chain: Digest
    }

    private var slots: [Slot] = []
    /// Slots before this one are empty and wait to be cut off together.
    private var start = 0
    private(set) var byteSize = 0
    let byteSizeMax: Int

    init(byteSizeMax: Int) { self.byteSizeMax = byteSizeMax }

    var isEmpty: Bool { start == slots.count }
    var first: LogIndex? { isEmpty ? nil : slots[start].entry.index }

    private func position(of index: LogIndex) -> Int? {
        guard let first, index >= first else { return nil }
        let offset = index.raw - first.raw
        guard offset < UInt64(slots.count - start) else { return nil }
        return start + Int(offset)
    }

    func holds(_ index: LogIndex) -> Bool { position(of: index) != nil }
    func entry(at index: LogIndex) -> LogEntry? { position(of: index).map { slots[$0].entry } }
    func chain(at index: LogIndex) -> Digest? { position(of: index).map { slots[$0].chain } }

    mutating func append(_ entry: LogEntry, chain: Digest) {
        precondition(
            isEmpty || slots[slots.count - 1].entry.index.next == entry.index,
            "the cache has no holes"
        )
        slots.append(Slot(entry: entry, chain: chain))
        byteSize += entry.byteSize
    }

    /// Removes `index` and everything after it.
    mutating func cut(from index: LogIndex) {
        guard let first else { return }
        guard index > first else { return removeAll() }
        while let last = slots.last, slots.count > start, last.entry.index >= index {
            byteSize -= last.entry.byteSize
            slots.removeLast()
        }
    }

    /// Removes everything up to and including `index`.
    mutating func cut(through index: LogIndex) {
        while !isEmpty, slots[start].entry.index <= index {
            byteSize -= slots[start].entry.byteSize
            slots[start].entry.body = []
            start += 1
        }
        if isEmpty { removeAll() }
    }

    mutating func removeAll() {
        slots = []
        start = 0
        byteSize = 0
    }

    mutating func blank(_ index: LogIndex) {
        guard let position = position(of: index) else { return }
        byteSize -= slots[position].entry.body.count
        slots[position].entry.blank()
    }

    /// Gives up the oldest entries while there are more bytes than the bound, up to `durable`.
    mutating func shrink(durable: LogIndex) {
        while byteSize > byteSizeMax, !isEmpty, slots[start].entry.index <= durable {
            byteSize -= slots[start].entry.byteSize
            slots[start].entry.body = []
            start += 1
        }
        if isEmpty {
            removeAll()
        } else if start > 1024, start * 2 > slots.count {
            slots.removeSubrange(..<start)
            start = 0
        }
    }
}
