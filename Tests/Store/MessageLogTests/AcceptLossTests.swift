import Encryption
import KeyValue
import MessageLog
import Primitives
import Testing

@Suite("Accepted losses")
struct AcceptLossTests {
    private let clock = HybridTimestamp(milliseconds: 99_000)
    private var uncached: MessageLogSettings {
        var settings = MessageLogSettings()
        settings.cacheBytesMax = 0
        return settings
    }

    @Test("A hole becomes blank records, the log says so itself, and it goes on")
    func hole() throws {
        var fixture = LogFixture(settings: uncached)
        try fixture.append(entries(from: 1, count: 12))
        fixture.overwrite(5, [1])
        fixture.overwrite(6, nil)
        #expect(fixture.reopened(mark: fixture.log.markEntry).verdict == .hole([5, 6]))
        try fixture.turn { log, batch in
            try log.acceptLoss(of: 5...6, term: Term(1), clock: clock, reason: "rot", into: &batch)
        }
        try fixture.append(entries(from: 14, count: 2, term: 2))
        let reopened = fixture.reopened(mark: fixture.log.markEntry, settings: uncached)
        #expect(reopened.verdict == .clean)
        for log in [fixture.log, reopened.log] {
            let report = try log.verify()
            #expect(report.firstBad == nil && report.intact == 15 && report.blank == 2)
            #expect(try log.record(at: 5).entry.isBlank)
            let said = try log.record(at: 13)
            #expect(said.header.kind == .lossAccepted)
            let notice = try LossNotice(decoding: try #require(said.body))
            #expect(notice == LossNotice(first: 5, last: 6, reason: "rot"))
            #expect(log.losses.map(\.first) == [5] && log.losses.map(\.last) == [6])
        }
        #expect(fixture.row(5, in: LogFamilies.passing) == nil)
        // What follows the loss is tied to it: it cannot be exchanged either.
        var row = try #require(fixture.row(7))
        row[70] ^= 1
        fixture.overwrite(7, row)
        #expect(try fixture.log.verify().firstBad?.index == 7)
    }

    @Test("A lost end is filled up to what was promised, so that no index is given out twice")
    func end() throws {
        var fixture = LogFixture()
        try fixture.append(entries(from: 1, count: 5))
        try fixture.append(entries(from: 6, count: 3))
        fixture.turn { log, batch in
            log.setHardState(term: Term(3), vote: ReplicaID(1), into: &batch)
        }
        let mark = fixture.log.markEntry
        fixture.store.crash(.init(tearsLastSynced: true))
        fixture.overwrite(8, nil)
        var damaged = fixture.reopened(mark: mark)
        #expect(
            damaged.verdict == .amnesia(.termOlder(have: .zero, promised: Term(3)))
        )
        let from = damaged.log.lastIndex.next
        #expect(from == 8)
        try damaged.turn { log, batch in
            try log.acceptLoss(
                of: from...mark.lastIndex,
                term: Term(4),
                clock: clock,
                reason: "power",
                into: &batch
            )
        }
        #expect(damaged.log.lastIndex == 9 && damaged.log.lastTerm == Term(4))
        #expect(damaged.log.hardState.term == Term(4) && damaged.log.hardState.vote == .none)
        for mark in [mark, damaged.log.markEntry] {
            let reopened = damaged.reopened(mark: mark)
            #expect(reopened.verdict == .clean)
            #expect(try reopened.log.verify().intact == 9)
            #expect(
                try reopened.log.entries(8..<10, maxBytes: .max).map(\.isBlank) == [true, false]
            )
        }
    }

    @Test("A damaged last record can be given up too")
    func damagedEnd() throws {
        var fixture = LogFixture()
        try fixture.append(entries(from: 1, count: 10))
        let mark = fixture.log.markEntry
        fixture.overwrite(10, [0])
        var damaged = fixture.reopened(mark: mark)
        guard case .amnesia(.endDamaged) = damaged.verdict else {
            Issue.record("the damaged end went unnoticed")
            return
        }
        #expect(damaged.log.lastIndex == 9)
        #expect(try damaged.log.record(at: 9).entry.index == 9, "it stays readable")
        try damaged.turn { log, batch in
            try log.acceptLoss(
                of: 10...10,
                term: Term(1),
                clock: clock,
                reason: "rot",
                into: &batch
            )
        }
        let reopened = damaged.reopened(mark: damaged.log.markEntry)
        #expect(reopened.verdict == .clean)
        #expect(fixture.row(10, in: LogFamilies.passing) == nil)
        #expect(try reopened.log.verify().intact == 11)
    }

    @Test("A loss that nobody accepted does not pass for one")
    func forged() throws {
        var fixture = LogFixture(settings: uncached)
        try fixture.append(entries(from: 1, count: 6))
        try fixture.append([
            LogEntry(
                term: Term(1),
                index: 7,
                kind: .lost,
                clock: clock,
                body: []
            )
        ])
        #expect(try fixture.log.verify().firstBad?.reason == "a loss that nobody accepted")
    }

    @Test("A loss outside the log or with an old clock is refused and changes nothing")
    func refused() throws {
        var fixture = LogFixture()
        try fixture.append(entries(from: 1, count: 6))
        let before = fixture.log.tail
        var batch = WriteBatch()
        #expect(throws: LogError.self) {
            try fixture.log.acceptLoss(
                of: 9...10,
                term: Term(1),
                clock: clock,
                reason: "",
                into: &batch
            )
        }
        #expect(throws: LogError.self) {
            try fixture.log.acceptLoss(
                of: 3...3,
                term: Term(1),
                clock: .zero,
                reason: "",
                into: &batch
            )
        }
        #expect(throws: LogError.self) {
            try fixture.log.acceptLoss(
                of: 3...3,
                term: .zero,
                clock: clock,
                reason: "",
                into: &batch
            )
        }
        #expect(batch.isEmpty && fixture.log.tail == before)
    }
}
