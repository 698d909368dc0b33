import Foundation
import KeyValue
import RocksKeyValue
import Testing

/// The implementations that must not be told apart.
enum StoreKind: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case memory, memoryWithoutLog
    case rocks, rocksWithoutLog, rocksPlain

    var testDescription: String { rawValue }
    var hasLog: Bool { self != .memoryWithoutLog && self != .rocksWithoutLog }
    static let withLog = allCases.filter(\.hasLog)
    static let withoutLog = allCases.filter { !$0.hasLog }
}

/// Families 1 and 2 follow one another; 5 leaves a hole in the numbers.
let rooms = ColumnFamily(id: 1, name: "rooms")
let users = ColumnFamily(id: 2, name: "users")
let later = ColumnFamily(id: 5, name: "later")
let families: [ColumnFamily] = [.default, rooms, users, later]

/// A store of one kind, and the ways to lose and find it again.
final class StoreUnderTest {
    let kind: StoreKind
    private let directory: String
    private let keyring: DataKeyring
    private var memory: MemoryKeyValueStore?
    private var rocks: RocksKeyValueStore?

    init(_ kind: StoreKind) throws {
        self.kind = kind
        directory = NSTemporaryDirectory() + "kv-conformance-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: directory,
            withIntermediateDirectories: true
        )
        keyring = try DataKeyring(
            storeID: [UInt8](repeating: 7, count: 16),
            keys: [3: [UInt8](repeating: 9, count: 32)],
            current: 3
        )
        try open()
    }

    /// Closes the store and takes its files away. Explicit, as nothing else says how long a
    /// test needs them.
    func remove() {
        try? rocks?.close()
        try? FileManager.default.removeItem(atPath: directory)
    }

    var store: any KeyValueStore {
        if let memory { return memory }
        return rocks!
    }

    func path(_ name: String) -> String { directory + "/" + name }

    /// Ends the process without a word: what was not durable by contract may be gone.
    func crashAndReopen() throws {
        memory?.crash()
        if let rocks {
            try rocks.close(flushing: false)
            self.rocks = nil
            try open()
        }
    }

    func closeAndReopen() throws {
        try store.close()
        if let memory {
            memory.reopen()
        } else {
            rocks = nil
            try open()
        }
    }

    func openCheckpoint(_ path: String) throws -> any KeyValueStore {
        if let memory { return try memory.openCheckpoint(path) }
        return try RocksKeyValueStore(options(path))
    }

    private func open() throws {
        switch kind {
        case .memory:
            memory = MemoryKeyValueStore(families: families)
        case .memoryWithoutLog:
            memory = MemoryKeyValueStore(families: families, durability: .noWAL())
        case .rocks, .rocksWithoutLog, .rocksPlain:
            rocks = try RocksKeyValueStore(options(directory + "/db"))
        }
    }

    private func options(_ path: String) -> RocksOptions {
        var options = RocksOptions(
            path: path,
            families: families.map {
                RocksFamily(
                    $0,
                    insertHintPrefixBytes: $0 == rooms ? 4 : 0,
                    filtersMemory: $0 != rooms
                )
            },
            durability: kind.hasLog ? .synced : .noWAL,
            encryption: kind == .rocksPlain ? .plain : .keyring(keyring)
        )
        options.cacheBytes = 1 << 20
        options.writeBufferBytes = 1 << 20
        return options
    }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

extension WriteBatch {
    static func putting(_ key: String, _ value: String, in family: ColumnFamily) -> WriteBatch {
        var batch = WriteBatch()
        batch.put(bytes(key), bytes(value), in: family)
        return batch
    }
}

extension KeyValueReader {
    /// "key=value" of every row in the range.
    func texts(
        from lower: String = "",
        to upper: String = "",
        in family: ColumnFamily,
        reverse: Bool = false,
        limit: Int = .max
    ) throws -> [String] {
        try rows(
            from: bytes(lower),
            to: bytes(upper),
            in: family,
            reverse: reverse,
            limit: limit
        ).map { String(decoding: $0.key + bytes("=") + $0.value, as: UTF8.self) }
    }
}
