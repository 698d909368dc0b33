import Foundation
import KeyValue
import RocksKeyValue
import Testing

@Suite("A log cut anywhere opens to a prefix of what was written")
struct TornLogTests {
    /// Every length around the header, and steps elsewhere.
    private static let lengths =
        Array(0...20) + Array(stride(from: 21, to: 4060, by: 211)) + Array(4060...4180)
        + Array(stride(from: 4181, through: 5000, by: 31))

    @Test("At every length from 0 to 5,000")
    func everyLength() throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let keys = try keyring()
        let log = try Self.logOf(scratch, keys)
        var lengthsSeen: Set<Int> = []
        for length in Self.lengths {
            try scratch.copy("db", to: "cut")
            let path = scratch("cut") + "/" + log.name
            try writeFile(path, Array(log.content[..<min(length, log.content.count)]))
            let store = try scratch.open(keys, name: "cut")
            let found = try store.keys()
            #expect(found == Self.batches.prefix(found.count).map { $0 }, "at length \(length)")
            #expect(length > 4096 || found.isEmpty)
            lengthsSeen.insert(found.count)
            try store.write(WriteBatch([("z", "writable")]), sync: true)
            #expect(try store.get(bytes("z"), in: rooms) == bytes("writable"))
            try store.close()
            let quarantine = scratch("cut") + "/quarantine"
            #expect(
                FileManager.default.fileExists(atPath: quarantine)
                    == (length > 0 && length < 4096)
            )
            try FileManager.default.removeItem(atPath: scratch("cut"))
        }
        #expect(lengthsSeen.count > 5, "some cuts keep some batches")
    }

    @Test("A header of zeros is an empty log")
    func zeroHeader() throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let keys = try keyring()
        let log = try Self.logOf(scratch, keys)
        for length in [1, 4095, 4096, 4097, 6000] {
            try scratch.copy("db", to: "cut")
            try writeFile(
                scratch("cut") + "/" + log.name,
                [UInt8](repeating: 0, count: length)
            )
            let store = try scratch.open(keys, name: "cut")
            #expect(try store.keys() == [])
            try store.close()
            try FileManager.default.removeItem(atPath: scratch("cut"))
        }
    }

    @Test("A flipped byte ends the log there, or is corruption where that was asked for")
    func flippedByte() throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let keys = try keyring()
        let log = try Self.logOf(scratch, keys)
        let recoveries: [RocksOptions.WALRecovery] = [.pointInTime, .tornTailOnly, .absolute]
        for recovery in recoveries {
            try scratch.copy("db", to: "cut")
            var content = log.content
            content[4096 + 300] ^= 0x10
            try writeFile(scratch("cut") + "/" + log.name, content)
            var options = scratch.options(.keyring(keys), name: "cut")
            options.walRecovery = recovery
            let outcome = try code {
                let store = try RocksKeyValueStore(options)
                let found = try store.keys()
                #expect(found.count > 0 && found.count < Self.batches.count)
                #expect(found == Array(Self.batches.prefix(found.count)))
                try store.close()
            }
            #expect(outcome == (recovery == .pointInTime ? nil : .corruption))
            try FileManager.default.removeItem(atPath: scratch("cut"))
        }
    }

    @Test("A torn table that nobody refers to is swept, not fatal")
    func tornOrphans() throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let keys = try keyring()
        let log = try Self.logOf(scratch, keys)
        let header = Array(log.content[..<4096])
        for (index, name) in ["000900.sst", "MANIFEST-000901", "000902.dbtmp", "OPTIONS-000903"]
            .enumerated()
        {
            try writeFile(scratch("db") + "/" + name, Array(header[..<(7 + index * 700)]))
        }
        let store = try scratch.open(keys)
        #expect(try store.keys() == Self.batches)
        try store.close()
        let swept = try FileManager.default.contentsOfDirectory(
            atPath: scratch("db") + "/quarantine"
        )
        #expect(swept.count == 4)
    }

    @Test("A torn CURRENT is corruption, never a new database")
    func tornCurrent() throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let keys = try keyring()
        _ = try Self.logOf(scratch, keys)
        let path = scratch("db") + "/CURRENT"
        let whole = try readFile(path)
        for length in [1, 8, 4095] {
            try writeFile(path, Array(whole[..<length]))
            #expect(try code { _ = try scratch.open(keys) } == .corruption)
        }
        try writeFile(path, Array(whole[..<4096]))
        #expect(try code { _ = try scratch.open(keys) } == .corruption)
        try writeFile(path, whole)
        #expect(try scratch.open(keys).keys() == Self.batches)
    }

    // MARK: helpers

    private static let batches = (0..<40).map { "key-\(100 + $0)" }

    /// A database with `batches` in its log only, closed as by a crash, and that log.
    private static func logOf(
        _ scratch: Scratch,
        _ keys: DataKeyring
    ) throws -> (name: String, content: [UInt8]) {
        let store = try scratch.open(keys)
        for key in batches { try store.write(WriteBatch([(key, "value")]), sync: true) }
        try store.close(flushing: false)
        let log = try #require(
            try scratch.files().filter { $0.key.hasSuffix(".log") }.max {
                $0.value.count < $1.value.count
            }
        )
        #expect(log.value.count > 5000)
        return (log.key, log.value)
    }
}
