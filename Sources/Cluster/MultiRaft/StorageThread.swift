import KeyValue
import MessageLog
import Partitions
import Primitives
import Synchronization

/// The node's one writer of the log: takes every batch that waits, writes them as one, syncs once,
/// says so, then brings the mark up to date (architecture 2.5).
final class StorageThread<Store: KeyValueStore>: Sendable {
    private let inbox = Inbox<LogBatch>()
    private let store: Store
    private let synced: @Sendable (UInt64) -> Void
    private let writeMark: @Sendable ([MarkEntry]) throws -> Void
    private let failed: @Sendable (any Error) -> Void
    private let counters = Mutex(StorageCounters())
    private let thread: Mutex<OwnThread?> = Mutex(nil)

    init(
        store: Store,
        writeMark: @escaping @Sendable ([MarkEntry]) throws -> Void,
        synced: @escaping @Sendable (UInt64) -> Void,
        failed: @escaping @Sendable (any Error) -> Void
    ) {
        self.store = store
        self.writeMark = writeMark
        self.synced = synced
        self.failed = failed
    }

    var statistics: StorageCounters { counters.withLock { $0 } }

    func start() {
        let thread = OwnThread { [self] in run() }
        self.thread.withLock { $0 = thread }
        thread.start()
    }

    func submit(_ batch: LogBatch) { inbox.put(batch) }

    /// Finishes what was submitted.
    func stop() {
        inbox.close()
        let thread = self.thread.withLock { $0 }
        thread?.join()
    }

    private func run() {
        var batches: [LogBatch] = []
        while true {
            batches.removeAll(keepingCapacity: true)
            guard inbox.take(into: &batches, until: nil) else { return }
            guard let last = batches.last else { continue }
            do {
                var rows = batches[0].rows
                for batch in batches.dropFirst() { rows.append(batch.rows) }
                let mustSync = batches.contains { $0.mustSync }
                if !rows.isEmpty { try store.write(rows, sync: mustSync) }
                counters.withLock {
                    if mustSync { $0.syncs += 1 }
                    $0.batches += UInt64(batches.count)
                    $0.entries += UInt64(batches.reduce(0) { $0 + $1.entries })
                    $0.bytes += UInt64(rows.byteSize)
                }
                synced(last.id)
                let marks = batches.flatMap(\.marks)
                if !marks.isEmpty { try writeMark(marks) }
            } catch {
                // Nothing here is ever tried again: the page cache may have dropped the data.
                failed(error)
                return
            }
        }
    }
}

package struct StorageCounters: Sendable {
    package var syncs: UInt64 = 0
    package var batches: UInt64 = 0
    package var entries: UInt64 = 0
    package var bytes: UInt64 = 0
    package init() {}
}
