import Foundation
import KeyValue
import RocksKeyValue
import Testing

@Suite("Files that are not ours to read are refused by name and left alone")
struct KeyTroubleTests {
    @Test("A wrong key is refused before a byte is decrypted, the right one opens afterwards")
    func wrongKey() throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        try Self.fill(scratch, try keyring())
        let before = try scratch.files()
        #expect(try code { _ = try scratch.open(keyring(keySeed: 1)) } == .wrongKey)
        #expect(try code { _ = try scratch.open(keyring(store: 8)) } == .wrongKey)
        #expect(try code { _ = try scratch.open(keyring(epochs: [2])) } == .unknownEpoch)
        #expect(try scratch.files() == before)
        let store = try scratch.open(keyring(epochs: [1, 2]))
        #expect(try store.keys() == ["a", "b"])
        try store.close()
    }

    @Test("Plaintext in an encrypted store is refused, and the other way round")
    func plaintext() throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let plain = try RocksKeyValueStore(scratch.options(.plain, name: "plain"))
        try plain.write(WriteBatch([("a", "1")]), sync: true)
        try plain.close()
        let before = try scratch.files("plain")
        #expect(try code { _ = try scratch.open(keyring(), name: "plain") } == .plaintext)
        #expect(try scratch.files("plain") == before)

        try Self.fill(scratch, try keyring())
        #expect(
            try code { _ = try RocksKeyValueStore(scratch.options(.plain)) } == .corruption
        )
        try writeFile(scratch("db") + "/000999.sst", bytes("left over from somewhere"))
        #expect(try code { _ = try scratch.open(keyring()) } == .plaintext)
    }

    @Test("Every byte of a header counts")
    func flippedHeader() throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let keys = try keyring()
        try Self.fill(scratch, keys)
        let path = scratch("db") + "/CURRENT"
        let whole = try readFile(path)
        let positions = Array(0..<130) + [200, 1000, 4094, 4095]
        for position in positions {
            var content = whole
            content[position] ^= 0x01
            try writeFile(path, content)
            let expected: StoreError.Code =
                switch position {
                case 0..<8: .plaintext
                case 12..<16: .unknownEpoch
                default: .wrongKey
                }
            #expect(try code { _ = try scratch.open(keys) } == expected, "byte \(position)")
        }
        try writeFile(path, whole)
        let store = try scratch.open(keys)
        #expect(try store.keys() == ["a", "b"])
        try store.close()
    }

    @Test("An altered table is an error on reading, never other data")
    func flippedTable() throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let keys = try keyring()
        try Self.fill(scratch, keys)
        let table = try #require(try scratch.files().first { $0.key.hasSuffix(".sst") })
        for position in [20, 100, 2000, 4096, 4100, table.value.count - 1, table.value.count / 2] {
            var content = table.value
            content[position] ^= 0x40
            try scratch.copy("db", to: "bad")
            try writeFile(scratch("bad") + "/" + table.key, content)
            let outcome = try code {
                let store = try scratch.open(keys, name: "bad")
                defer { try? store.close() }
                try store.verifyChecksums()
                for key in ["a", "b"] {
                    #expect(try store.get(bytes(key), in: rooms) == bytes("1"))
                }
            }
            #expect(outcome == (position < 4096 ? .wrongKey : .corruption), "byte \(position)")
            try FileManager.default.removeItem(atPath: scratch("bad"))
        }
    }

    @Test("A scrub sees any change to a table, and two tables that changed places")
    func scrub() throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let keys = try keyring()
        let store = try scratch.open(keys)
        for value in ["1", "2"] {
            try store.write(WriteBatch([("a", value), ("b", value)]), sync: true)
            try store.flush(wait: true)
        }
        try store.verifyChecksums()
        let tables = try scratch.files().filter { $0.key.hasSuffix(".sst") }.sorted {
            $0.key < $1.key
        }
        let (first, second) = (try #require(tables.first), try #require(tables.last))
        for position in stride(from: 4096, to: first.value.count, by: 53) {
            var content = first.value
            content[position] ^= 0x04
            try overwrite(scratch("db/" + first.key), content)
            #expect(try code { try store.verifyChecksums() } == .corruption, "byte \(position)")
        }
        try overwrite(scratch("db/" + first.key), first.value)
        try store.verifyChecksums()
        try store.close()

        try writeFile(scratch("db/" + first.key), second.value)
        try writeFile(scratch("db/" + second.key), first.value)
        let outcome = try code {
            let store = try scratch.open(keys)
            defer { try? store.close() }
            try store.verifyChecksums()
        }
        #expect(outcome == .corruption)
    }

    @Test("A file of another store does not pass, though the key is the same")
    func foreignFile() throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        try Self.fill(scratch, try keyring())
        let other = try scratch.open(keyring(store: 9), name: "other")
        try other.write(WriteBatch([("x", "2")]), sync: true)
        try other.writeTable(at: scratch("x.sst"), in: rooms, rows: [("x", "3")])
        try other.close()
        let store = try scratch.open(keyring())
        #expect(try code { try store.ingest([scratch("x.sst")], in: rooms) } == .wrongKey)
        #expect(try store.keys() == ["a", "b"])
        try store.close()
    }

    @Test("A keyring refuses what would be ambiguous")
    func keyringRules() throws {
        let ring = try keyring(epochs: [1, 2], current: 1)
        #expect(try code { try ring.add(epoch: 1, key: dataKey(99)) } == .invalid)
        try ring.add(epoch: 1, key: dataKey(1))
        #expect(try code { try ring.setCurrent(3) } == .unknownEpoch)
        #expect(try code { try ring.remove(epoch: 1) } == .invalid)
        #expect(try code { try ring.add(epoch: 4, key: [1, 2, 3]) } == .invalid)
        try ring.remove(epoch: 2)
        #expect(try code { try ring.setCurrent(2) } == .unknownEpoch)
        #expect(ring.current == 1)
        for epoch in 10..<(10 + 255) as Range<UInt32> {
            try ring.add(epoch: epoch, key: dataKey(5))
        }
        #expect(try code { try ring.add(epoch: 999, key: dataKey(5)) } == .invalid)
    }

    /// Two rows in a table, nothing in the log.
    private static func fill(_ scratch: Scratch, _ keys: DataKeyring) throws {
        let store = try scratch.open(keys)
        try store.write(WriteBatch([("a", "1"), ("b", "1")]), sync: true)
        try store.flush(wait: true)
        try store.close()
    }
}

/// Writes into the file that is there, as an attacker would: open readers see it.
private func overwrite(_ path: String, _ content: [UInt8]) throws {
    let file = try #require(FileHandle(forUpdatingAtPath: path))
    try file.write(contentsOf: content)
    try file.close()
}

extension RocksKeyValueStore {
    func writeTable(
        at path: String,
        in family: ColumnFamily,
        rows: [(String, String)]
    ) throws(StoreError) {
        var rest = rows[...]
        try writeTable(at: path, in: family) { () throws(StoreError) in
            rest.popFirst().map { (key: bytes($0.0), value: bytes($0.1)) }
        }
    }
}
