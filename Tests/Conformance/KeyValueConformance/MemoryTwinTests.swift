import KeyValue
import Testing

@Suite("The memory twin forgets what a disk may forget")
struct MemoryTwinTests {
    @Test("Unsynced batches are lost, or any first few of them are kept")
    func unsyncedLoss() throws {
        for kept in 0...3 {
            let store = MemoryKeyValueStore(families: families)
            try store.write(.putting("a", "1", in: rooms), sync: true)
            for key in ["b", "c", "d"] {
                try store.write(.putting(key, "1", in: rooms), sync: false)
            }
            #expect(store.unsyncedBatches == 3)
            store.crash(.init(unsyncedKept: kept))
            let survivors = ["a=1", "b=1", "c=1", "d=1"][...kept]
            #expect(try store.texts(in: rooms)[...] == survivors)
            #expect(store.unsyncedBatches == 0)
        }
    }

    @Test("A torn last sync takes that batch and no other")
    func tornSync() throws {
        let store = MemoryKeyValueStore(families: families)
        try store.write(.putting("a", "1", in: rooms), sync: true)
        try store.write(.putting("b", "1", in: rooms), sync: false)
        try store.write(.putting("c", "1", in: rooms), sync: true)
        try store.write(.putting("d", "1", in: rooms), sync: false)
        store.crash(.init(unsyncedKept: 1, tearsLastSynced: true))
        #expect(try store.texts(in: rooms) == ["a=1", "b=1"])
        store.crash(.init(tearsLastSynced: true))
        #expect(try store.texts(in: rooms) == ["a=1", "b=1"], "what recovery read is on disk")
    }

    @Test("Without a log a flush may come by itself, and only whole batches survive")
    func spontaneousFlush() throws {
        var lengths: Set<Int> = []
        for seed in 0..<20 as Range<UInt64> {
            let store = MemoryKeyValueStore(
                families: families,
                durability: .noWAL(spontaneousFlushOneIn: 5, seed: seed)
            )
            for index in 0..<20 {
                var batch = WriteBatch.putting("\(100 + index)", "1", in: rooms)
                batch.put(bytes("\(100 + index)"), bytes("1"), in: users)
                try store.write(batch, sync: true)
            }
            store.crash()
            let survived = try store.texts(in: rooms)
            #expect(try store.texts(in: users) == survived)
            #expect(survived == (0..<survived.count).map { "\(100 + $0)=1" })
            lengths.insert(survived.count)
        }
        #expect(lengths.count > 3, "different seeds, different moments")
    }

    @Test("A failing disk fails every write until the crash")
    func faults() throws {
        let store = MemoryKeyValueStore(families: families)
        store.fail(with: StoreError(.noSpace, "full"), afterWrites: 1)
        try store.write(.putting("a", "1", in: rooms), sync: true)
        for _ in 0..<2 {
            #expect { try store.write(.putting("b", "1", in: rooms), sync: true) } throws: {
                ($0 as? StoreError)?.code == .noSpace
            }
        }
        store.crash()
        try store.write(.putting("c", "1", in: rooms), sync: true)
        #expect(try store.texts(in: rooms) == ["a=1", "c=1"])
    }

    @Test("A large table stays sorted whichever way it is filled")
    func runs() throws {
        let store = MemoryKeyValueStore(families: families)
        let numbers = Array(0..<3000)
        let orders = [numbers, numbers.reversed(), numbers.map { ($0 * 1543) % 3000 }]
        for (order, family) in zip(orders, [rooms, users, later]) {
            for number in order {
                try store.write(.putting(String(10000 + number), "v", in: family), sync: false)
            }
            #expect(try store.rows(in: family).map(\.key) == numbers.map { bytes("\(10000 + $0)") })
            #expect(
                try store.rows(in: family, reverse: true).map(\.key)
                    == numbers.reversed().map { bytes("\(10000 + $0)") }
            )
        }
    }
}
