import Foundation
import KeyValue
import MessageLog
import Primitives
import RocksKeyValue

/// The log against the store below it: the same bytes in the same batches through the same
/// encrypting file system, once by `MessageLog.append` and once as bare rows. Pairs alternate.
struct AppendBenchmark {
    private static let bodyBytes = 256
    private let folder: String
    private let key: [UInt8]

    /// - Parameter folder: an existing folder on the disk to measure; what is made there is removed.
    init(folder: String) {
        self.folder = folder + "/append-\(getpid())"
        key = (0..<32).map { UInt8($0) }
    }

    func run(seconds: Double) throws {
        try FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: true
        )
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for batch in [1, 8, 64] {
            var pairs: [(log: Sample, raw: Sample)] = []
            let each = seconds / 10
            for round in 0..<5 {
                let log = try measure(each, batch, name: "log-\(batch)-\(round)", byLog: true)
                let raw = try measure(each, batch, name: "raw-\(batch)-\(round)", byLog: false)
                pairs.append((log, raw))
            }
            report("append, synced, by \(batch)", median(pairs.map(\.log.rate)), "records/s")
            report("bare rows, synced, by \(batch)", median(pairs.map(\.raw.rate)), "records/s")
            let ratio = median(pairs.map { 100 * $0.log.rate / $0.raw.rate })
            report("append over bare rows, by \(batch)", ratio, "%", bar: 50)
            let work = median(pairs.map { 100 * $0.raw.cpu / $0.log.cpu })
            report("the same by CPU time, by \(batch)", work, "%")
        }
    }

    private struct Sample {
        /// Records per second of the wall.
        var rate: Double
        /// CPU seconds per record, of the whole process.
        var cpu: Double
    }

    private func measure(
        _ seconds: Double,
        _ batchSize: Int,
        name: String,
        byLog: Bool
    ) throws -> Sample {
        let store = try open(folder + "/" + name)
        defer { try? store.close() }
        var log = try MessageLog.recover(PartitionID(1), from: store, mark: nil).log
        let body = (0..<Self.bodyBytes).map { UInt8(truncatingIfNeeded: $0 &* 131) }
        // A bare row has the same key and as many bytes as the log's.
        let row = body + [UInt8](repeating: 1, count: try overhead(body))
        var count = 0
        let (start, startWork) = (wallSeconds(), processSeconds())
        var end = start
        repeat {
            for _ in 0..<8 {
                var batch = WriteBatch()
                if byLog {
                    let first = log.lastIndex
                    let entries = (1...batchSize).map { entry(first.advanced(by: $0), body) }
                    try log.append(entries, into: &batch)
                } else {
                    for number in 1...batchSize {
                        batch.put(key(count + number), row, in: LogFamilies.records)
                    }
                }
                try store.write(batch, sync: true)
                if byLog { log.markDurable(log.tail) }
                count += batchSize
            }
            end = wallSeconds()
        } while end - start < seconds
        return Sample(
            rate: Double(count) / (end - start),
            cpu: (processSeconds() - startWork) / Double(count)
        )
    }

    private func entry(_ index: LogIndex, _ body: [UInt8]) -> LogEntry {
        LogEntry(term: Term(1), index: index, clock: HybridTimestamp(index.raw), body: body)
    }

    private func key(_ number: Int) -> [UInt8] {
        var writer = ByteWriter(reserving: 10)
        writer.u16(1)
        writer.u64(UInt64(number))
        return writer.bytes
    }

    /// How many bytes the log adds to a body.
    private func overhead(_ body: [UInt8]) throws -> Int {
        let store = MemoryKeyValueStore(families: LogFamilies.all)
        var log = try MessageLog.recover(PartitionID(1), from: store, mark: nil).log
        var batch = WriteBatch()
        try log.append([entry(LogIndex(1), body)], into: &batch)
        var bare = WriteBatch()
        bare.put(key(1), body, in: LogFamilies.records)
        return batch.byteSize - bare.byteSize
    }

    /// As the daemon opens its log.
    private func open(_ path: String) throws -> RocksKeyValueStore {
        let encryption = try RocksOptions.Encryption.keys(
            current: 1,
            table: [1: key],
            storeID: [UInt8](repeating: 9, count: 16)
        )
        return try RocksKeyValueStore(
            RocksOptions(
                path: path,
                families: [
                    RocksFamily(
                        LogFamilies.records,
                        compression: .none,
                        bloomBitsPerKey: 0,
                        insertHintPrefixBytes: 2,
                        compaction: .log
                    ),
                    RocksFamily(LogFamilies.passing, compression: .none, bloomBitsPerKey: 0),
                    RocksFamily(LogFamilies.meta, bloomBitsPerKey: 0),
                ],
                encryption: encryption
            )
        )
    }
}
