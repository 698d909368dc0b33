import Primitives

/// All families of the memory twin at one moment. A copy is cheap.
struct MemoryState: Sendable {
    private var families: [UInt32: SortedRows]

    init(families: [UInt32]) {
        self.families = Dictionary(uniqueKeysWithValues: families.map { ($0, SortedRows()) })
    }

    var byteSize: Int { families.values.reduce(0) { $0 + $1.byteSize } }

    func rows(of family: ColumnFamily) throws(StoreError) -> SortedRows {
        guard let rows = families[family.id] else {
            throw StoreError(.invalid, "no family \(family.id) (\(family.name))")
        }
        return rows
    }

    mutating func replace(_ family: ColumnFamily, with rows: SortedRows) {
        families[family.id] = rows
    }

    /// A batch is applied whole or not at all, so its families are checked before the first row.
    func checkFamilies(of batch: WriteBatch) throws(StoreError) {
        try batch.forEach { operation throws(StoreError) in
            let family =
                switch operation {
                case .put(_, _, let family), .delete(_, let family), .deleteRange(_, _, let family):
                    family
                }
            guard families[family] != nil else { throw StoreError(.invalid, "no family \(family)") }
        }
    }

    mutating func apply(_ batch: WriteBatch) {
        batch.forEach { operation in
            switch operation {
            case .put(let key, let value, let family):
                families[family]?.put(Array(key), Array(value))
            case .delete(let key, let family):
                families[family]?.remove(Array(key))
            case .deleteRange(let lower, let upper, let family):
                families[family]?.removeRange(from: Array(lower), to: Array(upper))
            }
        }
    }
}

/// What the memory twin guards with its lock: the live rows and what a crash would leave.
struct MemoryContents: Sendable {
    var live: MemoryState
    /// What is on disk for certain.
    private var durable: MemoryState
    /// The batches written after `durable`, in a store with a log.
    var unsynced: [WriteBatch] = []
    /// What was durable before the last sync, and the batches which that sync covered.
    private var beforeLastSync: (state: MemoryState, batches: [WriteBatch])?

    var checkpoints: [String: MemoryState] = [:]
    var tables: [String: SortedRows] = [:]
    var statistics = MemoryKeyValueStore.Statistics()
    var generator: SeededGenerator
    var fault: (afterWrites: Int, error: StoreError)?
    var isClosed = false

    init(live: MemoryState, seed: UInt64) {
        self.live = live
        durable = live
        generator = SeededGenerator(seed: seed)
    }

    mutating func syncLog() {
        beforeLastSync = (durable, unsynced)
        durable = live
        unsynced = []
        statistics.syncs += 1
    }

    mutating func flush() {
        beforeLastSync = nil
        durable = live
        unsynced = []
        statistics.flushes += 1
    }

    mutating func checkFault() throws(StoreError) {
        guard let fault else { return }
        guard fault.afterWrites > 0 else { throw fault.error }
        self.fault = (fault.afterWrites - 1, fault.error)
    }

    mutating func crash(_ crash: MemoryKeyValueStore.Crash) {
        if crash.tearsLastSynced, let before = beforeLastSync {
            live = before.state
            // What follows a torn batch in the log is unreachable, so nothing unsynced survives.
            for batch in before.batches.dropLast() { live.apply(batch) }
        } else {
            live = durable
            for batch in unsynced.prefix(max(0, crash.unsyncedKept)) { live.apply(batch) }
        }
        durable = live
        unsynced = []
        beforeLastSync = nil
        fault = nil
        isClosed = false
    }
}
