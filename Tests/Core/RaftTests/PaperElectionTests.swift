import Primitives
import Raft
import Testing

/// Claims of the dissertation ("Consensus: Bridging Theory and Practice"), by section.
@Suite("Dissertation 3.3, 3.4: terms and elections")
struct PaperElectionTests {
    @Test(
        "3.3 A replica that hears a newer term adopts it and follows",
        arguments: [Role.follower, .candidate, .leader]
    )
    func newerTerm(role: Role) throws {
        var group = try TestGroup(3)
        switch role {
        case .candidate:
            group[1].campaign()
        case .leader: group.elect(1)
        default: break
        }
        #expect(group[1].role == role)
        try group[1].step(.from(2, .append, term: 5))
        #expect(group[1].term == Term(5) && group[1].role == .follower)
        #expect(group[1].leader == ReplicaID(2))
    }

    @Test("3.3 A request with an older term changes nothing")
    func olderTerm() throws {
        var group = try TestGroup(3)
        group.elect(1)
        group.elect(2)
        let before = group[1].last
        try group[1].step(.from(3, .append, term: 1, index: 1, logTerm: 1, entries: [1, 1]))
        #expect(group[1].last == before && group[1].leader == ReplicaID(2))
    }

    @Test("3.4 Everyone begins as a follower")
    func beginsAsFollower() throws {
        let group = try TestGroup(3)
        #expect(group.nodes.allSatisfy { $0.role == .follower && $0.leader == .none })
    }

    @Test("3.4 A leader sends heartbeats to all others at every interval")
    func heartbeats() throws {
        var group = try TestGroup(5) { $0.heartbeatTicks = 2 }
        group.elect(1)
        group.tick(1)
        #expect(group.sent(by: 1).isEmpty)
        group.tick(1)
        let sent = group.sent(by: 1)
        #expect(sent.map(\.kind) == Array(repeating: .heartbeat, count: 4))
        #expect(sent.map(\.to) == Array(TestGroup.ids(5).dropFirst()))
    }

    @Test("3.4 A follower that hears nothing campaigns: next term, own vote, requests to all")
    func timeout() throws {
        var group = try TestGroup(3)
        group.tick(1, 20)
        #expect(group[1].role == .candidate && group[1].vote == ReplicaID(1))
        let sent = group.sent(by: 1)
        #expect(sent.count { $0.kind == .vote && $0.term == group[1].term } >= 2)
    }

    @Test("3.4 A candidate that wins no election starts another")
    func restartsElection() throws {
        var group = try TestGroup(3)
        group.isolate(1)
        group[1].campaign()
        group.settle()
        let term = group[1].term
        group.tick(1, 20)
        #expect(group[1].role == .candidate && group[1].term == term.next)
    }

    @Test(
        "3.4 A candidate leads with a majority and not without",
        arguments: [(1, 0, true), (3, 1, true), (3, 0, false), (5, 2, true), (5, 1, false)]
    )
    func majority(size: Int, votes: Int, wins: Bool) throws {
        var group = try TestGroup(size)
        group[1].campaign()
        group.work(1)
        group.network = []
        for voter in 0..<votes {
            try group[1].step(.from(voter + 2, .voteResponse, term: 1))
        }
        #expect(group[1].isLeader == wins)
    }

    @Test("3.4 A candidate gives up when a majority refuses")
    func refused() throws {
        var group = try TestGroup(3)
        group[1].campaign()
        group.work(1)
        for voter in [2, 3] {
            var refusal = Message.from(voter, .voteResponse, term: 1)
            refusal.rejects = true
            try group[1].step(refusal)
        }
        #expect(group[1].role == .follower)
    }

    @Test("3.4 A replica votes for one candidate per term, and for it again")
    func oneVote() throws {
        var group = try TestGroup(3)
        try group[1].step(.from(2, .vote, term: 1))
        try group[1].step(.from(3, .vote, term: 1))
        try group[1].step(.from(2, .vote, term: 1))
        let answers = group.sent(by: 1)
        #expect(answers.map(\.to) == [ReplicaID(2), ReplicaID(3), ReplicaID(2)])
        #expect(answers.map(\.rejects) == [false, true, false])
    }

    @Test("3.4 A vote outlives a crash")
    func voteIsDurable() throws {
        var group = try TestGroup(3)
        try group[1].step(.from(2, .vote, term: 1))
        group.work(1)
        try group.restart(1)
        try group[1].step(.from(3, .vote, term: 1))
        #expect(group.sent(by: 1).last?.rejects == true)
    }

    @Test("3.4 A candidate that hears a leader of its term follows it")
    func candidateFollows() throws {
        var group = try TestGroup(3)
        group[1].campaign()
        try group[1].step(.from(2, .append, term: 1))
        #expect(group[1].role == .follower && group[1].leader == ReplicaID(2))
    }

    @Test("3.4 Election timeouts are spread over one to two intervals, and differ")
    func timeouts() throws {
        var seen: Set<Int> = []
        for seed in 0..<200 as Range<UInt64> {
            var settings = RaftSettings(id: ReplicaID(1), seed: seed)
            settings.preVote = false
            var node = try RaftNode(
                settings: settings,
                hardState: nil,
                configuration: VoterConfiguration(voters: TestGroup.ids(3)),
                applied: .zero,
                log: MemoryLog()
            )
            var ticks = 0
            while node.role == .follower {
                node.tick()
                ticks += 1
            }
            seen.insert(ticks)
        }
        #expect(seen == Set(10...19))
    }

    @Test("3.4 A less preferred replica campaigns later")
    func priority() throws {
        var group = try TestGroup(3) { if $0.id != ReplicaID(2) { $0.campaignDelayTicks = 10 } }
        for _ in 0..<40 where !group[2].isLeader {
            for id in 1...3 { group.tick(id) }
            group.settle()
        }
        #expect(group[2].isLeader)
    }

    @Test("The same seed gives the same timeouts")
    func determinism() throws {
        func history() throws -> [String] {
            var group = try TestGroup(3)
            var lines: [String] = []
            for _ in 0..<60 {
                for id in 1...3 { group.tick(id) }
                group.isolate(Int(group.nodes.first { $0.isLeader }?.id.raw ?? 1))
                group.settle()
                lines.append(group.nodes.map { "\($0.role) \($0.term)" }.joined(separator: ","))
            }
            return lines
        }
        let first = try history()
        let second = try history()
        #expect(first == second)
    }
}

@Suite("Dissertation 4.2.3, 6.4, 9.6: disruption and pre-vote")
struct PaperPreVoteTests {
    @Test("4.2.3 Who heard a leader lately ignores campaigns, unless the leader asked for them")
    func recentLeader() throws {
        var group = try TestGroup(3) { $0.checkQuorum = true }
        group.elect(1)
        var request = Message.from(3, to: 2, .vote, term: 9, index: 9, logTerm: 9)
        try group[2].step(request)
        #expect(group[2].term == Term(1) && group.sent(by: 2).isEmpty)
        request.isForced = true
        try group[2].step(request)
        #expect(group.sent(by: 2).map(\.rejects) == [false])
    }

    @Test("6.4 A leader that hears no quorum for an election timeout steps down")
    func checkQuorum() throws {
        var group = try TestGroup(3) { $0.checkQuorum = true }
        group.elect(1)
        group.isolate(1)
        group.tick(1, 20)
        #expect(group[1].role == .follower && group[1].term == Term(1))
    }

    @Test("9.6 A pre-vote spends no term and no vote")
    func preVoteSpendsNothing() throws {
        var group = try TestGroup(3) { $0.preVote = true }
        group.isolate(1)
        group.tick(1, 100)
        group.settle()
        #expect(group[1].role == .preCandidate && group[1].term == .zero)
        try group[2].step(.from(1, to: 2, .preVote, term: 1))
        group.work(2)
        #expect(group[2].vote == .none && group[2].term == .zero)
    }

    @Test("9.6 A replica that comes back does not unseat a healthy leader")
    func returns() throws {
        var group = try TestGroup(3) {
            $0.preVote = true
            $0.checkQuorum = true
        }
        group.elect(1)
        group.isolate(3)
        for _ in 0..<60 {
            for id in 1...3 { group.tick(id) }
            group.settle()
        }
        group.heal()
        for _ in 0..<10 {
            for id in 1...3 { group.tick(id) }
            group.settle()
        }
        #expect(group[1].isLeader && group[1].term == Term(1) && group[3].leader == ReplicaID(1))
    }

    @Test("9.6 Pre-votes are granted to an up-to-date log only")
    func preVoteNeedsLog() throws {
        var group = try TestGroup(2, logs: [[1, 1], [1]]) { $0.preVote = true }
        try group[1].step(.from(2, .preVote, term: 2, index: 1, logTerm: 1))
        #expect(group.sent(by: 1).map(\.rejects) == [true])
        try group[1].step(.from(2, .preVote, term: 2, index: 2, logTerm: 1))
        #expect(group.sent(by: 1).map(\.rejects) == [false])
    }

    @Test("Within the grace after a start nobody is voted for")
    func grace() throws {
        var group = try TestGroup(3) { $0.voteGraceTicks = 5 }
        try group[1].step(.from(2, .vote, term: 1))
        #expect(group.sent(by: 1).allSatisfy { $0.kind != .voteResponse || $0.rejects })
        group[1].campaign()
        #expect(group[1].role == .follower)
        group.tick(1, 5)
        try group[1].step(.from(2, .vote, term: 2))
        #expect(group.sent(by: 1).last?.rejects == false)
    }
}
