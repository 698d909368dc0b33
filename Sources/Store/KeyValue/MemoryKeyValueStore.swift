import Primitives
import Synchronization

/// The in-memory twin of the store on disk, for tests and the simulator. It forgets on `crash`
/// what a disk may forget: with a log, batches since the last sync; without one, everything
/// since the last flush.
package final class MemoryKeyValueStore: KeyValueStore, Sendable {
    package enum Durability: Sendable {
        /// With a write-ahead log.
        case synced
        /// Without one (`state`). `spontaneousFlush` says how often, on average, a batch is
        /// followed by a flush nobody asked for: 0 never, n once in n.
        case noWAL(spontaneousFlushOneIn: UInt64 = 0, seed: UInt64 = 0)
    }

    /// What survives a power cut.
    package struct Crash: Sendable {
        /// How many of the batches after the last sync happen to be on disk all the same.
        /// Always a prefix of them.
        package var unsyncedKept: Int
        /// The disk lied, or its last sector rotted: the last synced batch is torn. A torn batch
        /// fails its checksum and vanishes whole, as with RocksDB; it is never half applied.
        package var tearsLastSynced: Bool

        package init(unsyncedKept: Int = 0, tearsLastSynced: Bool = false) {
            self.unsyncedKept = unsyncedKept
            self.tearsLastSynced = tearsLastSynced
        }
    }

    package struct Statistics: Sendable, Equatable {
        package var batches = 0
        package var syncs = 0
        package var flushes = 0
    }

    private let durability: Durability
    private let names: [UInt32: String]
    private let contents: Mutex<MemoryContents>

    package init(families: [ColumnFamily], durability: Durability = .synced) {
        let known = Set(families).union([.default])
        self.durability = durability
        names = Dictionary(uniqueKeysWithValues: known.map { ($0.id, $0.name) })
        let empty = MemoryState(families: known.map(\.id))
        var seed: UInt64 = 0
        if case .noWAL(_, let given) = durability { seed = given }
        contents = Mutex(MemoryContents(live: empty, seed: seed))
    }

    private init(families: [UInt32: String], durability: Durability, state: MemoryState) {
        self.durability = durability
        names = families
        contents = Mutex(MemoryContents(live: state, seed: 0))
    }

    // MARK: the twin's own powers

    /// A power cut and the reopening after it. Views taken before keep what they saw.
    package func crash(_ crash: Crash = Crash()) {
        contents.withLock { $0.crash(crash) }
    }

    /// The next `write` or `flush` after `writes` good ones fails with `error` and changes
    /// nothing, and so does every later one until the next crash, as after a failed sync.
    package func fail(with error: StoreError, afterWrites writes: Int = 0) {
        contents.withLock { $0.fault = (writes, error) }
    }

    package var statistics: Statistics { contents.withLock { $0.statistics } }
    /// How many batches a crash would lose at most, in a store with a log.
    package var unsyncedBatches: Int { contents.withLock { $0.unsynced.count } }
    /// Keys and values held now, in bytes.
    package var byteSize: Int { contents.withLock { $0.live.byteSize } }

    /// Opens what `checkpoint(to: path)` left, as a store of its own.
    package func openCheckpoint(_ path: String) throws(StoreError) -> MemoryKeyValueStore {
        guard let state = contents.withLock({ $0.checkpoints[path] }) else {
            throw StoreError(.notFound, "no checkpoint at \(path)")
        }
        return MemoryKeyValueStore(families: names, durability: durability, state: state)
    }

    // MARK: KeyValueReader

    package func get(_ key: [UInt8], in family: ColumnFamily) throws(StoreError) -> [UInt8]? {
        try state().rows(of: family).value(key)
    }

    package func multiGet(
        _ keys: [[UInt8]],
        in family: ColumnFamily
    ) throws(StoreError) -> [[UInt8]?] {
        let rows = try state().rows(of: family)
        return keys.map { rows.value($0) }
    }

    package func scan(
        from lower: [UInt8],
        to upper: [UInt8],
        in family: ColumnFamily,
        reverse: Bool,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool
    ) throws(StoreError) {
        try state().rows(of: family).scan(from: lower, to: upper, reverse: reverse, body)
    }

    // MARK: KeyValueStore

    package func view() -> MemoryView {
        MemoryView(state: contents.withLock { $0.isClosed ? nil : $0.live })
    }

    package func write(_ batch: WriteBatch, sync: Bool) throws(StoreError) {
        try change { contents throws(StoreError) in
            try contents.checkFault()
            try contents.live.checkFamilies(of: batch)
            contents.live.apply(batch)
            contents.statistics.batches += 1
            switch self.durability {
            case .synced:
                contents.unsynced.append(batch)
                if sync { contents.syncLog() }
            case .noWAL(let oneIn, _):
                if oneIn > 0, contents.generator.next() % oneIn == 0 { contents.flush() }
            }
        }
    }

    package func flush(wait: Bool) throws(StoreError) {
        try change { contents throws(StoreError) in
            try contents.checkFault()
            contents.flush()
        }
    }

    package func compactRange(
        from lower: [UInt8],
        to upper: [UInt8],
        in family: ColumnFamily,
        bottommost: Bool
    ) throws(StoreError) {
        _ = try state().rows(of: family)
    }

    package func checkpoint(to path: String) throws(StoreError) {
        try change { contents throws(StoreError) in
            guard contents.checkpoints[path] == nil else {
                throw StoreError(.invalid, "\(path) exists")
            }
            contents.checkpoints[path] = contents.live
        }
    }

    package func writeTable(
        at path: String,
        in family: ColumnFamily,
        next: () throws(StoreError) -> (key: [UInt8], value: [UInt8])?
    ) throws(StoreError) {
        _ = try state().rows(of: family)
        var rows = SortedRows()
        var last: [UInt8]?
        while let row = try next() {
            if let last, !KeyOrder.precedes(last, row.key) {
                throw StoreError(.invalid, "the rows of a table must rise")
            }
            last = row.key
            rows.put(row.key, row.value)
        }
        guard last != nil else { throw StoreError(.invalid, "a table needs a row") }
        try change { contents in contents.tables[path] = rows }
    }

    package func ingest(_ files: [String], in family: ColumnFamily) throws(StoreError) {
        try change { contents throws(StoreError) in
            var rows = try contents.live.rows(of: family)
            for file in files {
                guard let table = contents.tables[file] else {
                    throw StoreError(.notFound, "no table at \(file)")
                }
                table.scan(from: [], to: [], reverse: false) { key, value in
                    rows.put(Array(key), Array(value))
                    return true
                }
            }
            contents.live.replace(family, with: rows)
            // A table is durable as soon as it is taken in, and so is all that came before it.
            contents.flush()
        }
    }

    package func verifyChecksums() throws(StoreError) { _ = try state() }

    package func close() throws(StoreError) {
        contents.withLock {
            if !$0.isClosed { $0.flush() }
            $0.isClosed = true
        }
    }

    /// Undoes `close`, like opening the same directory again.
    package func reopen() { contents.withLock { $0.isClosed = false } }

    // MARK: helpers

    private func state() throws(StoreError) -> MemoryState {
        guard let state = contents.withLock({ $0.isClosed ? nil : $0.live }) else {
            throw StoreError(.closed, "the store is closed")
        }
        return state
    }

    private func change(
        _ body: (inout MemoryContents) throws(StoreError) -> Void
    ) throws(StoreError) {
        try contents.withLock { contents throws(StoreError) in
            guard !contents.isClosed else { throw StoreError(.closed, "the store is closed") }
            try body(&contents)
        }
    }
}

/// A consistent snapshot of the memory twin.
package struct MemoryView: KeyValueReader {
    fileprivate let state: MemoryState?

    private func opened() throws(StoreError) -> MemoryState {
        guard let state else { throw StoreError(.closed, "the store is closed") }
        return state
    }

    package func get(_ key: [UInt8], in family: ColumnFamily) throws(StoreError) -> [UInt8]? {
        try opened().rows(of: family).value(key)
    }

    package func multiGet(
        _ keys: [[UInt8]],
        in family: ColumnFamily
    ) throws(StoreError) -> [[UInt8]?] {
        let rows = try opened().rows(of: family)
        return keys.map { rows.value($0) }
    }

    package func scan(
        from lower: [UInt8],
        to upper: [UInt8],
        in family: ColumnFamily,
        reverse: Bool,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool
    ) throws(StoreError) {
        try opened().rows(of: family).scan(from: lower, to: upper, reverse: reverse, body)
    }
}
