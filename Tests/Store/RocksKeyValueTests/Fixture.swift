import Foundation
import KeyValue
import RocksKeyValue
import Testing

let rooms = ColumnFamily(id: 1, name: "rooms")
let users = ColumnFamily(id: 2, name: "users")

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

func dataKey(_ seed: UInt8) -> [UInt8] { (0..<32).map { seed &+ UInt8($0) } }

/// A keyring whose key of epoch n is `dataKey(n)`.
func keyring(
    epochs: [UInt32] = [1],
    current: UInt32? = nil,
    store: UInt8 = 7,
    keySeed: UInt8 = 0
) throws -> DataKeyring {
    try DataKeyring(
        storeID: [UInt8](repeating: store, count: 16),
        keys: Dictionary(
            uniqueKeysWithValues: epochs.map { ($0, dataKey(UInt8($0) &+ keySeed)) }
        ),
        current: current ?? epochs.last!
    )
}

/// A directory that goes away with the test.
struct Scratch {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "rocks-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    func callAsFunction(_ name: String) -> String { path + "/" + name }
    func remove() { try? FileManager.default.removeItem(atPath: path) }

    func options(
        _ encryption: RocksOptions.Encryption,
        name: String = "db",
        durability: RocksOptions.Durability = .synced,
        families: [ColumnFamily] = [rooms, users]
    ) -> RocksOptions {
        var options = RocksOptions(
            path: self(name),
            families: families.map { RocksFamily($0, insertHintPrefixBytes: 4) },
            durability: durability,
            encryption: encryption
        )
        options.cacheBytes = 1 << 20
        options.writeBufferBytes = 1 << 20
        return options
    }

    func open(_ keyring: DataKeyring, name: String = "db") throws -> RocksKeyValueStore {
        try RocksKeyValueStore(options(.keyring(keyring), name: name))
    }

    /// The files of a database, name → content.
    func files(_ name: String = "db") throws -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for file in try FileManager.default.subpathsOfDirectory(atPath: self(name)) {
            let path = self(name) + "/" + file
            if !isDirectory(path) { files[file] = try readFile(path) }
        }
        return files
    }

    func copy(_ name: String, to other: String) throws {
        try FileManager.default.copyItem(atPath: self(name), toPath: self(other))
    }
}

func isDirectory(_ path: String) -> Bool {
    var answer: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &answer) && answer.boolValue
}

func readFile(_ path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
}

func writeFile(_ path: String, _ content: [UInt8]) throws {
    try Data(content).write(to: URL(fileURLWithPath: path))
}

/// The code of the `StoreError` that `body` throws, or nil when it throws none.
func code(_ body: () throws -> Void) throws -> StoreError.Code? {
    do {
        try body()
        return nil
    } catch let error as StoreError {
        return error.code
    }
}

extension WriteBatch {
    init(_ rows: [(String, String)], in family: ColumnFamily = rooms) {
        self.init()
        for (key, value) in rows { put(bytes(key), bytes(value), in: family) }
    }
}

extension KeyValueReader {
    func keys(in family: ColumnFamily = rooms) throws -> [String] {
        try rows(in: family).map { String(decoding: $0.key, as: UTF8.self) }
    }
}
