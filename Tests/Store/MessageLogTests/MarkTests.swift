import Encryption
import KeyValue
import MessageLog
import Primitives
import Testing

@Suite("The mark")
struct MarkTests {
    @Test("A fresh log without a mark is clean; a used one is not")
    func missing() throws {
        var fixture = LogFixture()
        #expect(fixture.verdict == .clean)
        try fixture.append(entries(from: 1, count: 1))
        #expect(fixture.reopened(mark: nil).verdict == .amnesia(.markMissing))
        #expect(fixture.reopened(mark: fixture.log.markEntry).verdict == .clean)
    }

    @Test("A mark that does not name the partition yet lags one turn; no mark at all is amnesia")
    func unnamed() throws {
        var fixture = LogFixture()
        fixture.turn { log, batch in
            log.setHardState(
                term: Term(1),
                vote: ReplicaID(1),
                replica: ReplicaID(1),
                into: &batch
            )
        }
        try fixture.append(entries(from: 1, count: 3))
        let mark = Mark(incarnation: 1)
        let named = fixture.reopened(mark: mark.expectation(for: fixture.partition))
        #expect(named.verdict == .clean)
        #expect(fixture.reopened(mark: nil).verdict == .amnesia(.markMissing))
        #expect(LogFixture(mark: mark.expectation(for: PartitionID(3))).verdict == .clean)
    }

    @Test("A log that lost its last synced batch is found out")
    func tornBatch() throws {
        var fixture = LogFixture()
        try fixture.append(entries(from: 1, count: 5))
        try fixture.append(entries(from: 6, count: 3))
        let mark = fixture.log.markEntry
        fixture.store.crash(.init(tearsLastSynced: true))
        let reopened = fixture.reopened(mark: mark)
        #expect(reopened.log.lastIndex == 5)
        #expect(reopened.verdict == .amnesia(.endMissing(have: 5, promised: 8)))
    }

    @Test("A crash loses what was not synced and nothing else; the lagging mark agrees")
    func unsynced() throws {
        for kept in 0...3 {
            var fixture = LogFixture()
            try fixture.append(entries(from: 1, count: 5))
            let mark = fixture.log.markEntry
            for round in 0..<3 as Range<UInt64> {
                var batch = WriteBatch()
                try fixture.log.append(
                    entries(from: 6 + round * 2, count: 2),
                    into: &batch
                )
                try fixture.store.write(batch, sync: false)
            }
            fixture.store.crash(.init(unsyncedKept: kept))
            let reopened = fixture.reopened(mark: mark)
            #expect(reopened.verdict == .clean)
            #expect(reopened.log.lastIndex == LogIndex(5 + 2 * UInt64(kept)))
            #expect(try reopened.log.verify().firstBad == nil)
        }
    }

    @Test("A log cut on purpose after the mark is no amnesia, though it is shorter")
    func cutSince() throws {
        var fixture = LogFixture()
        try fixture.append(entries(from: 1, count: 10))
        let mark = fixture.log.markEntry
        try fixture.append(entries(from: 4, count: 1, term: 2))
        #expect(fixture.reopened(mark: mark).verdict == .clean)
        // And the other way round: the cut was promised, the store forgot it.
        let later = fixture.log.markEntry
        fixture.store.crash(.init(tearsLastSynced: true))
        #expect(fixture.reopened(mark: mark).verdict == .clean)
        #expect(
            fixture.reopened(mark: later).verdict
                == .amnesia(.endMissing(have: 10, promised: 4))
        )
    }

    @Test("An older term, another vote and another end are found out")
    func hardState() throws {
        var fixture = LogFixture()
        try fixture.append(entries(from: 1, count: 3))
        fixture.turn { log, batch in
            log.setHardState(
                term: Term(4),
                vote: ReplicaID(7),
                replica: ReplicaID(2),
                into: &batch
            )
        }
        let mark = fixture.log.markEntry
        #expect(fixture.reopened(mark: mark).verdict == .clean)
        var newer = mark
        newer.hardState.term = Term(5)
        #expect(
            fixture.reopened(mark: newer).verdict
                == .amnesia(.termOlder(have: Term(4), promised: Term(5)))
        )
        newer = mark
        newer.hardState.vote = ReplicaID(8)
        #expect(fixture.reopened(mark: newer).verdict == .amnesia(.voteDiffers))
        newer = mark
        newer.hardState.replica = ReplicaID(3)
        #expect(
            fixture.reopened(mark: newer).verdict
                == .amnesia(.replicaOlder(have: ReplicaID(2), promised: ReplicaID(3)))
        )
        newer = mark
        newer.chain = Digest(of: [1])
        #expect(fixture.reopened(mark: newer).verdict == .amnesia(.endDiffers(3)))
        // An older mark is what a crash between log and mark leaves: no vote yet, a lower term.
        var older = mark
        older.hardState.vote = .none
        #expect(fixture.reopened(mark: older).verdict == .clean)
        older.hardState.term = Term(3)
        older.hardState.vote = ReplicaID(1)
        #expect(fixture.reopened(mark: older).verdict == .clean)
        older.hardState.replica = ReplicaID(1)
        older.lastIndex = 100
        #expect(fixture.reopened(mark: older).verdict == .clean, "a predecessor's mark")
    }

    @Test("A trim after the mark is no amnesia")
    func trimmedSince() throws {
        var fixture = LogFixture()
        try fixture.append(entries(from: 1, count: 10))
        let mark = fixture.log.markEntry
        try fixture.append(entries(from: 11, count: 10))
        for through in [9, 10, 11, 20] as [LogIndex] {
            try fixture.turn { log, batch in try log.truncatePrefix(through: through, into: &batch)
            }
            #expect(fixture.reopened(mark: mark).verdict == .clean)
        }
    }

    @Test("A mark is read back from either slot; every flipped bit makes its slot unreadable")
    func codec() throws {
        var mark = Mark(sequence: 8, incarnation: 3)
        for raw in [5, 1, 0xFFFF, 0] as [UInt16] {
            mark.set(
                MarkEntry(
                    partition: PartitionID(raw),
                    hardState: LogHardState(
                        replica: ReplicaID(UInt64(raw)),
                        term: Term(2),
                        vote: ReplicaID(1),
                        cuts: 4
                    ),
                    lastIndex: LogIndex(UInt64(raw) * 3),
                    chain: Digest(of: [1])
                )
            )
        }
        #expect(mark.entries.map(\.partition.raw) == [0, 1, 5, 0xFFFF])
        let slot = MarkCodec.encode(mark)
        let size = MarkCodec.slotCount(partitions: 4)
        #expect(size == 4_096 && slot.count <= size)
        #expect(try MarkCodec.decode(slot: slot[...]) == mark)
        for bit in 0..<slot.count * 8 {
            var changed = slot
            changed[bit / 8] ^= 1 << (bit % 8)
            #expect(throws: DecodeError.self) { try MarkCodec.decode(slot: changed[...]) }
        }
        for count in 0..<slot.count {
            #expect(throws: DecodeError.self) { try MarkCodec.decode(slot: slot[..<count]) }
        }
        var older = mark
        older.sequence = 7
        func padded(_ bytes: [UInt8]) -> [UInt8] {
            bytes + [UInt8](repeating: 0, count: size - bytes.count)
        }
        let (new, old) = (padded(slot), padded(MarkCodec.encode(older)))
        let torn = Array(new.prefix(100)) + old.dropFirst(100)
        let zeros = [UInt8](repeating: 0, count: size)
        #expect(MarkCodec.newest(in: new + old) == mark)
        #expect(MarkCodec.newest(in: old + new) == mark)
        #expect(MarkCodec.newest(in: torn + old) == older)
        #expect(MarkCodec.newest(in: old + zeros) == older)
        #expect(MarkCodec.newest(in: zeros + zeros) == nil)
        #expect(MarkCodec.newest(in: []) == nil)
        mark.remove(PartitionID(5))
        #expect(mark.entry(for: PartitionID(5)) == nil && mark.entries.count == 3)
    }
}
