import Encryption
import KeyValue
import MessageLog
import Primitives
import Testing

@Suite("Damage")
struct DamageTests {
    private var uncached: MessageLogSettings {
        var settings = MessageLogSettings()
        settings.cacheBytesMax = 0
        return settings
    }

    /// Twelve records, nothing of them in memory.
    private func fixture() throws -> LogFixture {
        var fixture = LogFixture(settings: uncached)
        try fixture.append(entries(from: 1, count: 12, bytes: 10))
        return fixture
    }

    @Test("Every flipped bit of a kept record's row is named by the check")
    func flippedKept() throws {
        let fixture = try fixture()
        let row = try #require(fixture.row(6))
        for bit in 0..<row.count * 8 {
            var changed = row
            changed[bit / 8] ^= 1 << (bit % 8)
            fixture.overwrite(6, changed)
            let report = try fixture.log.verify()
            #expect(report.firstBad?.index == 6, "bit \(bit)")
            #expect(fixture.reopened(mark: fixture.log.markEntry).verdict == .hole([6]))
        }
    }

    @Test("Every flipped bit of a passing record is named, in its row and in its body")
    func flippedPassing() throws {
        let fixture = try fixture()
        for family in [LogFamilies.records, LogFamilies.passing] {
            let row = try #require(fixture.row(5, in: family))
            for bit in 0..<row.count * 8 {
                var changed = row
                changed[bit / 8] ^= 1 << (bit % 8)
                fixture.overwrite(5, changed, in: family)
                #expect(try fixture.log.verify().firstBad?.index == 5, "bit \(bit)")
            }
            fixture.overwrite(5, row, in: family)
        }
        #expect(try fixture.log.verify().firstBad == nil)
    }

    @Test("Every flipped bit of the last record is amnesia, for nothing behind vouches for it")
    func flippedEnd() throws {
        let fixture = try fixture()
        let mark = fixture.log.markEntry
        let row = try #require(fixture.row(12))
        for bit in 0..<row.count * 8 {
            var changed = row
            changed[bit / 8] ^= 1 << (bit % 8)
            fixture.overwrite(12, changed)
            guard case .amnesia = fixture.reopened(mark: mark).verdict else {
                Issue.record("bit \(bit) went unnoticed")
                return
            }
        }
    }

    @Test("Every flipped bit of a meta row is amnesia")
    func flippedMeta() throws {
        var fixture = try fixture()
        fixture.turn { log, batch in
            log.setHardState(term: Term(2), vote: ReplicaID(1), into: &batch)
        }
        try fixture.turn { log, batch in try log.truncatePrefix(through: 2, into: &batch) }
        let mark = fixture.log.markEntry
        for (key, value) in try fixture.store.rows(in: LogFamilies.meta) {
            for bit in 0..<value.count * 8 {
                var changed = value
                changed[bit / 8] ^= 1 << (bit % 8)
                var batch = WriteBatch()
                batch.put(key, changed, in: LogFamilies.meta)
                try fixture.store.write(batch, sync: true)
                guard case .amnesia(.endDamaged) = fixture.reopened(mark: mark).verdict else {
                    Issue.record("bit \(bit) of \(key) went unnoticed")
                    return
                }
            }
            var batch = WriteBatch()
            batch.put(key, value, in: LogFamilies.meta)
            try fixture.store.write(batch, sync: true)
        }
        #expect(fixture.reopened(mark: mark).verdict == .clean)
    }

    @Test("A body replaced together with its digest breaks the chain")
    func consistentForgery() throws {
        var fixture = try fixture()
        var other = LogFixture()
        var changed = entries(from: 1, count: 12, bytes: 10)
        changed[5].body = [0]
        try other.append(changed)
        var row = try #require(other.row(6))
        row.replaceSubrange(65..<97, with: try #require(fixture.row(6))[65..<97])
        fixture.overwrite(6, row)
        #expect(try fixture.log.verify().firstBad == .init(index: 6, reason: "the chain breaks"))
        // With its own chain value the record looks whole; then its successor does not fit.
        fixture.overwrite(6, other.row(6))
        #expect(try fixture.log.verify().firstBad?.index == 7)
        try fixture.append(entries(from: 13, count: 1))
    }

    @Test("A missing row, a row in another's place and a missing passing body are named")
    func misplaced() throws {
        let fixture = try fixture()
        let seven = try #require(fixture.row(7))
        fixture.overwrite(7, nil)
        #expect(try fixture.log.verify().firstBad?.reason == "there is no row")
        fixture.overwrite(7, fixture.row(6))
        #expect(
            try fixture.log.verify().firstBad?.reason == "the row belongs to another place"
        )
        fixture.overwrite(7, seven)
        fixture.overwrite(10, nil, in: LogFamilies.passing)
        #expect(
            try fixture.log.verify().firstBad
                == .init(index: 10, reason: "its body is missing")
        )
        #expect(throws: LogError.damaged(PartitionID(3), 10, "its body is missing")) {
            try fixture.log.record(at: 10)
        }
    }

    @Test("Every flipped bit of a record without a body is named too")
    func flippedEmpty() throws {
        var fixture = LogFixture(settings: uncached)
        try fixture.append(entries(from: 1, count: 4, bytes: 0))
        let row = try #require(fixture.row(2))
        for bit in 0..<row.count * 8 {
            var changed = row
            changed[bit / 8] ^= 1 << (bit % 8)
            fixture.overwrite(2, changed)
            #expect(try fixture.log.verify().firstBad?.index == 2, "bit \(bit)")
        }
    }

    @Test("Damaged records are never handed out")
    func neverHandedOut() throws {
        let fixture = try fixture()
        var row = try #require(fixture.row(6))
        row[row.count - 1] ^= 1
        fixture.overwrite(6, row)
        #expect(throws: LogError.damaged(PartitionID(3), 6, "its body has another digest")) {
            try fixture.log.entries(1..<13, maxBytes: .max)
        }
        #expect(try fixture.log.entries(1..<6, maxBytes: .max).count == 5)
        #expect(try fixture.log.entries(7..<13, maxBytes: .max).count == 6)
        #expect(fixture.log.term(at: 6) == .term(Term(1)))
        fixture.overwrite(6, Array(row[..<30]))
        #expect(fixture.log.term(at: 6) == .damaged)
    }

    @Test("A check lists several holes, tells its progress and can be stopped")
    func report() throws {
        var fixture = LogFixture(settings: uncached)
        try fixture.append(entries(from: 1, count: 3_500, bytes: 1))
        for index in [40, 41, 2_000] as [UInt64] { fixture.overwrite(index, nil) }
        var told: [LogIndex] = []
        let all = try fixture.log.verify(holesMax: 10) {
            told.append($0)
            return true
        }
        #expect(all.holes.map(\.index) == [40, 41, 2_000])
        #expect(all.intact == 3_497 && !all.stoppedEarly)
        #expect(told == [1_001, 2_001, 3_001])
        #expect(try fixture.log.verify().holes.map(\.index) == [40])
        let stopped = try fixture.log.verify(holesMax: 10) { _ in false }
        #expect(stopped.stoppedEarly && stopped.intact == 998)
        #expect(try fixture.log.verify(100...200).intact == 101)
    }

    @Test("A peer's copy repairs a hole when it fits the chain, and is refused when it does not")
    func repair() throws {
        var fixture = try fixture()
        let good = entries(from: 1, count: 12, bytes: 10)
        for lost in [[6], [5, 6], [10, 11]] as [[UInt64]] {
            for index in lost {
                fixture.overwrite(index, [1, 2, 3])
                fixture.overwrite(index, nil, in: LogFamilies.passing)
            }
            var copies = lost.map { good[Int($0) - 1] }
            var wrong = copies
            wrong[0].body[0] ^= 1
            #expect(throws: LogError.self) {
                try fixture.turn { log, batch in try log.repair(with: wrong, into: &batch) }
            }
            wrong = copies
            wrong[0].clock = HybridTimestamp(5)
            #expect(throws: LogError.self) {
                try fixture.turn { log, batch in try log.repair(with: wrong, into: &batch) }
            }
            copies.reserveCapacity(8)
            try fixture.turn { log, batch in try log.repair(with: copies, into: &batch) }
            #expect(try fixture.log.verify().intact == 12)
            #expect(try fixture.log.entries(1..<13, maxBytes: .max) == good)
        }
        fixture.overwrite(12, [])
        try fixture.turn { log, batch in try log.repair(with: [good[11]], into: &batch) }
        #expect(fixture.reopened(mark: fixture.log.markEntry).verdict == .clean)
    }
}
