import Encryption
import KeyValue
import MessageLog
import Primitives
import Testing

/// A log beside the plainest model of one: an array of entries.
private struct History {
    var fixture: LogFixture
    var model: [LogEntry] = []
    var base: UInt64 = 0
    var term: UInt64 = 1
    var clock: UInt64 = 1
    var generator: SeededGenerator
    /// What the disk has for certain, and what the mark says: one turn behind, as it may be.
    var synced: (model: [LogEntry], base: UInt64) = ([], 0)
    var marks: [MarkEntry] = []

    init(seed: UInt64, settings: MessageLogSettings) {
        generator = SeededGenerator(seed: seed)
        fixture = LogFixture(settings: settings)
    }

    mutating func number(below bound: UInt64) -> UInt64 { generator.next() % bound }

    var last: UInt64 { base + UInt64(model.count) }

    mutating func entry(_ index: UInt64) -> LogEntry {
        clock += 1
        return LogEntry(
            term: Term(term),
            index: LogIndex(index),
            retention: number(below: 3) == 0 ? .passing : .kept,
            clock: HybridTimestamp(clock),
            body: (0..<Int(number(below: 60))).map { UInt8(truncatingIfNeeded: $0) }
        )
    }

    mutating func step(into batch: inout WriteBatch) throws {
        switch number(below: 10) {
        case 0 where last > base + 1:
            term += 1
            let from = base + 1 + number(below: last - base)
            model.removeLast(Int(last - from + 1))
            let added = [entry(from)]
            model += added
            try fixture.log.append(added, into: &batch)
        case 1:
            term += 1
            fixture.log.setHardState(
                term: Term(term),
                vote: ReplicaID(number(below: 4)),
                into: &batch
            )
        case 2 where fixture.log.durableIndex.raw > base:
            let through = base + 1 + number(below: fixture.log.durableIndex.raw - base)
            model.removeFirst(Int(through - base))
            base = through
            try fixture.log.truncatePrefix(through: LogIndex(through), into: &batch)
        default:
            let first = last + 1
            let added = (0..<1 + number(below: 5)).map { offset in entry(first + offset) }
            model += added
            try fixture.log.append(added, into: &batch)
        }
    }

    mutating func turn() throws {
        var batch = WriteBatch()
        for _ in 0..<1 + number(below: 3) { try step(into: &batch) }
        try fixture.store.write(batch, sync: true)
        fixture.log.markDurable(fixture.log.tail)
        synced = (model, base)
        marks.append(fixture.log.markEntry)
    }

    func agree(_ log: MessageLog<MemoryKeyValueStore>) throws {
        #expect(log.firstIndex == LogIndex(base + 1) && log.lastIndex == LogIndex(last))
        if !model.isEmpty {
            let range = log.firstIndex..<log.lastIndex.next
            #expect(try log.entries(range, maxBytes: .max) == model)
        }
        let report = try log.verify()
        #expect(report.firstBad == nil && report.intact == model.count)
    }
}

@Suite("Histories")
struct HistoryTests {
    @Test(
        "Whatever happened, memory, store and a restart tell the same story",
        arguments: 1...60 as ClosedRange<UInt64>
    )
    func same(seed: UInt64) throws {
        var settings = MessageLogSettings()
        settings.cacheBytesMax = Int(seed % 3) * 300
        var history = History(seed: seed, settings: settings)
        for _ in 0..<60 {
            try history.turn()
            try history.agree(history.fixture.log)
        }
        let reopened = history.fixture.reopened(
            mark: history.marks.last,
            settings: settings
        )
        #expect(reopened.verdict == .clean)
        #expect(reopened.log.tail == history.fixture.log.tail)
        #expect(reopened.log.hardState == history.fixture.log.hardState)
        try history.agree(reopened.log)
    }

    @Test(
        "After a power cut a lagging mark finds nothing wrong and nothing synced is missing",
        arguments: 100...160 as ClosedRange<UInt64>
    )
    func powerCut(seed: UInt64) throws {
        var history = History(seed: seed, settings: MessageLogSettings())
        for _ in 0..<1 + history.number(below: 40) { try history.turn() }
        let certain = history.synced
        var batch = WriteBatch()
        try history.step(into: &batch)
        try history.fixture.store.write(batch, sync: false)
        history.fixture.store.crash()
        (history.model, history.base) = certain
        for mark in history.marks.suffix(2) {
            let reopened = history.fixture.reopened(mark: mark)
            #expect(reopened.verdict == .clean)
            try history.agree(reopened.log)
        }
    }

    @Test(
        "A log that forgot a synced turn is found out, unless that turn left no trace in it",
        arguments: 200...300 as ClosedRange<UInt64>
    )
    func forgotten(seed: UInt64) throws {
        var history = History(seed: seed, settings: MessageLogSettings())
        for _ in 0..<2 + history.number(below: 40) { try history.turn() }
        let before = history.marks[history.marks.count - 2]
        let mark = try #require(history.marks.last)
        history.fixture.store.crash(.init(tearsLastSynced: true))
        let reopened = history.fixture.reopened(mark: mark)
        if mark == before {
            // Only a trim: what was promised is all there.
            #expect(reopened.verdict == .clean)
        } else {
            guard case .amnesia = reopened.verdict else {
                Issue.record("seed \(seed): \(before) became \(mark) unnoticed")
                return
            }
        }
        #expect(history.fixture.reopened(mark: before).verdict == .clean)
    }
}
