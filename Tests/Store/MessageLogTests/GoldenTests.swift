import Encryption
import KeyValue
import MessageLog
import Primitives
import Testing

/// Rows that another implementation of `Specs/Formats` produced. They may never change; a new
/// version gets golden rows of its own.
@Suite("Golden rows of the log")
struct GoldenTests {
    private func fixture() throws -> LogFixture {
        var fixture = LogFixture()
        fixture.turn { log, batch in
            log.setHardState(
                term: Term(2),
                vote: ReplicaID(9),
                replica: ReplicaID(4),
                into: &batch
            )
        }
        try fixture.append([
            LogEntry(
                term: Term(2),
                index: 1,
                clock: HybridTimestamp(0x10002),
                body: Array("kept".utf8)
            ),
            LogEntry(
                term: Term(2),
                index: 2,
                retention: .passing,
                clock: HybridTimestamp(0x10003),
                body: Array("passing".utf8)
            ),
        ])
        return fixture
    }

    private func text(_ bytes: [UInt8]?) -> String {
        (bytes ?? []).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    @Test("Records, version 1: kept, passing and pruned")
    func records() throws {
        var fixture = try fixture()
        #expect(
            text(fixture.row(1))
                == "0100030000000000000002000000000000000100000000000000010002000000"
                + "0479f076abdd19a752db7267bfff2f9022161d120dea919fdaca2ffdfc24ca8c"
                + "96ad2e088dc9820c20201400aa0cd170589b996e8c3fd529c51ebe3735f13efd"
                + "c3006b657074"
        )
        #expect(
            text(fixture.row(2))
                == "0100030000000000000002000000000000000200010000000000010003000000"
                + "0757777d28b11a44a474e1c1dbc080e10f43587ad7b4745184474cf3c75c9e47"
                + "1f990d4b67096d555a67b65824f21938b78c27d6bddfda86bf1166f532dff38d"
                + "5901"
        )
        #expect(fixture.row(2, in: LogFamilies.passing) == Array("passing".utf8))
        try fixture.turn { log, batch in try log.prune([1], into: &batch) }
        #expect(
            text(fixture.row(1))
                == "0100030000000000000002000000000000000100000000000000010002000000"
                + "0479f076abdd19a752db7267bfff2f9022161d120dea919fdaca2ffdfc24ca8c"
                + "96ad2e088dc9820c20201400aa0cd170589b996e8c3fd529c51ebe3735f13efd"
                + "c302"
        )
    }

    @Test("Meta rows, version 1")
    func meta() throws {
        var fixture = try fixture()
        try fixture.turn { log, batch in try log.truncatePrefix(through: 1, into: &batch) }
        let rows = try fixture.store.rows(in: LogFamilies.meta)
        #expect(rows.map(\.key) == [[0, 3, 1], [0, 3, 2]])
        #expect(
            text(rows.first?.value)
                == "0100000000000000040000000000000002000000000000000900000000000000"
                + "008a30c6c3"
        )
        #expect(
            text(rows.last?.value)
                == "01000000000000000100000000000000020000000000010002ad2e088dc9820c"
                + "20201400aa0cd170589b996e8c3fd529c51ebe3735f13efdc339ad1101"
        )
    }

    @Test("Envelope, notice of a loss and mark, version 1")
    func values() throws {
        let envelope = EntryEnvelope.encode(
            retention: .passing,
            clock: HybridTimestamp(0x10003),
            body: Array("passing".utf8)
        )
        #expect(text(envelope) == "010001000000000001000370617373696e67")
        let notice = LossNotice(first: 5, last: 6, reason: "rot")
        #expect(text(notice.encoded) == "010000000000000005000000000000000603726f74")
        let mark = Mark(sequence: 5, incarnation: 2, entries: [try fixture().log.markEntry])
        #expect(
            text(MarkCodec.encode(mark))
                == "57424c4d41524b3100000000000000050000000000000002000000010000004a"
                + "0003000000000000000400000000000000020000000000000009000000000000"
                + "00000000000000000002990d4b67096d555a67b65824f21938b78c27d6bddfda"
                + "86bf1166f532dff38d591d7f7dca"
        )
    }
}
