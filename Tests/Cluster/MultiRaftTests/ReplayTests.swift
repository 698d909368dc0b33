import Homeserver
import KeyValue
import Keyspace
import Partitions
import Primitives
import Projections
import Testing

import MultiRaft

/// What a start folds again lies in memory for one pass before it lies in rows: nothing may be
/// decided in between.
@Suite("Starting on rows that are behind the log")
struct ReplayTests {
    @Test("No key is given out twice")
    func keysOnce() async throws {
        let memory = MemoryNode()
        var node = try memory.start(partitions: 1)
        var keys: [UInt64] = [try await node.createAccount("@alice:test.example").keyID]
        try node.flush()
        for number in 0..<3 { keys += try await used(node, "before\(number)") }
        node.stop()
        memory.crash()
        node = try memory.start(partitions: 1)
        defer { node.stop() }
        for number in 0..<3 { keys += try await used(node, "after\(number)") }
        #expect(keys.count == 13)
        #expect(Set(keys).count == keys.count, "\(keys)")
    }

    /// The keys of a new account and a new room.
    private func used(_ node: Node<MemoryKeyValueStore>, _ name: String) async throws -> [UInt64] {
        let member = try await node.createAccount("@\(name):test.example")
        let room = try await node.createRoom(by: member)
        let row = try #require(try node.view().reader(node.map.partition(of: room)).room(room))
        return [member.keyID, row.keyID]
    }

    @Test("No message between partitions is folded twice", arguments: [1, 4])
    func messagesOnce(partitions: Int) async throws {
        let memory = MemoryNode()
        var node = try memory.start(partitions: partitions)
        let alice = try await node.createAccount("@alice:test.example")
        try node.flush()
        for _ in 0..<5 { _ = try await node.createRoom(by: alice) }
        let all = node.map.all + [.keys]
        try await node.readBarrier(all)
        let before = all.map { node.applied($0) }
        node.stop()
        memory.crash()
        node = try memory.start(partitions: partitions)
        defer { node.stop() }
        try await node.readBarrier(all)
        // Only the first entry of the new term came on top.
        #expect(all.map { node.applied($0) } == before.map(\.next))
    }

    @Test("A replay in many passes gives the same rows")
    func manyPasses() async throws {
        let memory = MemoryNode()
        var node = try memory.start()
        let alice = try await node.createAccount("@alice:test.example")
        let room = try await node.createRoom(by: alice)
        for number in 0..<200 { _ = await node.send("message \(number)", by: alice, in: room) }
        let before = try node.timeline(of: room)
        node.stop()
        memory.crash()
        var host = HostSettings()
        host.passRowBytes = 1
        node = try memory.start(host: host)
        defer { node.stop() }
        #expect(try node.timeline(of: room) == before)
        #expect(before.count == 203)
    }
}
