import Homeserver
import KeyValue
import Keyspace
import MessageLog
import Partitions
import Primitives
import Projections
import Testing

import MultiRaft

@Suite("A node whose log lost records")
struct LossTests {
    /// A stopped node after a conversation, and its room.
    private func prepared() async throws -> (MemoryNode, Member, String) {
        let memory = MemoryNode()
        let node = try memory.start()
        let alice = try await node.createAccount("@alice:test.example")
        let room = try await node.createRoom(by: alice)
        for number in 0..<3 { _ = await node.send("message \(number)", by: alice, in: room) }
        node.stop()
        return (memory, alice, room)
    }

    private func key(_ partition: PartitionID, _ index: UInt64) -> [UInt8] {
        var writer = ByteWriter()
        writer.u16(partition.raw)
        writer.u64(index)
        return writer.bytes
    }

    private func damage(_ memory: MemoryNode, _ partition: PartitionID, _ index: UInt64) throws {
        var batch = WriteBatch()
        batch.put(key(partition, index), [0xFF], in: LogFamilies.records)
        try memory.log.write(batch, sync: true)
    }

    /// Takes records away, as a disk does that lost its newest writes.
    private func remove(
        _ indexes: ClosedRange<UInt64>,
        of partition: PartitionID,
        from memory: MemoryNode
    ) throws {
        var batch = WriteBatch()
        for index in indexes {
            for family in [LogFamilies.records, LogFamilies.passing] {
                batch.delete(key(partition, index), in: family)
            }
        }
        try memory.log.write(batch, sync: true)
    }

    /// The index of the first record with a fact that `isWanted`.
    private func record(
        of partition: PartitionID,
        in memory: MemoryNode,
        where isWanted: (Fact) -> Bool
    ) throws -> UInt64 {
        let log = try MessageLog.recover(partition, from: memory.log, mark: nil).log
        var index = log.firstIndex
        while index <= log.lastIndex {
            let body = try log.record(at: index).entry.body
            if !body.isEmpty, try EntryBody.decode(body[...]).contains(where: isWanted) {
                return index.raw
            }
            index = index.next
        }
        throw NodeError.stopped
    }

    @discardableResult
    private func giveUp(_ memory: MemoryNode, _ partition: PartitionID) throws -> LogExamination {
        let recovery = memory.recovery()
        let found = try recovery.examine(partition)
        var log = try recovery.recover(partition).log
        try log.giveUp(
            found,
            promised: recovery.mark?.expectation(for: partition),
            wallMilliseconds: 2_000_000_000_000
        ) { try memory.log.write($0, sync: true) }
        memory.mark.keep([log.markEntry])
        return found
    }

    /// An account in every partition with a room in every partition: keys, log and the way from
    /// each partition to each still work.
    private func goesOn(_ node: Node<MemoryKeyValueStore>, _ story: String) async throws {
        var accounts: Set<PartitionID> = []
        var number = 0
        while accounts.count < node.map.count {
            number += 1
            let name = "@new\(number):test.example"
            let partition = node.map.partition(of: name)
            guard accounts.insert(partition).inserted else { continue }
            let member = try await node.createAccount(name)
            var rooms: Set<PartitionID> = []
            while rooms.count < node.map.count {
                let room = try await node.createRoom(by: member)
                rooms.insert(node.map.partition(of: room))
                guard case .answered = await node.send("after", by: member, in: room) else {
                    Issue.record("\(story): a new room takes no message")
                    return
                }
                let row = try node.view().reader(partition).membership(name, room)
                guard row?.membership == "join" else {
                    Issue.record("\(story): a room does not reach its creator's account")
                    return
                }
            }
        }
    }

    @Test("Any one record but the server's keys can be given up, and every partition goes on")
    func anyRecord() async throws {
        let (first, _, _) = try await prepared()
        var places: [(PartitionID, UInt64)] = []
        for partition in try MessageLog<MemoryKeyValueStore>.partitions(in: first.log) {
            let last = try first.recovery().recover(partition).log.lastIndex.raw
            places += (1..<last).map { (partition, $0) }
        }
        let serverKeys = try record(of: .keys, in: first) {
            if case .keysCreated(let fact) = $0 { fact.first == 1 } else { false }
        }
        places.removeAll { $0 == .keys && $1 == serverKeys }
        for partition in PartitionMap(count: 4).all {
            #expect(places.contains { $0.0 == partition }, "partition \(partition) has no records")
        }
        #expect(places.count > 8)
        for (partition, index) in places {
            let memory = try MemoryNode(copyingLogOf: first)
            let story = "record \(index) of partition \(partition)"
            try damage(memory, partition, index)
            #expect(throws: NodeError.self, "\(story)") { _ = try memory.start() }
            let found = try giveUp(memory, partition)
            #expect(found.losses.map(\.first) == [LogIndex(index)], "\(story)")
            let node = try memory.start()
            try await goesOn(node, story)
            node.stop()
        }
    }

    @Test("A message that needs a lost key is dropped, and those behind it arrive")
    func lostRoomKey() async throws {
        let memory = MemoryNode()
        var node = try memory.start()
        let alice = try await node.createAccount("@alice:test.example")
        var room = try await node.createRoom(by: alice)
        while node.map.partition(of: room) == node.map.partition(of: alice.userID) {
            room = try await node.createRoom(by: alice)
        }
        let partition = node.map.partition(of: room)
        let keyID = try node.roomKey(room)
        node.stop()
        let lost = try record(of: .keys, in: memory) {
            guard case .keysCreated(let fact) = $0 else { return false }
            return fact.partition == partition.raw && fact.first <= keyID
        }
        let after = try MemoryNode(copyingLogOf: memory)
        try damage(after, .keys, lost)
        try giveUp(after, .keys)
        node = try after.start()
        defer { node.stop() }
        guard case .lost = node.key(keyID) else {
            Issue.record("the key is not told as lost")
            return
        }
        let sent = await node.send("no", by: alice, in: room)
        if case .rejected = sent {} else { Issue.record("a room without its key: \(sent)") }
        /// What tells every room of hers: among them the one without its key.
        func rename(_ name: String) async {
            let set = SetProfile(userID: alice.userID, displayName: name, avatarURL: nil)
            let outcome = await node.run(
                .setProfile(set),
                in: node.map.partition(of: alice.userID)
            )
            guard case .answered = outcome else {
                Issue.record("no new name: \(outcome)")
                return
            }
        }
        await rename("Alice")
        var later = try await node.createRoom(by: alice)
        while node.map.partition(of: later) != partition {
            later = try await node.createRoom(by: alice)
        }
        await rename("Alicia")
        #expect(try node.timeline(of: later).count == 4, "her name did not reach the new room")
    }

    @Test("Key IDs that a lost end gave out are not given out again")
    func keysOfLostEnd() async throws {
        let memory = MemoryNode()
        let node = try memory.start()
        let partition = node.map.partition(of: "@alice:test.example")
        var used: Set<UInt64> = []
        for name in ["alice"] + (0..<40).map({ "other\($0)" }) {
            let user = "@\(name):test.example"
            guard node.map.partition(of: user) == partition else { continue }
            used.insert(try await node.createAccount(user).keyID)
        }
        #expect(used.count > 5)
        node.stop()
        let last = try memory.recovery().recover(partition).log.lastIndex.raw
        for first in 1...last {
            let after = try MemoryNode(copyingLogOf: memory)
            try remove(first...last, of: partition, from: after)
            try giveUp(after, partition)
            let node = try after.start()
            var number = 0
            var found = 0
            while found < 2 {
                number += 1
                let user = "@new\(number):test.example"
                guard node.map.partition(of: user) == partition else { continue }
                let member = try await node.createAccount(user)
                #expect(used.contains(member.keyID) == false, "lost from record \(first) on")
                found += 1
            }
            node.stop()
        }
    }

    @Test("No key is overwritten where the record that began the key log was lost")
    func lostKeyLogBeginning() async throws {
        var world = KeyWorld()
        let (node, erasure) = try world.start()
        let alice = try await node.createAccount("@alice:test.example")
        await node.destroy([try node.roomKey(try await node.createRoom(by: alice))])
        _ = try erasure.finish()
        let ids = [1, 2, 3, alice.keyID]
        let secrets = try ids.map(node.secret)
        let reader = node.view().reader(.keys)
        let allocated = try reader.counter(reader.keys.keyAllocation)
        let begun = try node.keyErasure().begunAt
        node.stop()
        #expect(try world.memory.recovery().recover(.keys).log.firstIndex == begun)
        let ring = world.ring.state.current
        world.memory = try MemoryNode(copyingLogOf: world.memory)
        try damage(world.memory, .keys, begun.raw)
        let found = try giveUp(world.memory, .keys)
        #expect(found.losses.map(\.first) == [begun])
        let again = try world.memory.start(ring: ring)
        defer { again.stop() }
        #expect(try ids.map(again.secret) == secrets)
        guard
            case .answered(.text(let first), _) = await again.run(
                .createKeys(partition: .keys, count: 64),
                in: .keys
            )
        else {
            Issue.record("no key was made")
            return
        }
        #expect(try #require(UInt64(first)) >= allocated)
        #expect(try ids.map(again.secret) == secrets)
        try await goesOn(again, "the beginning of the key log")
        #expect(try ids.map(again.secret) == secrets)
    }

    @Test("Messages get the same numbers whether or not a loss before the key log was folded")
    func outboxFloorOfNewKeyLog() throws {
        let begun = KeyLogBegun(
            epoch: 2,
            destroyedUnder: 1,
            nextKeyID: 100,
            numbers: [KeyLogBegun.LastNumber(target: 1, last: 3)],
            waiting: []
        )
        func sequences(afterLoss: Bool) throws -> [UInt64] {
            let store = MemoryKeyValueStore(families: [.state])
            var folder = Folder(partition: .keys, store: store)
            func fold(_ facts: [Fact], at index: UInt64, isLoss: Bool = false) throws {
                try folder.fold(
                    facts,
                    at: LogIndex(index),
                    term: Term(1),
                    clock: .zero,
                    acceptsLoss: isLoss
                )
            }
            if afterLoss { try fold([], at: 5, isLoss: true) }
            try fold([.keyLogBegun(begun)], at: 9)
            try fold([.outboxQueued(OutboxQueued(target: 1, message: [1]))], at: 10)
            return folder.changes.compactMap { change in
                if case .outbox(_, let sequence, _) = change { sequence } else { nil }
            }
        }
        let folded = try sequences(afterLoss: true)
        #expect(folded.count == 1)
        #expect(try sequences(afterLoss: false) == folded)
    }

    @Test("A hole whose rows are there stops nothing, and is told")
    func foldedHole() async throws {
        let (memory, alice, room) = try await prepared()
        let node = try memory.start()
        let partition = node.map.partition(of: room)
        try node.flush()
        let applied = node.applied(partition)
        node.stop()
        try damage(memory, partition, applied.raw - 2)
        let again = memory.node()
        let findings = try again.start(mark: memory.mark.found) { _ in }
        #expect(findings.map(\.partition) == [partition])
        #expect(try again.timeline(of: room).count == 6)
        guard case .answered = await again.send("on", by: alice, in: room) else {
            Issue.record("the room takes no message")
            return
        }
        again.stop()
    }

    @Test("A start that refuses its logs writes nothing")
    func refusal() async throws {
        var (memory, _, room) = try await prepared()
        memory.loseRows()
        let partition = PartitionMap(count: 4).partition(of: room)
        let last = try memory.recovery().recover(partition).log.lastIndex
        var batch = WriteBatch()
        batch.delete(key(partition, last.raw), in: LogFamilies.records)
        try memory.log.write(batch, sync: true)
        let before = memory.mark.found
        for _ in 0..<2 {
            let node = memory.node()
            #expect(throws: NodeError.self) {
                _ = try node.start(
                    mark: memory.mark.found,
                    willBegin: { Issue.record("it began") },
                    progress: { _ in }
                )
            }
        }
        #expect(memory.mark.found == before)
    }
}
