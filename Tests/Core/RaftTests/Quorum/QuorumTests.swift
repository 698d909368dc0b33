import Primitives
import Raft
import Testing

/// Quorums against a second implementation that is too simple to be wrong.
@Suite("Quorums")
struct QuorumTests {
    private static let cases = 50_000

    /// IDs from 1 to 9, any number of them.
    private func drawVoters(_ random: inout SeededGenerator) -> [ReplicaID] {
        (1...9).filter { _ in random.next() % 2 == 0 }.map { ReplicaID($0) }
    }

    /// Tries every index that anybody has.
    private func slowCommitted(_ voters: [ReplicaID], _ have: [ReplicaID: LogIndex]) -> LogIndex? {
        if voters.isEmpty { return nil }
        let candidates = [LogIndex.zero] + voters.compactMap { have[$0] }
        return candidates.filter { index in
            voters.count { (have[$0] ?? .zero) >= index } * 2 > voters.count
        }.max()
    }

    private func slowOutcome(_ voters: [ReplicaID], _ votes: [ReplicaID: Bool]) -> VoteOutcome {
        if voters.isEmpty { return .won }
        if voters.count(where: { votes[$0] == true }) * 2 > voters.count { return .won }
        // Won if all who are silent said yes?
        let best = voters.count { votes[$0] ?? true }
        return best * 2 > voters.count ? .pending : .lost
    }

    @Test("A majority's commit index and vote are what a simple count says")
    func majorities() {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<Self.cases {
            let voters = drawVoters(&random)
            var have: [ReplicaID: LogIndex] = [:]
            var votes: [ReplicaID: Bool] = [:]
            for voter in voters {
                if random.next() % 4 != 0 { have[voter] = LogIndex(random.next() % 20) }
                if random.next() % 3 != 0 { votes[voter] = random.next() % 2 == 0 }
            }
            let quorum = MajorityQuorum(voters)
            #expect(quorum.committed { have[$0] ?? .zero } == slowCommitted(voters, have))
            #expect(quorum.outcome { votes[$0] } == slowOutcome(voters, votes))
        }
    }

    @Test("A joint quorum needs both halves, in whatever order they stand")
    func joint() {
        var random = SeededGenerator(seed: 2)
        for _ in 0..<Self.cases {
            let new = drawVoters(&random)
            let old = drawVoters(&random)
            var have: [ReplicaID: LogIndex] = [:]
            var votes: [ReplicaID: Bool] = [:]
            for voter in Set(new + old).sorted() {
                if random.next() % 4 != 0 { have[voter] = LogIndex(random.next() % 20) }
                if random.next() % 3 != 0 { votes[voter] = random.next() % 2 == 0 }
            }
            let quorum = JointQuorum(incoming: new, outgoing: old)
            let flipped = JointQuorum(incoming: old, outgoing: new)
            let index = quorum.committed { have[$0] ?? .zero }
            #expect(index == flipped.committed { have[$0] ?? .zero })
            let halves = [slowCommitted(new, have), slowCommitted(old, have)].compactMap(\.self)
            #expect(index == halves.min())
            let outcome = quorum.outcome { votes[$0] }
            #expect(outcome == flipped.outcome { votes[$0] })
            let parts = [slowOutcome(new, votes), slowOutcome(old, votes)]
            if parts.contains(.lost) {
                #expect(outcome == .lost)
            } else {
                #expect(outcome == (parts.allSatisfy { $0 == .won } ? .won : .pending))
            }
        }
    }

    @Test("Any two majorities of the same voters share a member, also over a single change")
    func overlap() {
        for count in 1...6 {
            let voters = (1...count).map { ReplicaID(UInt64($0)) }
            let larger = voters + [ReplicaID(9)]
            for first in 0..<(1 << count) {
                for second in 0..<(1 << (count + 1)) {
                    let a = Set(voters.indices.filter { first >> $0 & 1 == 1 }.map { voters[$0] })
                    let b = Set(larger.indices.filter { second >> $0 & 1 == 1 }.map { larger[$0] })
                    let isBoth =
                        MajorityQuorum(voters).outcome { a.contains($0) } == .won
                        && MajorityQuorum(larger).outcome { b.contains($0) } == .won
                    if isBoth { #expect(!a.isDisjoint(with: b)) }
                }
            }
        }
    }
}
