import KeyValue
import Testing

@Suite("Every store reads what was written")
struct ReadWriteTests {
    @Test("A written value is read back, an absent key is nil", arguments: StoreKind.allCases)
    func getAndPut(_ kind: StoreKind) throws {
        let under = try StoreUnderTest(kind)
        defer { under.remove() }
        let store = under.store
        try store.write(.putting("a", "1", in: rooms), sync: true)
        try store.write(.putting("empty", "", in: rooms), sync: false)
        #expect(try store.get(bytes("a"), in: rooms) == bytes("1"))
        #expect(try store.get(bytes("empty"), in: rooms) == [])
        #expect(try store.get(bytes("b"), in: rooms) == nil)
        #expect(try store.get(bytes("a"), in: users) == nil, "families do not mix")
        try store.write(.putting("", "empty key", in: later), sync: false)
        #expect(try store.get([], in: later) == bytes("empty key"))
    }

    @Test("The last word on a key in one batch counts", arguments: StoreKind.allCases)
    func orderWithinABatch(_ kind: StoreKind) throws {
        let under = try StoreUnderTest(kind)
        defer { under.remove() }
        let store = under.store
        var batch = WriteBatch()
        batch.put(bytes("a"), bytes("1"), in: rooms)
        batch.delete(bytes("a"), in: rooms)
        batch.put(bytes("b"), bytes("1"), in: rooms)
        batch.put(bytes("b"), bytes("2"), in: rooms)
        batch.put(bytes("c"), bytes("1"), in: rooms)
        batch.deleteRange(from: bytes("c"), to: bytes("d"), in: rooms)
        batch.put(bytes("d"), bytes("1"), in: rooms)
        try store.write(batch, sync: true)
        #expect(try store.texts(in: rooms) == ["b=2", "d=1"])
    }

    @Test("Many keys at once are answered in their order", arguments: StoreKind.allCases)
    func multiGet(_ kind: StoreKind) throws {
        let under = try StoreUnderTest(kind)
        defer { under.remove() }
        let store = under.store
        var batch = WriteBatch()
        for index in 0..<100 { batch.put(bytes("k\(index)"), bytes("v\(index)"), in: users) }
        try store.write(batch, sync: false)
        let keys = ["k7", "none", "k7", "k99", ""].map(bytes)
        let found = try store.multiGet(keys, in: users)
        #expect(found == [bytes("v7"), nil, bytes("v7"), bytes("v99"), nil])
        #expect(try store.multiGet([], in: users) == [])
    }

    @Test("A scan has its bounds and its direction", arguments: StoreKind.allCases)
    func scan(_ kind: StoreKind) throws {
        let under = try StoreUnderTest(kind)
        defer { under.remove() }
        let store = under.store
        var batch = WriteBatch()
        for key in ["b", "a", "ba", "c", "bb", "d"] {
            batch.put(bytes(key), bytes("."), in: rooms)
        }
        try store.write(batch, sync: false)
        #expect(try store.texts(in: rooms) == ["a=.", "b=.", "ba=.", "bb=.", "c=.", "d=."])
        #expect(try store.texts(from: "b", to: "c", in: rooms) == ["b=.", "ba=.", "bb=."])
        #expect(
            try store.texts(from: "b", to: "c", in: rooms, reverse: true)
                == ["bb=.", "ba=.", "b=."]
        )
        #expect(try store.texts(from: "b", in: rooms, limit: 2) == ["b=.", "ba=."])
        #expect(try store.texts(in: rooms, reverse: true, limit: 1) == ["d=."])
        #expect(try store.texts(from: "bab", to: "bb", in: rooms) == [])
        #expect(try store.texts(from: "c", to: "b", in: rooms) == [], "an inverted range is empty")
        #expect(try store.texts(from: "c", to: "b", in: rooms, reverse: true) == [])
        #expect(try store.texts(from: "b", to: "b", in: rooms) == [])
        #expect(try store.texts(from: "x", to: "z", in: rooms, reverse: true) == [])
        #expect(try store.texts(from: "", to: "a", in: rooms, reverse: true) == [])
    }

    @Test("Keys compare as unsigned bytes", arguments: StoreKind.allCases)
    func unsignedOrder(_ kind: StoreKind) throws {
        let under = try StoreUnderTest(kind)
        defer { under.remove() }
        let store = under.store
        let keys: [[UInt8]] = [[0xFF, 0xFF], [0x80], [0], [], [0xFF], [0x7F, 0xFF], [0, 0]]
        var batch = WriteBatch()
        for key in keys { batch.put(key, [1], in: rooms) }
        try store.write(batch, sync: false)
        let sorted: [[UInt8]] = [[], [0], [0, 0], [0x7F, 0xFF], [0x80], [0xFF], [0xFF, 0xFF]]
        #expect(try store.rows(in: rooms).map(\.key) == sorted)
        #expect(try store.rows(in: rooms, reverse: true).map(\.key) == sorted.reversed())
        var found: [[UInt8]] = []
        try store.scan(prefix: [0xFF], in: rooms) { key, _ in
            found.append(Array(key))
            return true
        }
        #expect(found == [[0xFF], [0xFF, 0xFF]], "a prefix of 0xFF has no upper bound")
    }

    @Test("A range goes, its bounds stay", arguments: StoreKind.allCases)
    func deleteRange(_ kind: StoreKind) throws {
        let under = try StoreUnderTest(kind)
        defer { under.remove() }
        let store = under.store
        var batch = WriteBatch()
        for index in 100..<700 { batch.put(bytes("\(index)"), [1], in: rooms) }
        try store.write(batch, sync: false)
        try store.flush(wait: true)
        var cut = WriteBatch()
        cut.deleteRange(from: bytes("101"), to: bytes("698"), in: rooms)
        cut.deleteRange(from: bytes("9"), to: bytes("1"), in: rooms)
        cut.deleteRange(from: bytes("1"), to: [], in: rooms)
        #expect(cut.count == 1, "a range without room is not an operation")
        try store.write(cut, sync: true)
        let left = ["100", "698", "699"].map(bytes)
        #expect(try store.rows(in: rooms).map(\.key) == left)
        try store.compactRange(from: [], to: [], in: rooms, bottommost: true)
        #expect(try store.rows(in: rooms).map(\.key) == left)
        #expect(try store.get(bytes("500"), in: rooms) == nil)
    }

    @Test("A view does not move", arguments: StoreKind.allCases)
    func views(_ kind: StoreKind) throws {
        let under = try StoreUnderTest(kind)
        defer { under.remove() }
        let store = under.store
        try store.write(.putting("a", "1", in: rooms), sync: false)
        let before: any KeyValueReader = store.view()
        var batch = WriteBatch.putting("b", "2", in: rooms)
        batch.put(bytes("a"), bytes("changed"), in: rooms)
        batch.put(bytes("a"), bytes("1"), in: users)
        try store.write(batch, sync: false)
        let after: any KeyValueReader = store.view()
        try store.write(
            {
                var batch = WriteBatch()
                batch.deleteRange(from: bytes("a"), to: bytes("z"), in: rooms)
                return batch
            }(),
            sync: false
        )
        try store.flush(wait: true)
        try store.compactRange(from: [], to: [], in: rooms, bottommost: true)
        #expect(try before.texts(in: rooms) == ["a=1"])
        #expect(try before.get(bytes("a"), in: users) == nil)
        #expect(try before.multiGet([bytes("a"), bytes("b")], in: rooms) == [bytes("1"), nil])
        #expect(try after.texts(in: rooms) == ["a=changed", "b=2"])
        #expect(try store.texts(in: rooms) == [])
    }

    @Test("A scan may read and write the store it scans", arguments: StoreKind.allCases)
    func nestedCalls(_ kind: StoreKind) throws {
        let under = try StoreUnderTest(kind)
        defer { under.remove() }
        let store = under.store
        for key in ["a", "b", "c"] { try store.write(.putting(key, "0", in: rooms), sync: false) }
        var seen: [String] = []
        try store.scan(from: [], to: [], in: rooms, reverse: false) { key, _ in
            let name = String(decoding: key, as: UTF8.self)
            seen.append(name)
            let batch = WriteBatch.putting(name + "x", "1", in: rooms)
            return (try? store.write(batch, sync: false)) != nil
                && (try? store.get(Array(key), in: rooms)) == bytes("0")
        }
        #expect(seen == ["a", "b", "c"], "the scan sees the store as it was")
        #expect(try store.texts(in: rooms).count == 6)
    }

    @Test("A batch with a foreign family changes nothing", arguments: StoreKind.allCases)
    func unknownFamily(_ kind: StoreKind) throws {
        let under = try StoreUnderTest(kind)
        defer { under.remove() }
        let store = under.store
        let stranger = ColumnFamily(id: 4, name: "stranger")
        var batch = WriteBatch.putting("a", "1", in: rooms)
        batch.put(bytes("a"), bytes("1"), in: stranger)
        #expect { try store.write(batch, sync: true) } throws: {
            ($0 as? StoreError)?.code == .invalid
        }
        #expect { try store.get(bytes("a"), in: stranger) } throws: {
            ($0 as? StoreError)?.code == .invalid
        }
        #expect { try store.texts(in: stranger) } throws: {
            ($0 as? StoreError)?.code == .invalid
        }
        #expect(try store.texts(in: rooms) == [])
        try store.write(.putting("b", "still writable", in: rooms), sync: true)
    }

    @Test("An empty batch is fine, synced or not", arguments: StoreKind.allCases)
    func emptyBatch(_ kind: StoreKind) throws {
        let under = try StoreUnderTest(kind)
        defer { under.remove() }
        let store = under.store
        try store.write(WriteBatch(), sync: false)
        try store.write(WriteBatch(), sync: true)
        #expect(try store.texts(in: rooms) == [])
    }

    @Test("A value of several megabytes comes back whole", arguments: StoreKind.allCases)
    func largeValue(_ kind: StoreKind) throws {
        let under = try StoreUnderTest(kind)
        defer { under.remove() }
        let value = (0..<5_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        var batch = WriteBatch()
        batch.put(bytes("large"), value, in: rooms)
        try under.store.write(batch, sync: true)
        try under.closeAndReopen()
        #expect(try under.store.get(bytes("large"), in: rooms) == value)
    }
}
