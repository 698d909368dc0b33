import KeyValue
import Primitives
import Testing

/// A plain dictionary is the judge: whatever is done to a store, it must agree.
@Suite("A store agrees with a sorted dictionary under random work")
struct ModelTests {
    private typealias Model = [ColumnFamily: [[UInt8]: [UInt8]]]

    @Test(
        "Random batches, flushes, compactions, crashes",
        arguments: StoreKind.allCases,
        [1, 2, 3] as [UInt64]
    )
    func random(_ kind: StoreKind, _ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let under = try StoreUnderTest(kind)
        defer { under.remove() }
        var model: Model = [:]
        for step in 0..<400 {
            let batch = Self.randomBatch(&generator)
            let sync = UInt64.random(in: 0..<4, using: &generator) == 0
            try under.store.write(batch, sync: sync)
            Self.apply(batch, to: &model)
            switch UInt64.random(in: 0..<40, using: &generator) {
            case 0: try under.store.flush(wait: true)
            case 1:
                try under.store.compactRange(
                    from: [],
                    to: [],
                    in: rooms,
                    bottommost: step % 2 == 0
                )
            case 2: try under.closeAndReopen()
            case 3:
                // Make sure of everything first: how much of the rest stays is the disk's choice.
                if kind.hasLog {
                    try under.store.write(WriteBatch(), sync: true)
                } else {
                    try under.store.flush(wait: true)
                }
                try under.crashAndReopen()
            default: break
            }
            if step % 20 == 0 { try Self.compare(under.store, model, &generator) }
        }
        try Self.compare(under.store, model, &generator)
        try under.store.verifyChecksums()
    }

    private static func randomKey(_ generator: inout SeededGenerator) -> [UInt8] {
        let count = Int.random(in: 0...5, using: &generator)
        return (0..<count).map { _ in
            [0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &generator)!
        }
    }

    private static func randomBatch(_ generator: inout SeededGenerator) -> WriteBatch {
        var batch = WriteBatch()
        for _ in 0..<Int.random(in: 0...20, using: &generator) {
            let family = families.randomElement(using: &generator)!
            let key = randomKey(&generator)
            switch UInt64.random(in: 0..<10, using: &generator) {
            case 0: batch.delete(key, in: family)
            case 1: batch.deleteRange(from: key, to: randomKey(&generator), in: family)
            default:
                let length = Int.random(in: 0...300, using: &generator)
                batch.put(key, [UInt8](repeating: UInt8(length & 0xFF), count: length), in: family)
            }
        }
        return batch
    }

    private static func apply(_ batch: WriteBatch, to model: inout Model) {
        batch.forEach { operation in
            switch operation {
            case .put(let key, let value, let id):
                let family = families.first { $0.id == id }!
                model[family, default: [:]][Array(key)] = Array(value)
            case .delete(let key, let id):
                let family = families.first { $0.id == id }!
                model[family, default: [:]][Array(key)] = nil
            case .deleteRange(let lower, let upper, let id):
                let family = families.first { $0.id == id }!
                model[family] = model[family, default: [:]].filter { key, _ in
                    KeyOrder.precedes(key, Array(lower)) || !KeyOrder.precedes(key, Array(upper))
                }
            }
        }
    }

    private static func compare(
        _ store: any KeyValueStore,
        _ model: Model,
        _ generator: inout SeededGenerator
    ) throws {
        for family in families {
            let expected = (model[family] ?? [:]).sorted { KeyOrder.precedes($0.key, $1.key) }
            let lower = randomKey(&generator)
            let upper = randomKey(&generator)
            let ranges: [(from: [UInt8], to: [UInt8])] = [([], []), (lower, upper), (lower, [])]
            for (from, to) in ranges {
                let wanted = expected.filter { row in
                    !KeyOrder.precedes(row.key, from)
                        && (to.isEmpty || KeyOrder.precedes(row.key, to))
                }
                let rows = try store.rows(from: from, to: to, in: family)
                #expect(rows.map(\.key) == wanted.map(\.key))
                #expect(rows.map(\.value) == wanted.map(\.value))
                let backwards = try store.rows(from: from, to: to, in: family, reverse: true)
                #expect(backwards.map(\.key) == wanted.map(\.key).reversed())
            }
            let keys = (0..<10).map { _ in randomKey(&generator) }
            #expect(try store.multiGet(keys, in: family) == keys.map { model[family]?[$0] })
        }
    }
}
