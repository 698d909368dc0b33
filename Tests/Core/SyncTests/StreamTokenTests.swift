import Primitives
import Sync
import Testing

@Suite("Tokens")
struct StreamTokenTests {
    @Test("A stream token comes back as it was", arguments: [0, 1, 64, 4_000])
    func roundTrip(partitions: Int) {
        let positions = (0..<partitions).map {
            StreamToken.Position(PartitionID(UInt16($0)), LogIndex(UInt64($0) * 77_777))
        }
        let token = StreamToken(
            incarnation: 3,
            account: LogIndex(12),
            positions: positions.reversed(),
            typing: TypingMark(epoch: .max, serial: 1 << 40)
        )
        #expect(StreamToken(token.text) == token)
        #expect(PageToken(token.text) == .stream(token))
        #expect(token.positions == positions)
    }

    @Test("A stream token knows the partitions in it and no others")
    func lookUp() {
        let token = StreamToken(
            incarnation: 1,
            account: LogIndex(5),
            positions: [2, 9, 5].map { .init(PartitionID($0), LogIndex(UInt64($0) + 100)) }
        )
        #expect(token[PartitionID(5)] == LogIndex(105))
        #expect(token[PartitionID(9)] == LogIndex(109))
        #expect(token[PartitionID(3)] == nil)
        #expect(token[PartitionID(10)] == nil)
        #expect(PageToken.stream(token).position(in: PartitionID(2)) == 103 << 10)
    }

    @Test(
        "What no server handed out is refused",
        arguments: [
            "", "s", "p", "s!", "sAA", "sAQ", "p1", "p1.", "p.1", "p1.2.3", "p70000.1", "p-1.1",
            "s72594_4483_1934", "t1-2", "p1.99999999999999999999",
            String(repeating: "s", count: 70_000),
        ]
    )
    func refused(text: String) {
        #expect(PageToken(text) == nil)
    }

    @Test("A token with bytes after its end or an impossible index is refused")
    func trailing() {
        let text = StreamToken(
            incarnation: 1,
            account: .zero,
            positions: [.init(PartitionID(1), LogIndex(5))]
        ).text
        #expect(StreamToken(text + "AAAA") == nil)
        let huge = StreamToken(
            incarnation: 1,
            account: .zero,
            positions: [.init(PartitionID(1), LogIndex(1 << 60))]
        ).text
        #expect(StreamToken(huge) == nil)
    }
}
