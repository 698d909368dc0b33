import Encryption
import KeyValue
import MessageLog
import Primitives
import Testing

@Suite("Pruning and trimming")
struct PruningTests {
    private var uncached: MessageLogSettings {
        var settings = MessageLogSettings()
        settings.cacheBytesMax = 0
        return settings
    }

    @Test(
        "A pruned body is gone from the store, its record reads as blank and the chain verifies",
        arguments: [0, 1 << 20]
    )
    func prune(cacheBytes: Int) throws {
        var settings = MessageLogSettings()
        settings.cacheBytesMax = cacheBytes
        var fixture = LogFixture(settings: settings)
        try fixture.append(entries(from: 1, count: 20))
        let passing = try fixture.log.passingRecords(in: 1...20, limit: 100)
        #expect(passing == [5, 10, 15, 20])
        try fixture.turn { log, batch in
            let passed = try log.prune(passing.prefix(3), into: &batch)
            let redacted = try log.prune([7], into: &batch)
            #expect(passed == 3 && redacted == 1)
        }
        #expect(try fixture.log.passingRecords(in: 1...20, limit: 100) == [20])
        #expect(fixture.row(7)?.count == 98)
        for log in [fixture.log, fixture.reopened(mark: fixture.log.markEntry).log] {
            let report = try log.verify()
            #expect(report.intact == 20 && report.blank == 4 && report.firstBad == nil)
            #expect(try log.record(at: 5).body == nil)
            #expect(try log.record(at: 7).entry.isBlank)
            #expect(try log.record(at: 20).body?.count == 40)
            let read = try log.entries(1..<21, maxBytes: .max)
            #expect(read.filter(\.isBlank).map(\.index) == [5, 7, 10, 15])
        }
        try fixture.turn { log, batch in
            let again = try log.prune([5, 7], into: &batch)
            #expect(again == 0, "nothing is left to prune")
        }
    }

    @Test("A body that is not on disk yet is not pruned")
    func pruneInFlight() throws {
        var fixture = LogFixture()
        var batch = WriteBatch()
        try fixture.log.append(entries(from: 1, count: 5), into: &batch)
        #expect(throws: LogError.refused("record 5 is not on disk yet")) {
            try fixture.log.prune([5], into: &batch)
        }
    }

    @Test("A trimmed prefix is really gone, and the rest verifies from the base")
    func trim() throws {
        var fixture = LogFixture(settings: uncached)
        try fixture.append(entries(from: 1, count: 20))
        try fixture.turn { log, batch in try log.truncatePrefix(through: 12, into: &batch) }
        #expect(fixture.log.firstIndex == 13)
        for family in [LogFamilies.records, LogFamilies.passing] {
            for index in 1...12 as ClosedRange<UInt64> {
                #expect(fixture.row(index, in: family) == nil)
            }
        }
        #expect(throws: LogError.compacted(first: 13)) { try fixture.log.record(at: 12) }
        #expect(fixture.log.term(at: 12) == .term(Term(1)))
        #expect(fixture.log.term(at: 11) == .compacted)
        let reopened = fixture.reopened(mark: fixture.log.markEntry)
        #expect(reopened.verdict == .clean)
        #expect(reopened.log.firstIndex == 13)
        #expect(try reopened.log.verify().intact == 8)
        // The whole log may go; the next record still follows the chain.
        try fixture.turn { log, batch in try log.truncatePrefix(through: 20, into: &batch) }
        #expect(fixture.log.isEmpty)
        try fixture.append(entries(from: 21, count: 1))
        var straight = LogFixture()
        try straight.append(entries(from: 1, count: 21))
        #expect(fixture.log.tail == straight.log.tail)
        #expect(fixture.reopened(mark: fixture.log.markEntry).verdict == .clean)
    }

    @Test("A log cannot begin behind a damaged record; once that is given up, it can")
    func trimBehindLoss() throws {
        var fixture = LogFixture(settings: uncached)
        try fixture.append(entries(from: 1, count: 12))
        fixture.overwrite(6, [1])
        var batch = WriteBatch()
        #expect(throws: LogError.self) { try fixture.log.truncatePrefix(through: 6, into: &batch) }
        #expect(batch.isEmpty && fixture.log.firstIndex == 1)
        try fixture.turn { log, batch in
            try log.acceptLoss(
                of: 6...6,
                term: Term(1),
                clock: HybridTimestamp(milliseconds: 99_000),
                reason: "rot",
                into: &batch
            )
        }
        try fixture.turn { log, batch in try log.truncatePrefix(through: 6, into: &batch) }
        for log in [fixture.log, fixture.reopened(mark: fixture.log.markEntry).log] {
            let report = try log.verify()
            #expect(report.firstBad == nil && report.intact == 7, "\(report)")
        }
        try fixture.turn { log, batch in try log.truncatePrefix(through: 7, into: &batch) }
        let reopened = fixture.reopened(mark: fixture.log.markEntry)
        #expect(reopened.verdict == .clean && reopened.log.losses.isEmpty)
        #expect(try reopened.log.verify().intact == 6)
    }
}
