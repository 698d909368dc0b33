import Encryption
import KeyValue
import MessageLog
import Primitives
import Testing

@Suite("Appending")
struct AppendTests {
    @Test("What was appended is read back, from memory and from the store")
    func readBack() throws {
        var fixture = LogFixture()
        #expect(fixture.log.isEmpty && fixture.log.firstIndex == 1)
        let written = entries(from: 1, count: 20)
        try fixture.append(written)
        for log in [fixture.log, fixture.reopened(mark: fixture.log.markEntry).log] {
            #expect(log.firstIndex == 1 && log.lastIndex == 20 && log.lastTerm == Term(1))
            #expect(try log.entries(1..<21, maxBytes: .max) == written)
            #expect(try log.record(at: 5).entry == written[4])
            #expect(log.term(at: 20) == .term(Term(1)) && log.term(at: 0) == .term(.zero))
            #expect(log.term(at: 21) == .unavailable)
            #expect(log.tail == fixture.log.tail)
        }
    }

    @Test("Passing bodies lie in their own family, kept ones in the row")
    func families() throws {
        var fixture = LogFixture()
        try fixture.append(entries(from: 1, count: 5))
        #expect(fixture.row(4)?.count == 65 + 32 + 1 + 40)
        #expect(fixture.row(5)?.count == 65 + 32 + 1)
        #expect(fixture.row(4, in: LogFamilies.passing) == nil)
        #expect(fixture.row(5, in: LogFamilies.passing)?.count == 40)
    }

    @Test("The chain is SHA-256 over the value before and the header, from 32 zero bytes on")
    func chain() throws {
        var fixture = LogFixture()
        try fixture.append(entries(from: 1, count: 3))
        var chain = Digest.zero
        for index in 1...3 as ClosedRange<UInt64> {
            let row = try #require(fixture.row(index))
            chain = Digest(of: chain.bytes + row[..<65])
            #expect(Array(row[65..<97]) == chain.bytes)
            #expect(try fixture.log.chain(at: LogIndex(index)) == chain)
        }
        #expect(fixture.log.tail.chain == chain)
    }

    @Test("The chain does not depend on how entries were batched, but on partition and content")
    func chainBatches() throws {
        var whole = LogFixture()
        try whole.append(entries(from: 1, count: 30))
        var pieces = LogFixture()
        for entry in entries(from: 1, count: 30) { try pieces.append([entry]) }
        #expect(whole.log.tail == pieces.log.tail)
        var other = LogFixture(partition: PartitionID(4))
        try other.append(entries(from: 1, count: 30))
        #expect(other.log.tail.chain != whole.log.tail.chain)
    }

    @Test("A conflicting suffix is cut off and the chain goes on from before it")
    func conflict() throws {
        var fixture = LogFixture()
        try fixture.append(entries(from: 1, count: 10))
        try fixture.append(entries(from: 6, count: 2, term: 2))
        #expect(fixture.log.lastIndex == 7 && fixture.log.lastTerm == Term(2))
        var straight = LogFixture()
        try straight.append(entries(from: 1, count: 5) + entries(from: 6, count: 2, term: 2))
        #expect(fixture.log.tail == straight.log.tail)
        #expect(fixture.row(8) == nil)
        #expect(fixture.row(10, in: LogFamilies.passing) == nil)
        #expect(fixture.log.hardState.cuts == 1)
        let reopened = fixture.reopened(mark: fixture.log.markEntry)
        #expect(reopened.verdict == .clean)
        #expect(reopened.log.tail == straight.log.tail)
        #expect(try reopened.log.verify().intact == 7)
    }

    @Test("A sync that comes back after a cut does not vouch for what replaced it")
    func conflictInFlight() throws {
        var settings = MessageLogSettings()
        settings.cacheBytesMax = 0
        var fixture = LogFixture(settings: settings)
        var first = WriteBatch()
        let old = try fixture.log.append(entries(from: 1, count: 10), into: &first)
        #expect(try fixture.log.entries(1..<11, maxBytes: .max).count == 10)
        #expect(fixture.log.durableIndex == 0)
        var second = WriteBatch()
        let new = try fixture.log.append(entries(from: 4, count: 7, term: 2), into: &second)
        try fixture.store.write(first, sync: true)
        fixture.log.markDurable(old)
        #expect(fixture.log.durableIndex == 0, "the disk still has the old records")
        let expected = entries(from: 1, count: 3) + entries(from: 4, count: 7, term: 2)
        #expect(try fixture.log.entries(1..<11, maxBytes: .max) == expected)
        try fixture.store.write(second, sync: true)
        fixture.log.markDurable(new)
        #expect(fixture.log.durableIndex == 10)
        #expect(try fixture.log.entries(1..<11, maxBytes: .max) == expected)
        #expect(try fixture.reopened(mark: fixture.log.markEntry).log.verify().intact == 10)
    }

    @Test("The hard state is written when it changes and only then")
    func hardState() {
        var fixture = LogFixture()
        var batch = WriteBatch()
        #expect(
            fixture.log.setHardState(
                term: Term(3),
                vote: ReplicaID(9),
                replica: ReplicaID(2),
                into: &batch
            )
        )
        #expect(!fixture.log.setHardState(term: Term(3), vote: ReplicaID(9), into: &batch))
        #expect(batch.count == 1)
        try! fixture.store.write(batch, sync: true)
        let again = fixture.reopened(mark: fixture.log.markEntry).log.hardState
        #expect(again.term == Term(3) && again.vote == ReplicaID(9))
        #expect(again.replica == ReplicaID(2))
    }

    @Test("A read stops at the byte limit, but gives at least one entry")
    func limits() throws {
        var small = MessageLogSettings()
        small.cacheBytesMax = 0
        for settings in [MessageLogSettings(), small] {
            var fixture = LogFixture(settings: settings)
            try fixture.append(entries(from: 1, count: 20, bytes: 100))
            #expect(try fixture.log.entries(1..<21, maxBytes: 0).count == 1)
            #expect(try fixture.log.entries(1..<21, maxBytes: 124 * 3).count == 3)
            #expect(try fixture.log.entries(1..<21, maxBytes: 124 * 3 - 1).count == 2)
            #expect(try fixture.log.entries(5..<6, maxBytes: 1)[0].index == 5)
            #expect(try fixture.log.entries(7..<7, maxBytes: 1) == [])
        }
    }

    @Test("The cache keeps what is not durable and gives up what is, down to its bound")
    func cacheBound() throws {
        var settings = MessageLogSettings()
        settings.cacheBytesMax = 1_000
        var fixture = LogFixture(settings: settings)
        var batch = WriteBatch()
        let written = entries(from: 1, count: 100, bytes: 76)
        try fixture.log.append(written, into: &batch)
        #expect(try fixture.log.entries(1..<101, maxBytes: .max) == written, "nothing is on disk")
        try fixture.store.write(batch, sync: true)
        fixture.log.markDurable(fixture.log.tail)
        // Memory holds the last ten now; the read joins both halves.
        #expect(try fixture.log.entries(1..<101, maxBytes: .max) == written)
        fixture.overwrite(50, nil)
        #expect(throws: LogError.damaged(PartitionID(3), 50, "there is no row")) {
            try fixture.log.entries(40..<60, maxBytes: .max)
        }
        #expect(try fixture.log.entries(91..<101, maxBytes: .max).count == 10)
    }

    @Test("Outside the log there is nothing to read, and the error says where it ends")
    func outside() throws {
        var fixture = LogFixture()
        try fixture.append(entries(from: 1, count: 3))
        #expect(throws: LogError.beyondEnd(last: 3)) { try fixture.log.record(at: 4) }
        #expect(throws: LogError.compacted(first: 1)) { try fixture.log.record(at: 0) }
        #expect(throws: LogError.beyondEnd(last: 3)) {
            try fixture.log.entries(2..<6, maxBytes: .max)
        }
    }

    @Test("Partitions share a store without seeing each other")
    func partitions() throws {
        let store = MemoryKeyValueStore(families: LogFamilies.all)
        for raw in [0, 7, 0xFFFF] as [UInt16] {
            var fixture = LogFixture(partition: PartitionID(raw), store: store)
            try fixture.append(entries(from: 1, count: Int(raw % 10) + 1))
        }
        #expect(
            try MessageLog.partitions(in: store) == [.control, PartitionID(7), .keys]
        )
        let keys = LogFixture(partition: .keys, store: store)
        #expect(keys.log.lastIndex == 6)
        #expect(LogFixture(partition: PartitionID(8), store: store).log.isEmpty)
    }

    @Test("A snapshot replaces the log; the next record follows it")
    func reset() throws {
        var fixture = LogFixture()
        try fixture.append(entries(from: 1, count: 10))
        let snapshot = LogTail(
            index: 50,
            term: Term(4),
            clock: HybridTimestamp(milliseconds: 9_000),
            chain: Digest(of: [1])
        )
        fixture.turn { log, batch in log.reset(to: snapshot, into: &batch) }
        #expect(fixture.log.firstIndex == 51 && fixture.log.lastIndex == 50)
        #expect(fixture.log.term(at: 50) == .term(Term(4)))
        #expect(fixture.log.term(at: 49) == .compacted)
        try fixture.append(entries(from: 51, count: 2, term: 5))
        let reopened = fixture.reopened(mark: fixture.log.markEntry)
        #expect(reopened.verdict == .clean)
        #expect(reopened.log.firstIndex == 51 && reopened.log.lastIndex == 52)
        #expect(try reopened.log.verify().intact == 2)
        #expect(fixture.row(3) == nil)
    }

    @Test("An envelope carries kind, class, clock and body")
    func envelope() throws {
        let payload = EntryEnvelope.encode(
            retention: .passing,
            clock: HybridTimestamp(77),
            body: [1, 2, 3]
        )
        let entry = try EntryEnvelope.decode(payload, term: Term(2), index: 9)
        #expect(
            entry
                == LogEntry(
                    term: Term(2),
                    index: 9,
                    retention: .passing,
                    clock: HybridTimestamp(77),
                    body: [1, 2, 3]
                )
        )
        #expect(payload.count == EntryEnvelope.overhead + 3)
        #expect(throws: DecodeError.self) {
            try EntryEnvelope.decode([9] + payload.dropFirst(), term: Term(2), index: 9)
        }
    }
}
