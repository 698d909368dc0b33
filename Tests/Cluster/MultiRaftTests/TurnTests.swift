import Encryption
import Homeserver
import KeyValue
import Keyspace
import MatrixModel
import MessageLog
import MultiRaft
import Partitions
import Primitives
import Projections
import Raft
import Testing

/// One host's turns over one partition, with the disk and the clock in the test's hand.
struct TurnWorld {
    typealias Keys = KeyDirectory<MemoryKeyValueStore>
    typealias Turn = HostTurn<MemoryKeyValueStore, MemoryKeyValueStore, Keys>

    static let partition = PartitionID(1)
    let memory = MemoryNode()
    var turn = Turn()
    /// Handed to the disk and not written yet.
    var unwritten: [LogBatch] = []
    var wall: UInt64 = 1_700_000_000_000

    init(voters: [UInt64] = [1]) throws {
        let recovered = try MessageLog.recover(
            Self.partition,
            from: memory.log,
            mark: MarkEntry(
                partition: Self.partition,
                hardState: LogHardState(),
                lastIndex: .zero,
                chain: .zero
            )
        )
        let configuration = VoterConfiguration(voters: voters.map { ReplicaID($0) })
        let raft = try RaftNode(
            settings: RaftSettings(id: ReplicaID(1), seed: 1),
            hardState: nil,
            configuration: configuration,
            applied: .zero,
            log: ReplicaLog(recovered.log, configuration: configuration)
        )
        let signing = try #require(SigningKey(version: "0", seed: [UInt8](repeating: 1, count: 32)))
        let homeserver = Homeserver(
            partition: Self.partition,
            map: PartitionMap(count: 1),
            builder: EventBuilder(server: ServerName(trusted: "test.example"), signingKey: signing),
            reader: RowReader(StateReader(Self.partition, memory.state)),
            keys: Keys(store: memory.state, ring: memory.ring),
            random: RandomStream(seed: [UInt8](repeating: 3, count: 32))
        )
        turn.add(
            PartitionReplica(
                id: Self.partition,
                raft: raft,
                homeserver: homeserver,
                folder: Folder(partition: Self.partition, store: memory.state),
                clock: HybridClock(last: .zero),
                applied: .zero
            )
        )
        if voters == [1] {
            turn.campaign(Self.partition)
            try settle()
        }
    }

    /// One turn; its rows are written, its log batch waits for `sync`.
    mutating func run(_ inputs: [HostInput] = []) throws -> HostOutput {
        wall += 1
        let output = try turn.run(inputs, wallMilliseconds: wall)
        if let log = output.log { unwritten.append(log) }
        if !output.state.isEmpty { try memory.state.write(output.state, sync: false) }
        return output
    }

    /// The disk has what it was given: one turn hears of it.
    mutating func sync() throws -> HostOutput {
        guard let last = unwritten.last else { return try run() }
        for batch in unwritten { try memory.log.write(batch.rows, sync: true) }
        unwritten = []
        return try run([.logSynced(batch: last.id)])
    }

    /// Turns until the disk is owed nothing.
    mutating func settle() throws {
        _ = try run()
        while !unwritten.isEmpty { _ = try sync() }
        _ = try run()
    }

    var records: Int {
        get throws { try memory.log.rows(in: LogFamilies.records).count }
    }

    static func receipt(
        _ user: Int,
        room: String = "!room:test.example",
        token: UInt64
    ) -> HostInput {
        let receipt = Receipt(
            userID: "@user\(user):test.example",
            type: "m.read",
            thread: "",
            eventID: "$event\(token)",
            position: token,
            timestamp: 5
        )
        return .command(
            partition,
            Command(
                id: CommandID(high: 1, low: token),
                answerLifetime: 0,
                action: .setReceipts(roomID: room, receipts: [receipt])
            ),
            token: token
        )
    }
}

extension HostOutput {
    /// Tokens of the commands that are answered as done.
    var answered: [UInt64] {
        answers.compactMap { answer in
            guard case .command(let token, .answered) = answer else { return nil }
            return token
        }
    }

    var unknown: [UInt64] {
        answers.compactMap { answer in
            guard case .command(let token, .outcomeUnknown) = answer else { return nil }
            return token
        }
    }
}

@Suite("A host's turns")
struct TurnTests {
    @Test("Receipts within the window make one record, and are answered after it is durable")
    func receipts() throws {
        var world = try TurnWorld()
        let before = try world.records
        // The first after a pause goes at once: nobody waits for company that may not come.
        #expect(try world.run([TurnWorld.receipt(0, token: 1)]).answered == [])
        #expect(world.unwritten.count == 1)
        #expect(try world.sync().answered == [1])
        #expect(try world.records == before + 1)

        for user in 1...100 {
            let output = try world.run([TurnWorld.receipt(user, token: UInt64(user) + 1)])
            #expect(output.answered.isEmpty && output.log == nil)
        }
        #expect(try world.run([.tick]).log == nil)
        #expect(try world.run([.tick]).log?.entries == 1, "the window is over")
        #expect(try world.run().answered.isEmpty, "not before the disk has it")
        #expect(Set(try world.sync().answered) == Set(2...101))
        #expect(try world.records == before + 2)
    }

    @Test("Of receipts that wait together the furthest counts, whichever came last")
    func slowerDevice() throws {
        var world = try TurnWorld()
        let inputs = [TurnWorld.receipt(1, token: 9), TurnWorld.receipt(1, token: 3)]
        #expect(try world.run(inputs).log?.entries == 1)
        #expect(Set(try world.sync().answered) == [3, 9])
        let log = try MessageLog.recover(TurnWorld.partition, from: world.memory.log, mark: nil).log
        let record = try log.record(at: log.lastIndex)
        let facts = try EntryBody.decode(record.entry.body[...])
        guard case .receiptsSet(let set) = try #require(facts.first) else {
            Issue.record("no receipts")
            return
        }
        #expect(set.receipts.map(\.position) == [9])
    }

    @Test("A burst of receipts in one turn is one record; the last of each user counts")
    func burst() throws {
        var world = try TurnWorld()
        let room = "!other:test.example"
        let inputs =
            (1...50).map { TurnWorld.receipt($0, token: UInt64($0)) }
            + (1...50).map { TurnWorld.receipt($0, token: UInt64($0) + 50) }
            + [TurnWorld.receipt(1, room: room, token: 101)]
        #expect(try world.run(inputs).log?.entries == 1)
        #expect(try world.sync().answered.count == 101)
        let log = try MessageLog.recover(TurnWorld.partition, from: world.memory.log, mark: nil).log
        let record = try log.record(at: log.lastIndex)
        #expect(record.header.retention == .passing)
        let facts = try EntryBody.decode(record.entry.body[...])
        let sets = facts.compactMap { fact -> ReceiptsSet? in
            guard case .receiptsSet(let set) = fact else { return nil }
            return set
        }
        #expect(sets.map(\.receipts.count) == [50, 1] && facts.count == 2)
        #expect(sets[0].receipts.map(\.position) == Array(51...100))
        #expect(sets[1].roomID == room)
    }

    @Test("Receipts that wait are not lost quietly when the lead is")
    func receiptsOfAFormerLeader() throws {
        var world = try TurnWorld(voters: [1, 2, 3])
        try world.lead()
        _ = try world.run([TurnWorld.receipt(1, token: 1)])
        _ = try world.run([TurnWorld.receipt(2, token: 2)])
        let term = try #require(world.replica?.raft.term)
        var heartbeat = Message(
            .heartbeat,
            from: ReplicaID(2),
            to: ReplicaID(1),
            term: Term(term.raw + 1)
        )
        heartbeat.commit = .zero
        let output = try world.run([.message(TurnWorld.partition, heartbeat)])
        #expect(output.unknown == [1], "its entry may or may not be committed")
        let refused = output.answers.contains { answer in
            guard case .command(2, .unavailable) = answer else { return false }
            return true
        }
        #expect(refused, "nothing happened to the other")
    }

    @Test("A vote leaves only once the disk has it")
    func voteAfterSync() throws {
        var world = try TurnWorld(voters: [1, 2, 3])
        var ask = Message(.vote, from: ReplicaID(2), to: ReplicaID(1), term: Term(5))
        ask.logTerm = .zero
        let asked = try world.run([.message(TurnWorld.partition, ask)])
        #expect(asked.log?.mustSync == true)
        #expect(!asked.messages.contains { $0.1.kind == .voteResponse })
        let synced = try world.sync()
        let votes = synced.messages.filter { $0.1.kind == .voteResponse }
        #expect(votes.count == 1)
        #expect(votes.first?.1.to == ReplicaID(2) && votes.first?.1.rejects == false)
    }

    @Test("Losing the lead and winning it again within one turn is seen")
    func leaderAgain() throws {
        var world = try TurnWorld(voters: [1, 2, 3])
        try world.lead()
        let replica = try #require(world.replica)
        #expect(replica.isReady)
        _ = try world.run([TurnWorld.receipt(1, token: 1)])
        let term = replica.raft.term.raw
        var inputs: [HostInput] = []
        func step(_ message: Message) { inputs.append(.message(TurnWorld.partition, message)) }
        step(Message(.heartbeat, from: ReplicaID(2), to: ReplicaID(1), term: Term(term + 1)))
        step(Message(.timeoutNow, from: ReplicaID(2), to: ReplicaID(1), term: Term(term + 1)))
        for peer in [2, 3] as [UInt64] {
            step(
                Message(
                    .voteResponse,
                    from: ReplicaID(peer),
                    to: ReplicaID(1),
                    term: Term(term + 2)
                )
            )
        }
        // In the same turn: it must not be decided on what the old term left.
        inputs.append(TurnWorld.receipt(2, token: 2))
        let output = try world.run(inputs)
        let after = try #require(world.replica)
        #expect(after.raft.isLeader && after.raft.term == Term(term + 2), "the scene is set")
        #expect(output.unknown == [1], "what was under way in the old term is unknown")
        #expect(!after.isReady, "the new term's first entry is not applied")
        let refused = output.answers.contains { answer in
            guard case .command(2, .unavailable) = answer else { return false }
            return true
        }
        #expect(refused)
    }
}

extension TurnWorld {
    /// A copy, to look at.
    var replica: Turn.Replica? {
        var turn = turn
        return turn.with(Self.partition) { $0 }
    }

    /// Wins an election against two peers that agree to everything.
    mutating func lead() throws {
        turn.campaign(Self.partition)
        var output = try run()
        for _ in 0..<20 where replica?.isReady != true {
            var inputs: [HostInput] = []
            for (partition, message) in output.messages {
                if let answer = Self.agreed(message) { inputs.append(.message(partition, answer)) }
            }
            if let last = unwritten.last {
                for batch in unwritten { try memory.log.write(batch.rows, sync: true) }
                unwritten = []
                inputs.append(.logSynced(batch: last.id))
            }
            output = try run(inputs)
        }
        #expect(replica?.isReady == true)
    }

    private static func agreed(_ message: Message) -> Message? {
        let kind: MessageKind
        switch message.kind {
        case .preVote: kind = .preVoteResponse
        case .vote: kind = .voteResponse
        case .append: kind = .appendResponse
        default: return nil
        }
        var answer = Message(kind, from: message.to, to: message.from, term: message.term)
        if message.kind == .append { answer.index = message.entries.last?.index ?? message.index }
        return answer
    }
}
