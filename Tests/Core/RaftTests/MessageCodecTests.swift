import Primitives
import Raft
import Testing

@Suite("Messages on the wire")
struct MessageCodecTests {
    private func draw(_ random: inout SeededGenerator) -> Message {
        let kind = MessageKind.allCases[Int(random.next() % UInt64(MessageKind.allCases.count))]
        var message = Message(
            kind,
            from: ReplicaID(random.next()),
            to: ReplicaID(random.next() % 300),
            term: Term(random.next() >> (random.next() % 64))
        )
        message.rejects = random.next() % 2 == 0
        message.isForced = random.next() % 2 == 0
        message.logTerm = Term(random.next() % 1_000)
        message.index = LogIndex(random.next() >> (random.next() % 64))
        message.commit = LogIndex(random.next() % 100_000)
        message.rejectHint = LogIndex(random.next() % 100)
        message.context = random.next() >> (random.next() % 64)
        let kinds: [EntryKind] = [.normal, .change, .changeV2]
        message.entries = (0..<(random.next() % 4)).map { offset in
            Entry(
                term: Term(7 + offset),
                index: LogIndex(100 + offset),
                kind: kinds[Int(random.next() % 3)],
                payload: (0..<(random.next() % 200)).map { UInt8(truncatingIfNeeded: $0) }
            )
        }
        if random.next() % 3 == 0 {
            message.snapshot = SnapshotMetadata(
                index: LogIndex(random.next() % 500),
                term: Term(3),
                configuration: VoterConfiguration(
                    voters: [ReplicaID(1), ReplicaID(4)],
                    outgoingVoters: [ReplicaID(2)],
                    learners: [ReplicaID(9)],
                    nextLearners: [ReplicaID(2)],
                    autoLeave: true
                )
            )
        }
        return message
    }

    @Test("What is encoded is decoded, several in one buffer")
    func roundTrip() throws {
        var random = SeededGenerator(seed: 6)
        for _ in 0..<500 {
            let messages = (0..<3).map { _ in draw(&random) }
            var writer = ByteWriter()
            for message in messages { message.encode(into: &writer) }
            var reader = ByteReader(writer.bytes)
            for message in messages { #expect(try Message(from: &reader) == message) }
            #expect(reader.isAtEnd)
        }
    }

    @Test("Cut or changed bytes throw or decode, and never trap")
    func damage() {
        var random = SeededGenerator(seed: 7)
        for _ in 0..<3_000 {
            var writer = ByteWriter()
            draw(&random).encode(into: &writer)
            var bytes = writer.bytes
            if random.next() % 2 == 0 {
                bytes.removeLast(Int(random.next() % UInt64(bytes.count)) + 1)
                var reader = ByteReader(bytes)
                #expect(throws: DecodeError.self) { try Message(from: &reader) }
            } else {
                bytes[Int(random.next() % UInt64(bytes.count))] ^= UInt8(1 << (random.next() % 8))
                var reader = ByteReader(bytes)
                _ = try? Message(from: &reader)
            }
        }
    }
}
