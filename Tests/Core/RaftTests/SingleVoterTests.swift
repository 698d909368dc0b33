import Primitives
import Raft
import Testing

@Suite("A group of one")
struct SingleVoterTests {
    @Test("elects itself, and commits by its own append alone")
    func commits() throws {
        var node = try RaftNode(
            settings: RaftSettings(id: ReplicaID(1), seed: 7),
            hardState: nil,
            configuration: VoterConfiguration(voters: [ReplicaID(1)]),
            applied: .zero,
            log: MemoryLog()
        )
        node.campaign()
        var applied: [Entry] = []
        func turn() {
            while node.hasReady {
                let ready = node.takeReady()
                #expect(ready.messages.isEmpty)
                if let task = ready.append {
                    node.reader.write(task)
                    node.appended(task.acknowledgement)
                }
                if let task = ready.apply {
                    applied += task.entries
                    node.applied(upTo: task.entries.last!.index, bytes: task.bytes)
                }
            }
        }
        turn()
        #expect(node.isLeader)
        let assigned = try node.propose([[1, 2, 3], [4]])
        #expect(assigned == Assigned(term: Term(1), first: LogIndex(2)))
        turn()
        #expect(applied.map(\.payload) == [[], [1, 2, 3], [4]])
        node.readIndex(token: 9)
        #expect(node.takeReady().readStates == [ReadState(token: 9, index: LogIndex(3))])
    }
}
