import Encryption
import KeyValue
import MessageLog
import Primitives
import Testing

@Suite("Examining a log, and giving up what it lost")
struct ExaminationTests {
    private var uncached: MessageLogSettings {
        var settings = MessageLogSettings()
        settings.cacheBytesMax = 0
        return settings
    }

    private func examined(
        _ fixture: LogFixture,
        mark: MarkEntry?,
        applied: LogIndex = .zero
    ) throws -> (RecoveredLog<MemoryKeyValueStore>, LogExamination) {
        let recovered = try MessageLog.recover(
            fixture.partition,
            from: fixture.store,
            mark: mark,
            applied: applied
        )
        return (recovered, try recovered.examine(mark: mark, applied: applied))
    }

    /// Gives everything up and returns how the log is found after that.
    private func givenUp(
        _ fixture: LogFixture,
        mark: MarkEntry?,
        applied: LogIndex = .zero
    ) throws -> LogFixture {
        var (recovered, found) = try examined(fixture, mark: mark, applied: applied)
        try recovered.log.giveUp(found, promised: mark, wallMilliseconds: 5_000) {
            try fixture.store.write($0, sync: true)
        }
        return fixture.reopened(mark: recovered.log.markEntry)
    }

    @Test("A sound log loses nothing")
    func sound() throws {
        var fixture = LogFixture()
        try fixture.append(entries(from: 1, count: 9))
        let (_, found) = try examined(fixture, mark: fixture.log.markEntry, applied: 9)
        #expect(found.isClean && found.intact == 9 && found.losses.isEmpty)
    }

    @Test("Holes are told in stretches, deep ones too, with what lies around them")
    func holes() throws {
        var fixture = LogFixture(settings: uncached)
        try fixture.append(entries(from: 1, count: 2_000))
        let mark = fixture.log.markEntry
        for index: UInt64 in [5, 6, 7, 1_500] { fixture.overwrite(index, [1]) }
        fixture.overwrite(6, nil)
        let (recovered, found) = try examined(fixture, mark: mark)
        #expect(recovered.verdict == .hole([1_500]), "a start looks at the end only")
        #expect(found.verdict == .hole([5, 6, 7, 1_500]))
        #expect(found.losses.map(\.indexes) == [5...7, 1_500...1_500])
        #expect(found.losses[0].storedBytes > 0)
        #expect(found.losses[0].after == HybridTimestamp(milliseconds: 1_004))
        #expect(found.losses[0].before == HybridTimestamp(milliseconds: 1_008))
        let after = try givenUp(fixture, mark: mark)
        #expect(after.verdict == .clean)
        let (_, again) = try examined(after, mark: after.log.markEntry)
        #expect(again.isClean && again.intact == 2_002, "two records say what was given up")
    }

    @Test("A lost end reaches to what was promised, or folded, or stored")
    func end() throws {
        var fixture = LogFixture()
        try fixture.append(entries(from: 1, count: 10))
        let mark = fixture.log.markEntry
        for index: UInt64 in 8...10 { fixture.overwrite(index, nil) }
        #expect(try examined(fixture, mark: mark).1.losses.map(\.indexes) == [8...10])
        #expect(
            try examined(fixture, mark: mark, applied: 12).1.losses.map(\.indexes) == [8...12],
            "rows bear witness too"
        )
        fixture.overwrite(14, [0])
        #expect(try examined(fixture, mark: mark).1.losses.map(\.indexes) == [8...14])
        let after = try givenUp(fixture, mark: mark)
        #expect(after.verdict == .clean && after.log.lastIndex == 15)
        #expect(after.log.lastTerm > mark.hardState.term, "a vote may be lost with it")
    }

    @Test("However much is lost, no batch is large", arguments: [false, true])
    func manyRecords(atEnd: Bool) throws {
        let count: UInt64 = 40_000
        var fixture = LogFixture(settings: uncached)
        try fixture.append(entries(from: 1, count: Int(count), bytes: 1))
        let mark = fixture.log.markEntry
        var batch = WriteBatch()
        batch.deleteRange(
            from: fixture.key(2),
            to: fixture.key(atEnd ? count + 1 : count),
            in: LogFamilies.records
        )
        try fixture.store.write(batch, sync: true)
        var (recovered, found) = try examined(fixture, mark: mark)
        #expect(found.losses.map(\.indexes) == [2...LogIndex(atEnd ? count : count - 1)])
        var sizes: [Int] = []
        try recovered.log.giveUp(found, promised: mark, wallMilliseconds: 5_000) {
            sizes.append($0.byteSize)
            try fixture.store.write($0, sync: true)
        }
        #expect(sizes.count > 3 && sizes.max()! < 2 << 20, "\(sizes)")
        let after = fixture.reopened(mark: recovered.log.markEntry)
        #expect(after.verdict == .clean && after.log.losses.count == 1)
        let (_, again) = try examined(after, mark: after.log.markEntry)
        #expect(again.isClean && again.intact == Int(count) + 1)
    }

    @Test("A crash while much is given up leaves something that can be given up again")
    func interrupted() throws {
        struct PowerCut: Error {}
        var fixture = LogFixture(settings: uncached)
        try fixture.append(entries(from: 1, count: 5))
        var mark = fixture.log.markEntry
        mark.lastIndex = 30_000
        var (recovered, found) = try examined(fixture, mark: mark)
        var written = 0
        #expect(throws: PowerCut.self) {
            try recovered.log.giveUp(found, promised: mark, wallMilliseconds: 5_000) {
                guard written < 2 else { throw PowerCut() }
                written += 1
                try fixture.store.write($0, sync: true)
            }
        }
        #expect(fixture.reopened(mark: mark).verdict != .clean)
        let after = try givenUp(fixture, mark: mark)
        #expect(after.verdict == .clean && after.log.lastIndex > 30_000)
        let (_, again) = try examined(after, mark: after.log.markEntry)
        #expect(again.isClean)
    }

    @Test("Rows ahead of the log are amnesia even where the mark is content")
    func rowsAhead() throws {
        var fixture = LogFixture()
        try fixture.append(entries(from: 1, count: 4))
        let (recovered, _) = try examined(fixture, mark: fixture.log.markEntry, applied: 5)
        #expect(recovered.verdict == .amnesia(.endMissing(have: 4, promised: 5)))
    }

    @Test("The end goes first, so that no lost index is given out")
    func endAndHole() throws {
        var fixture = LogFixture(settings: uncached)
        try fixture.append(entries(from: 1, count: 10))
        let mark = fixture.log.markEntry
        fixture.overwrite(3, [1])
        fixture.overwrite(10, nil)
        let (_, found) = try examined(fixture, mark: mark)
        #expect(found.losses.map(\.indexes) == [10...10, 3...3])
        let after = try givenUp(fixture, mark: mark)
        #expect(after.verdict == .clean && after.log.lastIndex == 12)
        #expect(try after.log.entries(10..<11, maxBytes: .max).map(\.isBlank) == [true])
        #expect(try examined(after, mark: after.log.markEntry).1.isClean)
    }

    @Test("Without a mark nothing is known to be missing, and the log says that it was gone")
    func markMissing() throws {
        var fixture = LogFixture()
        try fixture.append(entries(from: 1, count: 6))
        let (recovered, found) = try examined(fixture, mark: nil)
        #expect(recovered.verdict == .amnesia(.markMissing))
        #expect(found.losses.isEmpty && !found.isClean && found.intact == 6)
        let after = try givenUp(fixture, mark: nil)
        #expect(after.verdict == .clean && after.log.lastIndex == 7)
        let said = try after.log.record(at: 7)
        let notice = try LossNotice(decoding: try #require(said.body))
        #expect(notice.first == 7 && notice.last == 6, "an empty range")
        #expect(after.log.losses.isEmpty)
        #expect(try examined(after, mark: after.log.markEntry).1.isClean)
    }

    @Test("A forgotten vote is made up for by a later term")
    func vote() throws {
        var fixture = LogFixture()
        try fixture.append(entries(from: 1, count: 3))
        var promised = fixture.log.markEntry
        promised.hardState.term = Term(8)
        promised.hardState.vote = ReplicaID(1)
        let (_, found) = try examined(fixture, mark: promised)
        #expect(found.verdict == .amnesia(.termOlder(have: .zero, promised: Term(8))))
        let after = try givenUp(fixture, mark: promised)
        #expect(after.log.hardState.term == Term(9) && after.log.hardState.vote == .none)
        #expect(after.reopened(mark: promised).verdict == .clean)
    }
}
