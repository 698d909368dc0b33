import AdminProtocol
import Configuration
import Glibc
import Homeserver
import KeyValue
import Keyspace
import MessageLog
import Partitions
import Primitives
import Projections
import RocksKeyValue
import Synchronization

/// Folds the whole log into an empty store and compares every row with the live ones
/// (`warbler rebuild`): what the log says is what the server serves.
struct RebuildCheck {
    /// Two at once would fold into the same folder.
    private static let turn = Mutex(())
    private static let folderPrefix = "rebuild-"

    private let log: RocksKeyValueStore
    private let state: RocksKeyValueStore
    private let encryption: RocksOptions.Encryption
    private let directory: String

    private static let entriesPerBatch = 512
    private static let differencesMax = 20
    private static let rowsPerProgress: UInt64 = 100_000
    private static let keyBytesShown = 64

    init(_ files: NodeFiles) {
        log = files.log
        state = files.state
        encryption = files.encryption
        directory = files.directory + "/" + Self.folderPrefix + "\(getpid())"
    }

    func run(
        _ configuration: Configuration,
        _ progress: (AdminValue) -> Void
    ) throws -> AdminValue {
        let map = PartitionMap(count: configuration.partitions.count)
        let result = try Self.turn.withLockIfAvailable { _ in
            // What an earlier run could not clear away.
            Self.remove(directory)
            defer { Self.remove(directory) }
            return try run([.control, .keys] + map.all, progress)
        }
        guard let result else {
            throw AdminFailure(
                code: "unavailable",
                message: "the rows are being compared already: ask again when that is done"
            )
        }
        return result
    }

    /// Clears away what a process left that ended in the middle.
    static func removeLeftovers(in directory: String) throws {
        for name in try NodeFiles.folders(in: directory) where name.hasPrefix(folderPrefix) {
            remove(directory + "/" + name)
        }
    }

    private func run(
        _ partitions: [PartitionID],
        _ progress: (AdminValue) -> Void
    ) throws -> AdminValue {
        // One look: the live rows stand still while the log is folded up to where they are.
        let view = state.view()
        // Behind it, so that the log reaches to where the rows are; and one look as well, for a
        // log may be trimmed meanwhile.
        let log = self.log.view()
        var options = RocksOptions(
            path: directory,
            families: [RocksFamily(.state)],
            durability: .noWAL,
            encryption: encryption
        )
        options.cacheBytes = 8 << 20
        let fresh = try RocksKeyValueStore(options)
        defer { try? fresh.close(flushing: false) }
        var entries: UInt64 = 0
        for (done, partition) in partitions.enumerated() {
            entries += try fold(partition, of: log, upTo: view, into: fresh) { index, last in
                progress([
                    "folding": .string(partition.description),
                    "index": .integer(Int64(index.raw)), "of": .integer(Int64(last.raw)),
                ])
            }
            progress([
                "partitions_done": .integer(Int64(done + 1)),
                "partitions": .integer(Int64(partitions.count)),
            ])
        }
        var differences: [AdminValue] = []
        var rows: UInt64 = 0
        let compared: (UInt64) -> Void = {
            progress(["rows_compared": .integer(Int64($0))])
        }
        let live = Side(rows: view, other: fresh, absent: "not in the rebuilt rows")
        try compare(live, isWhole: true, &differences, &rows, compared)
        var ignored: UInt64 = 0
        let rebuilt = Side(rows: fresh, other: view, absent: "not in the live rows")
        // What differs was told from the other side.
        try compare(rebuilt, isWhole: false, &differences, &ignored, compared)
        return [
            "equal": .bool(differences.isEmpty), "entries": .integer(Int64(entries)),
            "rows": .integer(Int64(rows)), "first": differences.first ?? .null,
            "differences": .array(differences),
        ]
    }

    private static func remove(_ directory: String) {
        guard let folder = opendir(directory) else { return }
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { unlink(directory + "/" + name) }
        }
        closedir(folder)
        rmdir(directory)
    }

    private func fold(
        _ partition: PartitionID,
        of log: RocksView,
        upTo view: RocksView,
        into fresh: RocksKeyValueStore,
        _ progress: (LogIndex, LogIndex) -> Void
    ) throws -> UInt64 {
        guard let applied = try StateReader(partition, view).applied else { return 0 }
        let found = try MessageLog.recover(partition, from: log, mark: nil).log
        var folder = Folder(partition: partition, store: fresh, applied: nil)
        var index = found.firstIndex
        while index <= applied.index {
            let entry = try found.record(at: index).entry
            var facts: [Fact] = []
            if entry.kind == .facts, !entry.isBlank, !entry.body.isEmpty {
                facts = try EntryBody.decode(entry.body[...])
            }
            // As a replica applies it: what begins a term, or changes members, has no clock.
            let hasClock =
                switch entry.kind {
                case .facts: entry.isBlank || !entry.body.isEmpty
                case .lost, .lossAccepted: true
                case .change, .changes: false
                }
            let clock = hasClock ? entry.clock : folder.applied?.clock ?? .zero
            try folder.fold(
                facts,
                at: index,
                term: entry.term,
                clock: clock,
                acceptsLoss: entry.kind == .lossAccepted
            )
            if index.raw % UInt64(Self.entriesPerBatch) == 0 || index == applied.index {
                try fresh.write(folder.takeBatch().0, sync: false)
                folder.written()
                progress(index, applied.index)
            }
            index = index.next
        }
        return applied.index.raw
    }

    private struct Side<One: KeyValueReader, Other: KeyValueReader> {
        let rows: One
        let other: Other
        let absent: String
    }

    /// - Parameter isWhole: Values are compared too, not only whether there is a row.
    private func compare<One, Other>(
        _ side: Side<One, Other>,
        isWhole: Bool,
        _ differences: inout [AdminValue],
        _ rows: inout UInt64,
        _ progress: (UInt64) -> Void
    ) throws {
        var found: [AdminValue] = []
        var count: UInt64 = 0
        var failure: (any Error)?
        try side.rows.scan(from: [], to: [], in: .state, reverse: false) { key, value in
            count += 1
            if count.isMultiple(of: Self.rowsPerProgress) { progress(count) }
            do {
                let twin = try side.other.get(Array(key), in: .state)
                if let twin, !isWhole || twin == Array(value) { return true }
                found.append(Self.difference(Array(key), twin == nil ? side.absent : "differs"))
                return found.count < Self.differencesMax
            } catch {
                failure = error
                return false
            }
        }
        if let failure { throw failure }
        differences += found
        rows = count
    }

    /// A key begins with its table and partition; the rest names rooms and people, so that only
    /// its beginning is shown, in hexadecimal.
    private static func difference(_ key: [UInt8], _ what: String) -> AdminValue {
        let table = Table(rawValue: key.first ?? 0)
        let partition = key.count > 2 ? PartitionID(UInt16(key[1]) << 8 | UInt16(key[2])) : nil
        let hex = key.map { byte in
            String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }
        return [
            "table": .string(table.map { "\($0)" } ?? "unknown"),
            "partition": .string(partition?.description ?? "-"),
            "what": .string(what),
            "key": .string(hex.prefix(Self.keyBytesShown).joined()),
        ]
    }
}
