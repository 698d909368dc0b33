import Primitives
import Raft
import Testing

@Suite("A damaged log")
struct DamagedLogTests {
    private func damaged(_ index: UInt64) throws -> TestGroup {
        var group = try TestGroup(3, logs: [[1, 1, 1], [1, 1, 1], [1, 1, 1]])
        group[1].reader.faults = [LogIndex(index)]
        return group
    }

    @Test("Applying stops before an entry that cannot be read, and goes on when it is repaired")
    func applying() throws {
        var group = try damaged(2)
        try group[1].step(.from(2, .append, term: 1, index: 3, logTerm: 1, commit: 3))
        group.work(1)
        #expect(group[1].status().faultAt == LogIndex(2) && group.applied[0].count == 1)
        #expect(!group[1].hasReady)
        group[1].reader.faults = []
        group[1].repaired()
        group.work(1)
        #expect(group.applied[0].count == 3)
    }

    @Test("It does not campaign, but votes and acknowledges")
    func campaigning() throws {
        var group = try damaged(2)
        group.tick(1, 50)
        group[1].campaign()
        #expect(group[1].role == .follower)
        group.elect(2)
        #expect(group[2].isLeader && group[1].vote == ReplicaID(2))
        _ = try group[2].propose([[1]])
        group.settle()
        #expect(group[2].commitIndex == LogIndex(5) && group.terms(1).count == 5)
    }

    @Test("A leader that cannot read an entry offers a snapshot instead")
    func leading() throws {
        var group = try TestGroup(2, logs: [[1, 1, 1], []])
        group.elect(1)
        #expect(group.terms(2).count == 4)
        var other = try TestGroup(2, logs: [[1, 1, 1], []])
        other[1].campaign()
        other.work(1)
        try other[1].step(.from(2, .voteResponse, term: 2))
        other.work(1)
        other[1].reader.faults = [LogIndex(2)]
        other[1].reader.newestSnapshot = SnapshotMetadata(
            index: LogIndex(3),
            term: Term(1),
            configuration: other[1].configuration
        )
        var refusal = Message.from(2, .appendResponse, term: 2, index: 3)
        refusal.rejects = true
        try other[1].step(refusal)
        #expect(other.sent(by: 1).map(\.kind) == [.snapshot])
    }

    @Test("Without the term of its last entry a replica does not start: it could judge no vote")
    func lastEntry() {
        var log = MemoryLog()
        log.append([Entry(term: Term(1), index: LogIndex(1))])
        log.faults = [LogIndex(1)]
        #expect(throws: RaftError.self) {
            try RaftNode(
                settings: RaftSettings(id: ReplicaID(1), seed: 1),
                hardState: nil,
                configuration: VoterConfiguration(voters: [ReplicaID(1)]),
                applied: .zero,
                log: log
            )
        }
    }
}
