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

/// Folds the whole log into an empty store and compares every row with the live ones
/// (`warbler rebuild`): what the log says is what the server serves.
struct RebuildCheck {
    private let log: RocksKeyValueStore
    private let state: RocksKeyValueStore
    private let encryption: RocksOptions.Encryption
    private let directory: String

    private static let entriesPerBatch = 512
    private static let differencesMax = 20

    init(_ files: NodeFiles) {
        log = files.log
        state = files.state
        encryption = files.encryption
        directory = files.directory + "/rebuild-\(getpid())"
    }

    func run(
        _ configuration: Configuration,
        _ progress: (AdminValue) -> Void
    ) throws -> AdminValue {
        // What an earlier run could not clear away.
        removeFolder()
        defer { removeFolder() }
        let map = PartitionMap(count: configuration.partitions.count)
        return try run([.control, .keys] + map.all, progress)
    }

    private func run(
        _ partitions: [PartitionID],
        _ progress: (AdminValue) -> Void
    ) throws -> AdminValue {
        // One look: the live rows stand still while the log is folded up to where they are.
        let view = state.view()
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
            entries += try fold(partition, upTo: view, into: fresh)
            progress([
                "partitions_done": .integer(Int64(done + 1)),
                "partitions": .integer(Int64(partitions.count)),
            ])
        }
        var differences: [AdminValue] = []
        var rows: UInt64 = 0
        try compare(view, with: fresh, "missing in the rebuilt rows", &differences, &rows)
        var ignored: UInt64 = 0
        try compare(fresh, with: view, "missing in the live rows", &differences, &ignored)
        return [
            "equal": .bool(differences.isEmpty), "entries": .integer(Int64(entries)),
            "rows": .integer(Int64(rows)), "differences": .array(differences),
        ]
    }

    /// The folded rows served their purpose.
    private func removeFolder() {
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
        upTo view: RocksView,
        into fresh: RocksKeyValueStore
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
            try folder.fold(facts, at: index, term: entry.term, clock: clock)
            if index.raw % UInt64(Self.entriesPerBatch) == 0 || index == applied.index {
                try fresh.write(folder.takeBatch().0, sync: false)
                folder.written()
            }
            index = index.next
        }
        return applied.index.raw
    }

    private func compare(
        _ one: some KeyValueReader,
        with other: some KeyValueReader,
        _ absent: String,
        _ differences: inout [AdminValue],
        _ rows: inout UInt64
    ) throws {
        var found: [AdminValue] = []
        var count: UInt64 = 0
        var failure: (any Error)?
        try one.scan(from: [], to: [], in: .state, reverse: false) { key, value in
            count += 1
            do {
                let twin = try other.get(Array(key), in: .state)
                guard twin != Array(value) else { return true }
                let table = Table(rawValue: key.first ?? 0)
                found.append([
                    "table": .string(table.map { "\($0)" } ?? "unknown"),
                    "what": .string(twin == nil ? absent : "differs"),
                ])
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
}
