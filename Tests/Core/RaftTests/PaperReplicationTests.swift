import Primitives
import Raft
import Testing

@Suite("Dissertation 3.5, 3.6: replication and safety")
struct PaperReplicationTests {
    @Test("3.5 A leader appends a proposal and sends it to all others")
    func appends() throws {
        var group = try TestGroup(3)
        group.elect(1)
        let assigned = try group[1].propose([[9]])
        #expect(assigned == Assigned(term: Term(1), first: LogIndex(2)))
        let sent = group.sent(by: 1)
        #expect(sent.map(\.to) == [ReplicaID(2), ReplicaID(3)])
        for message in sent {
            #expect(message.kind == .append && message.index == LogIndex(1))
            #expect(message.entries.map(\.payload) == [[9]])
        }
    }

    @Test(
        "3.5 An entry commits when a majority has it and not before",
        arguments: [(1, 0, true), (3, 0, false), (3, 1, true), (5, 1, false), (5, 2, true)]
    )
    func commitsByMajority(size: Int, acknowledgements: Int, commits: Bool) throws {
        var group = try TestGroup(size)
        group.elect(1)
        _ = try group[1].propose([[9]])
        group.work(1)
        for peer in 0..<acknowledgements {
            try group[1].step(.from(peer + 2, .appendResponse, term: 1, index: 2))
        }
        #expect((group[1].commitIndex == LogIndex(2)) == commits)
    }

    @Test("3.5 Committed entries are applied once, in order, on every replica")
    func applies() throws {
        var group = try TestGroup(3)
        group.elect(1)
        for value in 1...5 as ClosedRange<UInt8> { _ = try group[1].propose([[value]]) }
        group.settle()
        for id in 1...3 {
            #expect(group.applied[id - 1].map(\.payload) == [[], [1], [2], [3], [4], [5]])
        }
    }

    @Test("3.5 A follower learns what is committed, as far as its log is known to match")
    func followerCommits() throws {
        var group = try TestGroup(3, logs: [[1, 1, 1]])
        try group[1].step(.from(2, .append, term: 2, index: 2, logTerm: 1, commit: 3))
        // It matches up to 2; its own third entry may be another.
        #expect(group[1].commitIndex == LogIndex(2))
    }

    @Test("3.5 A follower refuses entries after one it does not have, and says where to look")
    func consistencyCheck() throws {
        var group = try TestGroup(3, logs: [[1, 1, 2]])
        try group[1].step(.from(2, .append, term: 3, index: 5, logTerm: 3))
        try group[1].step(.from(2, .append, term: 3, index: 3, logTerm: 1))
        let answers = group.sent(by: 1).filter { $0.kind == .appendResponse }
        #expect(answers.map(\.rejects) == [true, true])
        #expect(answers.map(\.rejectHint) == [LogIndex(3), LogIndex(2)])
        #expect(answers.map(\.logTerm) == [Term(2), Term(1)])
    }

    @Test(
        "3.5 Figure 3.6: a new leader makes every follower's log equal to its own",
        arguments: [
            [1, 1, 1, 4, 4, 5, 5, 6, 6],
            [1, 1, 1, 4],
            [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
            [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
            [1, 1, 1, 4, 4, 4, 4],
            [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
        ] as [[UInt64]]
    )
    func figure6(follower: [UInt64]) throws {
        let leader: [UInt64] = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6]
        // The third replica lets 1 win whatever the second one's log is.
        var group = try TestGroup(3, logs: [leader, follower, []])
        for _ in 0..<3 where !group[1].isLeader { group.elect(1) }
        #expect(group[1].isLeader)
        group.settle()
        #expect(group.terms(2) == group.terms(1) && group.terms(3) == group.terms(1))
        #expect(group.terms(1) == leader + [group[1].term.raw])
    }

    @Test("3.5 Entries after a conflict are dropped, entries that match are kept")
    func conflict() throws {
        var group = try TestGroup(3, logs: [[1, 2, 2, 2]])
        try group[1].step(.from(2, .append, term: 3, index: 1, logTerm: 1, entries: [2]))
        group.work(1)
        #expect(group.terms(1) == [1, 2, 2, 2])
        try group[1].step(.from(2, .append, term: 3, index: 1, logTerm: 1, entries: [2, 3]))
        group.work(1)
        #expect(group.terms(1) == [1, 2, 3])
    }

    @Test("3.5 A committed entry is never replaced: old news is answered with the commit index")
    func committedStays() throws {
        var group = try TestGroup(3, logs: [[1, 1]])
        try group[1].step(.from(2, .append, term: 1, index: 2, logTerm: 1, commit: 2))
        group.work(1)
        group.network = []
        try group[1].step(.from(3, .append, term: 2, index: 1, logTerm: 1, entries: [2]))
        #expect(group.sent(by: 1).map(\.index) == [LogIndex(2)])
        #expect(group.terms(1) == [1, 1])
    }

    @Test("Entries with a hole, or with terms that go down, are refused whole")
    func malformed() throws {
        var group = try TestGroup(3)
        var message = Message.from(2, .append, term: 3, entries: [1, 2, 3])
        message.entries.remove(at: 1)
        #expect(throws: StepError.malformed(.append)) { try group[1].step(message) }
        let falling = Message.from(2, .append, term: 3, entries: [3, 2])
        #expect(throws: StepError.malformed(.append)) { try group[1].step(falling) }
        #expect(group[1].last == .zero)
    }

    @Test("3.6.1 A log that is behind does not get votes")
    func upToDate() throws {
        let cases: [(own: [UInt64], term: UInt64, index: UInt64, granted: Bool)] = [
            ([1], 1, 1, true), ([1], 1, 2, true), ([1, 1], 1, 1, false),
            ([1], 2, 1, true), ([1], 2, 2, true), ([1, 1], 2, 1, true),
            ([2], 1, 1, false), ([2], 1, 2, false), ([2, 2], 1, 1, false),
        ]
        for (own, term, index, granted) in cases {
            var group = try TestGroup(2, logs: [own])
            try group[1].step(.from(2, .vote, term: 3, index: index, logTerm: term))
            #expect(group.sent(by: 1).map(\.rejects) == [!granted], "\(own) \(term)/\(index)")
        }
    }

    @Test("3.6.2 Only entries of the leader's own term commit by counting copies")
    func ownTermOnly() throws {
        var group = try TestGroup(3, logs: [[1, 2]])
        group[1].campaign()
        group.work(1)
        try group[1].step(.from(2, .voteResponse, term: 3))
        group.work(1)
        for index in [1, 2] as [UInt64] {
            try group[1].step(.from(2, .appendResponse, term: 3, index: index))
            #expect(group[1].commitIndex == .zero)
        }
        try group[1].step(.from(2, .appendResponse, term: 3, index: 3))
        #expect(group[1].commitIndex == LogIndex(3))
    }

    @Test("3.8 Nothing is acknowledged before it is durable, and the leader counts itself so, too")
    func durability() throws {
        var group = try TestGroup(1)
        group.elect(1)
        _ = try group[1].propose([[9]])
        let ready = group[1].takeReady()
        let task = try #require(ready.append)
        #expect(group[1].commitIndex == LogIndex(1))
        group[1].reader.write(task)
        group[1].appended(task.acknowledgement)
        #expect(group[1].commitIndex == LogIndex(2))

        var follower = try TestGroup(3)
        try follower[1].step(.from(2, .append, term: 1, entries: [1]))
        let owed = follower[1].takeReady()
        #expect(owed.messages.isEmpty)
        #expect(owed.append?.responses.map(\.kind) == [.appendResponse])
        #expect(owed.append?.mustSync == true)
    }

    @Test("3.8 A committed entry is not applied before it is durable here")
    func appliesDurableOnly() throws {
        var group = try TestGroup(3)
        try group[1].step(.from(2, .append, term: 1, commit: 1, entries: [1]))
        let ready = group[1].takeReady()
        #expect(group[1].commitIndex == LogIndex(1) && ready.apply == nil)
        let task = try #require(ready.append)
        group[1].reader.write(task)
        group[1].appended(task.acknowledgement)
        #expect(group[1].takeReady().apply?.entries.count == 1)
    }

    @Test("A message that says more is committed than this log holds shows that entries are lost")
    func lostLog() throws {
        var group = try TestGroup(3)
        #expect(throws: StepError.logLost(commit: LogIndex(7), lastIndex: .zero)) {
            try group[1].step(.from(2, .heartbeat, term: 1, commit: 7))
        }
    }

    @Test("A response from a replica outside of the group is refused")
    func unknownPeer() throws {
        var group = try TestGroup(3)
        group.elect(1)
        #expect(throws: StepError.unknownPeer(ReplicaID(9))) {
            try group[1].step(.from(9, .appendResponse, term: 1, index: 1))
        }
    }
}
