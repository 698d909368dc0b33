import Encryption
import KeyValue
import MessageLog
import Primitives

/// A log on the memory twin, written the way a host writes it.
struct LogFixture {
    let store: MemoryKeyValueStore
    let partition: PartitionID
    var log: MessageLog<MemoryKeyValueStore>
    var verdict: MarkVerdict

    init(
        partition: PartitionID = PartitionID(3),
        store: MemoryKeyValueStore? = nil,
        mark: MarkEntry? = nil,
        settings: MessageLogSettings = MessageLogSettings()
    ) {
        self.partition = partition
        self.store = store ?? MemoryKeyValueStore(families: LogFamilies.all)
        let recovered = try! MessageLog.recover(
            partition,
            from: self.store,
            mark: mark,
            settings: settings
        )
        log = recovered.log
        verdict = recovered.verdict
    }

    /// One synced turn.
    mutating func turn(
        _ change: (inout MessageLog<MemoryKeyValueStore>, inout WriteBatch) throws -> Void
    )
        rethrows
    {
        var batch = WriteBatch()
        try change(&log, &batch)
        try! store.write(batch, sync: true)
        log.markDurable(log.tail)
    }

    mutating func append(_ entries: [LogEntry]) throws {
        try turn { log, batch in try log.append(entries, into: &batch) }
    }

    /// What a restart makes of the store.
    func reopened(
        mark: MarkEntry? = nil,
        settings: MessageLogSettings = MessageLogSettings()
    ) -> LogFixture {
        LogFixture(partition: partition, store: store, mark: mark, settings: settings)
    }

    func key(_ index: UInt64) -> [UInt8] {
        var writer = ByteWriter()
        writer.u16(partition.raw)
        writer.u64(index)
        return writer.bytes
    }

    func row(_ index: UInt64, in family: ColumnFamily = LogFamilies.records) -> [UInt8]? {
        try! store.get(key(index), in: family)
    }

    func overwrite(_ index: UInt64, _ row: [UInt8]?, in family: ColumnFamily = LogFamilies.records)
    {
        var batch = WriteBatch()
        if let row {
            batch.put(key(index), row, in: family)
        } else {
            batch.delete(key(index), in: family)
        }
        try! store.write(batch, sync: true)
    }
}

/// `count` entries from `first` on; every fifth one passes.
func entries(
    from first: UInt64,
    count: Int,
    term: UInt64 = 1,
    bytes: Int = 40
) -> [LogEntry] {
    (0..<UInt64(count)).map { offset in
        let index = first + offset
        return LogEntry(
            term: Term(term),
            index: LogIndex(index),
            retention: index.isMultiple(of: 5) ? .passing : .kept,
            clock: HybridTimestamp(milliseconds: 1_000 + index),
            body: (0..<bytes).map { UInt8(truncatingIfNeeded: UInt64($0) &+ index &* 7 &+ term) }
        )
    }
}

extension LogIndex: ExpressibleByIntegerLiteral {
    package init(integerLiteral value: UInt64) { self.init(value) }
}
