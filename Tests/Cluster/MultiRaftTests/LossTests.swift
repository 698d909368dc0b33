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

    @Test("Any one record but a key's can be given up, and every partition goes on")
    func anyRecord() async throws {
        let (first, _, _) = try await prepared()
        var places: [(PartitionID, UInt64)] = []
        for partition in try MessageLog<MemoryKeyValueStore>.partitions(in: first.log) {
            // A lost key is lost: what was to be sealed with it waits for it (Reliability).
            guard partition != .keys else { continue }
            let last = try first.recovery().recover(partition).log.lastIndex.raw
            places += (1..<last).map { (partition, $0) }
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
