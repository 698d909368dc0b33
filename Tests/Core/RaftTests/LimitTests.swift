import Primitives
import Raft
import Testing

@Suite("Limits and settings")
struct LimitTests {
    @Test("Settings that cannot work are refused")
    func settings() {
        let breaks: [(inout RaftSettings) -> Void] = [
            { $0.id = .none }, { $0.heartbeatTicks = 0 }, { $0.electionTicks = 1 },
            { $0.maxInflightMessages = 0 }, { $0.maxInflightBytes = 10 },
            { $0.maxMessageBytes = 0 }, { $0.voteGraceTicks = -1 }, { $0.maxPendingReads = 0 },
            {
                $0.readMode = .lease
                $0.checkQuorum = false
            },
        ]
        for change in breaks {
            var settings = RaftSettings(id: ReplicaID(1), seed: 1)
            change(&settings)
            #expect(throws: RaftError.self) {
                try RaftNode(
                    settings: settings,
                    hardState: nil,
                    configuration: VoterConfiguration(),
                    applied: .zero,
                    log: MemoryLog()
                )
            }
        }
    }

    @Test("State that contradicts the log is refused")
    func state() {
        var log = MemoryLog()
        log.append([Entry(term: Term(3), index: LogIndex(1))])
        for (hard, applied) in [
            (HardState(term: Term(3), commit: LogIndex(2)), LogIndex.zero),
            (HardState(term: Term(2)), .zero), (HardState(term: Term(3)), LogIndex(2)),
        ] {
            #expect(throws: RaftError.self) {
                try RaftNode(
                    settings: RaftSettings(id: ReplicaID(1), seed: 1),
                    hardState: hard,
                    configuration: VoterConfiguration(voters: [ReplicaID(1)]),
                    applied: applied,
                    log: log
                )
            }
        }
    }

    @Test("Messages hold as many entries as fit, but at least one")
    func messageSize() throws {
        var group = try TestGroup(2) { $0.maxMessageBytes = 3 * (Entry.overheadBytes + 10) }
        group.elect(1)
        group.passes = { _ in false }
        _ = try group[1].propose([[UInt8](repeating: 1, count: 10_000)])
        for _ in 0..<7 { _ = try group[1].propose([[UInt8](repeating: 1, count: 10)]) }
        group.settle()
        group.heal()
        group[1].report(.unreachable(ReplicaID(2)))
        group.tick(1)
        var sizes: [Int] = []
        group.passes = { _ in true }
        for _ in 0..<20 {
            group.work(1)
            group.work(2)
            let sent = group.network
            group.network = []
            for message in sent {
                if message.kind == .append, !message.entries.isEmpty {
                    sizes.append(message.entries.count)
                }
                group.hand(message)
            }
        }
        #expect(sizes == [1, 3, 3, 1])
        #expect(group.terms(2).count == 9)
    }

    @Test("Applying waits while too much is handed out, and nothing is handed out twice")
    func applyingSize() throws {
        let size = Entry.overheadBytes + 100
        var group = try TestGroup(1) { $0.maxApplyingBytes = 3 * size }
        group.elect(1)
        _ = try group[1].propose(Array(repeating: [UInt8](repeating: 0, count: 100), count: 8))
        var tasks: [ApplyTask] = []
        func turn() {
            while group[1].hasReady {
                let ready = group[1].takeReady()
                if let task = ready.append {
                    group[1].reader.write(task)
                    group[1].appended(task.acknowledgement)
                }
                if let task = ready.apply { tasks.append(task) }
            }
        }
        turn()
        #expect(tasks.map(\.entries.count) == [3])
        // Reported in two parts.
        let first = tasks[0].entries
        group[1].applied(upTo: first[0].index, bytes: 100)
        turn()
        group[1].applied(upTo: first[2].index, bytes: 200)
        turn()
        for _ in 0..<10 {
            guard let last = tasks.last, last.entries.last!.index > group[1].appliedIndex else {
                break
            }
            group[1].applied(upTo: last.entries.last!.index, bytes: last.bytes)
            turn()
        }
        let indexes = tasks.flatMap { $0.entries.map(\.index.raw) }
        #expect(indexes == Array(2...9))
        #expect(group[1].appliedIndex == LogIndex(9))
    }

    @Test("More reads than may wait are dropped at once")
    func reads() throws {
        var group = try TestGroup(3) { $0.maxPendingReads = 2 }
        group.elect(1)
        for token in 1...3 as ClosedRange<UInt64> { group[1].readIndex(token: token) }
        #expect(group[1].takeReady().droppedReads == [3])
    }

    @Test("A copy of a replica is a replica of its own")
    func copies() throws {
        var group = try TestGroup(1)
        group.elect(1)
        var copy = group[1]
        _ = try copy.propose([[1]])
        copy.reader.append([Entry(term: Term(1), index: LogIndex(2))])
        #expect(copy.last.index == LogIndex(2) && group[1].last.index == LogIndex(1))
        #expect(group[1].reader.lastIndex == LogIndex(1))
        let clone = group[1].clone(log: MemoryLog())
        #expect(clone.term == group[1].term && clone.reader.lastIndex == .zero)
    }
}
