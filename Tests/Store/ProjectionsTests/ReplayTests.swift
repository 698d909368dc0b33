import Homeserver
import KeyValue
import Keyspace
import Primitives
import Projections
import Testing

/// Rows are a function of the log: neither where batches end nor where a flush fell shows in them.
@Suite("Replay")
struct ReplayTests {
    private static let partition = PartitionID(1)
    private static let count: UInt64 = 700

    private func makeStore() -> MemoryKeyValueStore {
        MemoryKeyValueStore(families: [.state], durability: .noWAL())
    }

    /// Folds entries, some at a time, and writes their rows.
    private func fold(
        _ entries: ArraySlice<RandomFacts.Entry>,
        into store: MemoryKeyValueStore,
        atOnce: () -> Int
    ) throws {
        var folder = Folder(partition: Self.partition, store: store)
        var rest = entries
        while !rest.isEmpty {
            for entry in rest.prefix(atOnce()) {
                try folder.fold(entry.facts, at: entry.index, term: Term(1), clock: entry.clock)
                rest.removeFirst()
            }
            let (batch, _) = folder.takeBatch()
            try store.write(batch, sync: false)
            folder.written()
        }
    }

    private func rows(_ store: MemoryKeyValueStore) throws -> [[UInt8]: [UInt8]] {
        var rows: [[UInt8]: [UInt8]] = [:]
        let end = [UInt8](repeating: 0xFF, count: 64)
        try store.scan(from: [], to: end, in: .state, reverse: false) { key, value in
            rows[Array(key)] = Array(value)
            return true
        }
        return rows
    }

    /// The tables whose rows differ, for a message one can read.
    private func difference(_ one: [[UInt8]: [UInt8]], _ other: [[UInt8]: [UInt8]]) -> [String] {
        Set(one.keys).union(other.keys).filter { one[$0] != other[$0] }.map { key in
            let table = Table(rawValue: key[0]).map { "\($0)" } ?? "?"
            return "\(table) \(key) \(one[key] ?? []) \(other[key] ?? [])"
        }.sorted()
    }

    @Test("Rows do not tell where batches ended", arguments: UInt64(1)...4)
    func batches(seed: UInt64) throws {
        let entries = RandomFacts.entries(Self.count, seed: seed)
        let single = makeStore()
        try fold(entries[...], into: single) { 1 }
        var generator = SeededGenerator(seed: seed)
        let grouped = makeStore()
        try fold(entries[...], into: grouped) { 1 + Int(generator.next() % 40) }
        #expect(difference(try rows(single), try rows(grouped)) == [])
    }

    @Test(
        "A fold that begins again at the last flush gives the same rows",
        arguments: UInt64(1)...4
    )
    func flushes(seed: UInt64) throws {
        let entries = RandomFacts.entries(Self.count, seed: seed)
        let whole = makeStore()
        try fold(entries[...], into: whole) { 7 }
        let expected = try rows(whole)
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<20 {
            let flushed = Int(generator.next() % (Self.count + 1))
            let lost = flushed + Int(generator.next() % (Self.count + 1 - UInt64(flushed)))
            let store = makeStore()
            func some() -> Int { 1 + Int(generator.next() % 10) }
            try fold(entries[..<flushed], into: store, atOnce: some)
            try store.flush(wait: true)
            try fold(entries[flushed..<lost], into: store, atOnce: some)
            store.crash()
            let applied = try StateReader(Self.partition, store).applied?.index.raw ?? 0
            #expect(applied == UInt64(flushed), "what was not flushed is lost")
            try fold(entries[Int(applied)...], into: store, atOnce: some)
            #expect(difference(expected, try rows(store)) == [], "\(flushed), \(lost)")
        }
    }

    @Test("The random facts are of every kind and meet each other")
    func reach() throws {
        let entries = RandomFacts.entries(Self.count, seed: 1)
        let kinds = Set(entries.flatMap { $0.facts.map { type(of: $0.payload).kind } })
        // 64 and 65 never reach a fold as they are.
        #expect(kinds.count == 27)
        let store = makeStore()
        try fold(entries[...], into: store) { 1 }
        let tables = Set(try rows(store).keys.map { $0[0] })
        // Of no fact: room aliases are read from the alias rows, and the floor of an outbox comes
        // with a loss that was accepted.
        let unwritten = Set([Table.roomAlias, .outboxFloor].map(\.rawValue))
        #expect(tables == Set(Table.allCases.map(\.rawValue)).subtracting(unwritten))
        #expect(try rows(store).count < entries.reduce(0) { $0 + $1.facts.count } * 2)
    }
}
