import CRocksDB
import Foundation
import KeyValue
import Primitives
import RocksKeyValue
import Testing

@Suite("RocksDB behind the seam")
struct RocksStoreTests {
    @Test("A second opener is told the database is busy")
    func busy() throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let first = try scratch.open(keyring())
        #expect(try code { _ = try scratch.open(keyring()) } == .busy)
        try first.close()
        try scratch.open(keyring()).close()
    }

    @Test("One sync per synced batch, none for the others")
    func syncs() throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let store = try scratch.open(keyring())
        let before = try store.statistics().walSyncs
        for number in 0..<10 {
            try store.write(WriteBatch([("k\(number)", "v")]), sync: number % 2 == 0)
        }
        #expect(try store.statistics().walSyncs - before == 5)
        try store.close()
        var options = scratch.options(
            .keyring(try keyring()),
            name: "state",
            durability: .noWAL
        )
        options.backgroundError = { _ in Issue.record("no error was due") }
        let state = try RocksKeyValueStore(options)
        try state.write(WriteBatch([("k", "v")]), sync: true)
        #expect(try state.statistics().walSyncs == 0)
        #expect(try state.statistics().walBytes == 0)
        try state.close()
    }

    @Test("A family's number is fixed; one can be added, none forgotten")
    func families() throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let ring = try keyring()
        func open(_ families: [ColumnFamily]) throws -> RocksKeyValueStore {
            try RocksKeyValueStore(scratch.options(.keyring(ring), families: families))
        }
        let later = ColumnFamily(id: 9, name: "later")
        var store = try open([users, rooms])
        try store.write(WriteBatch([("a", "1")], in: users), sync: true)
        try store.close()
        #expect(try code { _ = try open([users]) } == .invalid)
        #expect(
            try code { _ = try open([rooms, users, ColumnFamily(id: 1, name: "twice")]) }
                == .invalid
        )
        #expect(
            try code { _ = try open([rooms, ColumnFamily(id: 3, name: "users")]) } == .invalid
        )
        store = try open([rooms, later, users])
        try store.write(WriteBatch([("b", "1")], in: later), sync: true)
        try store.close()
        #expect(
            try code { _ = try open([rooms, users, later, ColumnFamily(id: 5, name: "late")]) }
                == .invalid,
            "number 5 was used up by the hole"
        )
        store = try open([rooms, users, later])
        #expect(try store.keys(in: users) == ["a"])
        #expect(try store.keys(in: later) == ["b"])
        try store.close()
    }

    @Test("Insert hints and range deletions go together, also in recovery")
    func hintsAndRanges() throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let ring = try keyring()
        var store = try scratch.open(ring)
        var expected: Set<String> = []
        for round in 0..<60 {
            var batch = WriteBatch()
            for group in 0..<8 {
                let key = "g00\(group)|\(1000 + round)"
                batch.put(bytes(key), bytes("v"), in: rooms)
                expected.insert(key)
            }
            if round % 7 == 3 {
                let group = "g00\(round % 8)|"
                batch.deleteRange(
                    from: bytes(group + "\(1000 + round / 2)"),
                    to: bytes(group + "2000"),
                    in: rooms
                )
                expected = expected.filter {
                    !($0 >= group + "\(1000 + round / 2)" && $0 < group + "2000")
                }
            }
            try store.write(batch, sync: false)
        }
        #expect(try store.keys() == expected.sorted())
        try store.write(WriteBatch(), sync: true)
        try store.close(flushing: false)
        store = try scratch.open(ring)
        #expect(try store.keys() == expected.sorted())
        try store.close()
    }

    @Test("No bytes make the C face abort")
    func garbageBatches() throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let store = try scratch.open(keyring())
        var good = WriteBatch([("key", "value"), ("other", "value")])
        good.deleteRange(from: bytes("a"), to: bytes("b"), in: users)
        good.delete(bytes("gone"), in: .default)
        var generator = SeededGenerator(seed: 4)
        var refused = 0
        for _ in 0..<20_000 {
            var rep = good.rep
            for _ in 0...UInt64.random(in: 0..<3, using: &generator) where !rep.isEmpty {
                let position = Int.random(in: 0..<rep.count, using: &generator)
                switch UInt64.random(in: 0..<4, using: &generator) {
                case 0: rep.remove(at: position)
                case 1: rep.insert(UInt8.random(in: 0...255, using: &generator), at: position)
                case 2: rep = Array(rep[..<max(1, position)])
                default: rep[position] = UInt8.random(in: 0...255, using: &generator)
                }
            }
            let result = wdb_write(store.databasePointer, rep, rep.count, false)
            if result.code != WDB_OK {
                refused += 1
                #expect(result.code == WDB_INVALID)
            }
            wdb_free(result.message)
        }
        #expect(refused > 10_000)
        try store.flush(wait: true)
        try store.verifyChecksums()
        try store.close()
    }

    @Test("Options that make no sense are errors")
    func badOptions() throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let ring = try keyring()
        var options = scratch.options(.keyring(ring))
        options.path = ""
        #expect(try code { _ = try RocksKeyValueStore(options) } == .invalid)
        options = scratch.options(.keyring(ring), name: "absent")
        options.createsIfMissing = false
        #expect(try code { _ = try RocksKeyValueStore(options) } == .invalid)
        try writeFile(scratch("file"), [1])
        options = scratch.options(.keyring(ring), name: "file/below")
        #expect(try code { _ = try RocksKeyValueStore(options) } != nil)
        options = scratch.options(.keyring(ring))
        options.cacheBytes = -1
        options.writeBufferBytes = -1
        options.maxOpenFiles = -1
        options.backgroundJobs = -1
        options.walBytesMax = -1
        let store = try RocksKeyValueStore(options)
        try store.write(WriteBatch([("a", "1")]), sync: true)
        #expect(try code { try store.ingest([scratch("file")], in: rooms) } != nil)
        #expect(try code { try store.checkpoint(to: "") } == .invalid)
        #expect(try store.keys() == ["a"])
        try store.close()
    }

    @Test("Closing waits for readers on other threads and cuts nobody off half way")
    func closingUnderLoad() throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let store = try scratch.open(keyring())
        for number in 0..<200 {
            try store.write(WriteBatch([("k\(1000 + number)", "v")]), sync: false)
        }
        let threads = 4
        let passed = DispatchSemaphore(value: 0)
        let ended = DispatchSemaphore(value: 0)
        for index in 0..<threads {
            Thread.detachNewThread {
                defer { ended.signal() }
                while true {
                    do {
                        let view = store.view()
                        let count = try view.keys().count
                        #expect(count == 200)
                        if index == 0 { try store.flush(wait: true) }
                        passed.signal()
                    } catch {
                        #expect((error as? StoreError)?.code == .closed)
                        return
                    }
                }
            }
        }
        for _ in 0..<threads * 25 { passed.wait() }
        try store.close()
        for _ in 0..<threads { ended.wait() }
        #expect(try scratch.open(keyring()).keys().count == 200)
    }

    @Test("Flushes that come by themselves keep all families at one batch")
    func atomicFlush() throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let ring = try keyring()
        func open() throws -> RocksKeyValueStore {
            try RocksKeyValueStore(scratch.options(.keyring(ring), durability: .noWAL))
        }
        var store = try open()
        let batches = 3000
        for number in 0..<batches {
            var batch = WriteBatch()
            batch.put(bytes("\(10_000 + number)"), [UInt8](repeating: 1, count: 900), in: rooms)
            batch.put(bytes("\(10_000 + number)"), [1], in: users)
            try store.write(batch, sync: false)
        }
        try store.close(flushing: false)
        store = try open()
        let survived = try store.keys()
        #expect(survived.count > 100 && survived.count < batches)
        #expect(survived == (0..<survived.count).map { "\(10_000 + $0)" })
        #expect(try store.keys(in: users) == survived)
        try store.close()
    }

    @Test("Live files say what they hold")
    func liveFiles() throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let store = try scratch.open(keyring())
        try store.write(WriteBatch([("a", "1"), ("m", "1"), ("z", "1")]), sync: true)
        try store.flush(wait: true)
        let files = try store.liveFiles()
        #expect(files.map(\.family) == [rooms.id])
        #expect(files.first?.smallestKey == bytes("a"))
        #expect(files.first?.largestKey == bytes("z"))
        #expect(files.first?.entries == 3)
        let stored = try RocksKeyValueStore.storedFiles(in: scratch("db"))
        let table = try #require(stored.first { $0.name == files.first?.name })
        #expect(table.fileClass == .table)
        #expect(table.bytes == (files.first?.bytes ?? 0) + 4096)
        try store.close()
    }
}
