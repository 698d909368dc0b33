import Primitives
import Raft
import Testing

@Suite("Dissertation 3.10, 4, 5, 6: transfer, membership, snapshots, reads")
struct PaperMembershipTests {
    private func id(_ number: UInt64) -> ReplicaID { ReplicaID(number) }

    // MARK: 3.10 Leadership transfer

    @Test("3.10 Leadership goes to a follower that is up to date, at once")
    func transfer() throws {
        var group = try TestGroup(3) {
            $0.preVote = true
            $0.checkQuorum = true
        }
        group.elect(1)
        group[1].transferLeadership(to: id(3))
        group.settle()
        #expect(group[3].isLeader && group[1].leader == id(3))
    }

    @Test("3.10 A follower that lags is brought up to date first; proposals wait")
    func transferToLaggard() throws {
        var group = try TestGroup(3)
        group.elect(1)
        group.isolate(3)
        _ = try group[1].propose([[1], [2]])
        group.settle()
        group.heal()
        group[1].transferLeadership(to: id(3))
        #expect(throws: ProposeError.transferring(to: id(3))) { try group[1].propose([[3]]) }
        group.tick(1)
        group.settle()
        #expect(group[3].isLeader && group.terms(3) == [1, 1, 1, 2])
    }

    @Test("3.10 A transfer that takes an election timeout is given up")
    func transferTimesOut() throws {
        var group = try TestGroup(3)
        group.elect(1)
        group.isolate(3)
        group[1].transferLeadership(to: id(3))
        group.settle()
        group.tick(1, 10)
        #expect(group[1].isLeader && group[1].transferee == .none)
        _ = try group[1].propose([[1]])
    }

    @Test("3.10 Nobody hands over to a learner, to itself or to a stranger")
    func transferRefused() throws {
        var group = try TestGroup(3, learners: [3])
        group.elect(1)
        for target in [1, 3, 8] as [UInt64] {
            group[1].transferLeadership(to: id(target))
            #expect(group[1].transferee == .none)
        }
    }

    // MARK: 4 Membership

    @Test("4.1 One server at a time: the second change waits until the first is applied")
    func oneAtATime() throws {
        var group = try TestGroup(3)
        group.elect(1)
        let first = ConfigurationChange([.init(.remove, id(3))])
        let assigned = try group[1].propose(first)
        #expect(throws: ProposeError.changeRefused(.unappliedChange(upTo: assigned.first))) {
            try group[1].propose(ConfigurationChange([.init(.remove, id(2))]))
        }
        group.settle()
        #expect(group[1].configuration.voters == [id(1), id(2)])
        _ = try group[1].propose(ConfigurationChange([.init(.remove, id(2))]))
    }

    @Test("4.1 A new leader proposes no change before it has applied its predecessors' entries")
    func newLeaderWaits() throws {
        var old = try TestGroup(3, logs: [[1, 1], [1, 1], [1, 1]])
        old[1].campaign()
        old.work(1)
        try old[1].step(.from(2, .voteResponse, term: 2))
        #expect(throws: ProposeError.changeRefused(.unappliedChange(upTo: LogIndex(2)))) {
            try old[1].propose(ConfigurationChange([.init(.remove, id(3))]))
        }
    }

    @Test("4.2.1 A learner receives the log and does not count")
    func learner() throws {
        var group = try TestGroup(3, learners: [3])
        group.elect(1)
        group.isolate(2)
        _ = try group[1].propose([[1]])
        group.settle()
        #expect(group.terms(3) == [1, 1] && group[1].commitIndex == LogIndex(1))
        group[3].campaign()
        #expect(group[3].role == .follower)
    }

    @Test("4.2.2 A leader that is removed leads until the change is committed, then steps down")
    func removedLeader() throws {
        var group = try TestGroup(3)
        group.elect(1)
        _ = try group[1].propose(ConfigurationChange([.init(.remove, id(1))]))
        group.settle()
        #expect(!group[1].isLeader && group[2].configuration.voters == [id(2), id(3)])
        group.tick(1, 100)
        #expect(group[1].role == .follower)
        group.elect(2)
        #expect(group[2].isLeader)
    }

    @Test("4.3 In a joint configuration both majorities must agree")
    func jointConsensus() throws {
        var group = try TestGroup(5)
        group.elect(1)
        // From 1...5 to 1, 2, 3.
        let change = ConfigurationChange(
            [.init(.remove, id(4)), .init(.remove, id(5))],
            transition: .explicit
        )
        _ = try group[1].propose(change)
        group.settle()
        #expect(group[1].configuration.isJoint)
        // 1, 4 and 5 are a majority of the old voters and not of the new.
        let cut: Set<ReplicaID> = [id(2), id(3)]
        group.passes = { !cut.contains($0.to) && !cut.contains($0.from) }
        let before = group[1].commitIndex
        _ = try group[1].propose([[1]])
        group.settle()
        #expect(group[1].commitIndex == before)
        group.heal()
        group.tick(1)
        group.settle()
        #expect(group[1].commitIndex == before.next)
        _ = try group[1].propose(.leaveJoint)
        group.settle()
        #expect(group[1].configuration == VoterConfiguration(voters: [id(1), id(2), id(3)]))
    }

    @Test("4.3 A joint configuration that ends by itself does, also after a change of leader")
    func autoLeave() throws {
        var group = try TestGroup(4, learners: [4])
        group.elect(1)
        let change = ConfigurationChange([.init(.remove, id(3)), .init(.addVoter, id(4))])
        _ = try group[1].propose(change)
        group.settle()
        for node in [1, 2, 4] {
            #expect(group[node].configuration.voters == [id(1), id(2), id(4)])
            #expect(!group[node].configuration.isJoint)
        }
    }

    @Test("A change that cannot be applied is refused by every replica alike")
    func invalidChange() throws {
        var group = try TestGroup(1)
        group.elect(1)
        #expect(throws: ChangeError.removesAllVoters) {
            try group[1].applyConfigurationChange(
                ConfigurationChange([.init(.remove, id(1))])
            )
        }
        #expect(group[1].configuration.voters == [id(1)])
    }

    // MARK: 5 Snapshots

    @Test("5 A follower that is behind the trimmed log gets a snapshot, then entries")
    func snapshot() throws {
        var group = try TestGroup(3)
        group.elect(1)
        group.isolate(3)
        for value in 1...9 as ClosedRange<UInt8> { _ = try group[1].propose([[value]]) }
        group.settle()
        group[1].reader.newestSnapshot = SnapshotMetadata(
            index: LogIndex(8),
            term: Term(1),
            configuration: group[1].configuration
        )
        group[1].reader.compact(to: LogIndex(8))
        group.heal()
        for _ in 0..<3 {
            group.tick(1)
            group.settle()
        }
        #expect(group[3].reader.base.index == LogIndex(8))
        #expect(group[3].appliedIndex == LogIndex(10))
        #expect(group[1].status().members[2].state == .replicate)
    }

    @Test("5 A snapshot of the past, or for others, is ignored")
    func uselessSnapshot() throws {
        var group = try TestGroup(3, logs: [[1, 1, 1]])
        try group[1].step(.from(2, .append, term: 1, index: 3, logTerm: 1, commit: 3))
        group.work(1)
        for (index, members) in [(2, [1, 2, 3]), (9, [2, 3])] as [(UInt64, [UInt64])] {
            var message = Message.from(2, .snapshot, term: 1)
            message.snapshot = SnapshotMetadata(
                index: LogIndex(index),
                term: Term(1),
                configuration: VoterConfiguration(voters: members.map { id($0) })
            )
            try group[1].step(message)
            #expect(group[1].takeReady().snapshot == nil)
            #expect(group[1].commitIndex == LogIndex(3))
        }
    }

    @Test("5 A snapshot of what the log already has commits it instead")
    func fastForward() throws {
        var group = try TestGroup(3, logs: [[1, 1, 1]])
        var message = Message.from(2, .snapshot, term: 1)
        message.snapshot = SnapshotMetadata(
            index: LogIndex(2),
            term: Term(1),
            configuration: VoterConfiguration(voters: TestGroup.ids(3))
        )
        try group[1].step(message)
        #expect(group[1].takeReady().snapshot == nil && group[1].commitIndex == LogIndex(2))
    }

    @Test("5 A failed snapshot is tried again after a heartbeat")
    func failedSnapshot() throws {
        var group = try TestGroup(3)
        group.elect(1)
        group.isolate(3)
        _ = try group[1].propose([[1], [2], [3]])
        group.settle()
        group[1].reader.newestSnapshot = SnapshotMetadata(
            index: LogIndex(4),
            term: Term(1),
            configuration: group[1].configuration
        )
        group[1].reader.compact(to: LogIndex(4))
        group.passes = { $0.kind != .snapshot }
        for _ in 0..<4 {
            group.tick(1)
            group.settle()
        }
        #expect(group[1].status().members[2].state == .snapshot)
        group.heal()
        group[1].report(.snapshotFailed(id(3)))
        #expect(group[1].status().members[2].state == .probe)
        #expect(group[1].status().members[2].isPaused)
        for _ in 0..<3 {
            group.tick(1)
            group.settle()
        }
        #expect(group[1].status().members[2].state == .replicate)
        #expect(group[3].appliedIndex == group[1].appliedIndex)
    }

    // MARK: 6 Reads

    @Test("6.4 A read is served with what was committed when it came, confirmed by a quorum")
    func readIndex() throws {
        var group = try TestGroup(3)
        group.elect(1)
        _ = try group[1].propose([[1]])
        group.settle()
        group[1].readIndex(token: 7)
        group[3].readIndex(token: 8)
        group.settle()
        #expect(group.reads[0] == [ReadState(token: 7, index: LogIndex(2))])
        #expect(group.reads[2] == [ReadState(token: 8, index: LogIndex(2))])
    }

    @Test("6.4 A leader that is cut off serves no read")
    func readCutOff() throws {
        var group = try TestGroup(3) { $0.checkQuorum = true }
        group.elect(1)
        group.isolate(1)
        group[1].readIndex(token: 7)
        group.settle()
        #expect(group.reads[0].isEmpty)
        group.tick(1, 25)
        group.settle()
        #expect(group.reads[0].isEmpty && group.droppedReads[0] == [7])
    }

    @Test("6.4 A repeated answer confirms nothing new")
    func repeatedAnswer() throws {
        var group = try TestGroup(3)
        group.elect(1)
        group[1].readIndex(token: 1)
        let heartbeat = group.sent(by: 1)[0]
        var answer = Message.from(2, .heartbeatResponse, term: 1)
        answer.context = heartbeat.context
        try group[1].step(answer)
        group.work(1)
        #expect(group.reads[0].map(\.token) == [1])
        group[1].readIndex(token: 1)
        group.work(1)
        try group[1].step(answer)
        group.work(1)
        // The same token, a later read: the old answer says nothing about it.
        #expect(group.reads[0].map(\.token) == [1])
    }
}
