import Encryption
import Homeserver
import KeyValue
import Keyspace
import MatrixModel
import MatrixRules
import MessageLog
import Partitions
import Primitives
import Projections
import Synchronization
import Testing

import MultiRaft

/// The two files of a key ring, as `KeyRingFile` changes them.
final class RingOnDisk: Sendable {
    struct Files: Sendable {
        var current: KeyRing
        var previous: KeyRing?
        /// The power goes between the two files of the next drop.
        var stopsBetweenFiles = false
        var epochsBegun = 0
    }
    struct PowerCut: Error {}

    private let files: Mutex<Files>

    init(_ ring: KeyRing) { files = Mutex(Files(current: ring)) }

    var state: Files { files.withLock { $0 } }
    func stopBetweenFiles() { files.withLock { $0.stopsBetweenFiles = true } }

    func begin() -> KeyRing {
        files.withLock { files in
            files.previous = files.current
            files.current = files.current.rotating(.wrap, milliseconds: 5, random: randomBytes)
            files.epochsBegun += 1
            return files.current
        }
    }

    func drop(before epoch: UInt32) throws -> KeyRing {
        try files.withLock { files in
            let next = try files.current.dropping(.wrap, before: epoch)
            files.previous = files.current
            files.current = next
            if files.stopsBetweenFiles {
                files.stopsBetweenFiles = false
                throw PowerCut()
            }
            files.previous = next
            return next
        }
    }
}

private func randomBytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8.random(in: 0...255) }
}

/// A node whose keys are destroyed, and whoever has everything that it leaves behind.
struct KeyWorld {
    var memory = MemoryNode()
    let ring: RingOnDisk

    init() { ring = RingOnDisk(memory.ring) }

    typealias Started = (
        node: Node<MemoryKeyValueStore>, erasure: KeyErasure<MemoryKeyValueStore>
    )

    func start() throws -> Started {
        let node = try memory.start(ring: ring.state.current)
        let erasure = KeyErasure(
            node,
            ring: KeyErasure.RingChanges(
                beginEpoch: { [ring] in ring.begin() },
                dropBefore: { [ring] in try ring.drop(before: $0) }
            ),
            failed: { Issue.record("not erased: \($0)") }
        )
        return (node, erasure)
    }

    /// The power goes: what was not synced, or flushed, is lost.
    func crash() {
        memory.log.crash()
        memory.state.crash()
        memory.log.reopen()
        memory.state.reopen()
    }

    /// The copies of key `id` that open with any wrapping key of either file: in any row of either
    /// store, at any place in it.
    func copies(of id: UInt64) throws -> [SecretKey] {
        let files = ring.state
        var wrappers: [UInt32: SecretKey] = [:]
        for held in [files.current, files.previous].compactMap({ $0 }) {
            for epoch in held.epochs(of: .wrap) {
                wrappers[epoch] = try held.key(.wrap, epoch: epoch)
            }
        }
        var found: [SecretKey] = []
        func look(_ bytes: [UInt8]) {
            // 30 bytes of header, 32 of key, 16 of tag.
            guard bytes.count >= 78 else { return }
            for start in 0...bytes.count - 78 where bytes[start] == 1 {
                let piece = bytes[start..<start + 78]
                guard let header = try? WrappedHeader(of: piece), header.id == KeyID(id),
                    let wrapper = wrappers[header.wrapEpoch],
                    let secret = try? KeyWrap.unwrap(piece, as: header, with: wrapper)
                else { continue }
                found.append(secret)
            }
        }
        for family in LogFamilies.all {
            for row in try memory.log.rows(in: family) { look(row.value) }
        }
        for row in try memory.state.rows(in: .state) { look(row.value) }
        return found
    }

    /// Every row of the key partition, with its position and clock.
    func keyRows() throws -> [[UInt8]: [UInt8]] { try Self.keyRows(of: memory.state) }

    /// The same, folded from what the log holds.
    func foldedKeyRows() throws -> [[UInt8]: [UInt8]] {
        let log = try MessageLog.recover(.keys, from: memory.log, mark: nil).log
        let store = MemoryKeyValueStore(families: [.state])
        var folder = Folder(partition: .keys, store: store)
        var index = log.firstIndex
        while index <= log.lastIndex {
            let entry = try log.record(at: index).entry
            let facts = entry.body.isEmpty ? [] : try EntryBody.decode(entry.body[...])
            let clock = facts.isEmpty ? folder.applied?.clock ?? .zero : entry.clock
            try folder.fold(facts, at: index, term: entry.term, clock: clock)
            index = index.next
        }
        try store.write(folder.takeBatch().0, sync: true)
        return try Self.keyRows(of: store)
    }

    private static func keyRows(of store: MemoryKeyValueStore) throws -> [[UInt8]: [UInt8]] {
        var rows: [[UInt8]: [UInt8]] = [:]
        for (key, value) in try store.rows(in: .state) where key[1...2] == [0xFF, 0xFF] {
            rows[key] = value
        }
        return rows
    }
}

extension KeyErasure {
    func finish() throws -> [Step] {
        var steps: [Step] = []
        while steps.last != .nothing { steps.append(try step()) }
        return steps
    }
}

extension Node where Store == MemoryKeyValueStore {
    func roomKey(_ room: String) throws -> UInt64 {
        let reader = view().reader(map.partition(of: room))
        return try #require(try reader.room(room)).keyID
    }

    func destroy(_ ids: [UInt64]) async {
        guard case .answered = await run(.destroyKeys(ids), in: .keys) else {
            Issue.record("keys were not destroyed")
            return
        }
    }

    func secret(_ id: UInt64) throws -> [UInt8] {
        guard case .found(let secret) = key(id) else {
            throw NodeError.noServerKeys
        }
        return secret.exposedBytes
    }
}

@Suite("Destroyed keys")
struct KeyErasureTests {
    /// Steps of one round: an epoch, the log begun, 272 keys in three parts, trim, rewrite, drop.
    static let stepsMax = 10

    private func isDestroyed(
        _ id: UInt64,
        on node: Node<MemoryKeyValueStore>,
        in world: KeyWorld
    ) throws -> Bool {
        guard case .destroyed = node.key(id) else { return false }
        return try world.copies(of: id).isEmpty
    }

    @Test("Several destroyed at once share one round; the others still open")
    func oneRound() async throws {
        let world = KeyWorld()
        let (node, erasure) = try world.start()
        defer { node.stop() }
        let alice = try await node.createAccount("@alice:test.example")
        let gone = try await [node.createRoom(by: alice), node.createRoom(by: alice)]
        let kept = try await node.createRoom(by: alice)
        let ids = try gone.map(node.roomKey)
        let keptID = try node.roomKey(kept)
        let secrets = try [1, 2, 3, keptID, alice.keyID].map(node.secret)
        #expect(try erasure.finish() == [.nothing], "there is nothing to do yet")
        // Whoever has the disk, the key ring and the root key reads a key that lives.
        for id in ids + [keptID] { #expect(try world.copies(of: id).count >= 2) }

        await node.destroy(ids)
        for id in ids {
            guard case .destroyed = node.key(id) else {
                Issue.record("key \(id) is not gone")
                return
            }
            #expect(try !world.copies(of: id).isEmpty, "the log should still have it")
        }
        #expect(try !erasure.isFinal())
        let steps = try erasure.finish()
        #expect(steps.filter { if case .epochBegun = $0 { true } else { false } }.count == 1)
        #expect(try erasure.isFinal())
        for id in ids { #expect(try isDestroyed(id, on: node, in: world)) }
        #expect(world.ring.state.current.epochs(of: .wrap) == [2])
        #expect(world.ring.state.previous?.epochs(of: .wrap) == [2])
        #expect(try [1, 2, 3, keptID, alice.keyID].map(node.secret) == secrets)
        #expect(try !world.copies(of: keptID).isEmpty)
        guard case .answered = await node.send("still", by: alice, in: kept) else {
            Issue.record("the other room is dead")
            return
        }
    }

    @Test("The trimmed log verifies, also against the mark")
    func verifies() async throws {
        let world = KeyWorld()
        let (node, erasure) = try world.start()
        let alice = try await node.createAccount("@alice:test.example")
        await node.destroy([try node.roomKey(try await node.createRoom(by: alice))])
        _ = try erasure.finish()
        let mark = try #require(world.memory.mark.found)
        node.stop()
        let found = try MessageLog.recover(
            .keys,
            from: world.memory.log,
            mark: mark.expectation(for: .keys)
        )
        #expect(found.verdict == .clean)
        #expect(found.log.firstIndex > LogIndex(1), "nothing was trimmed")
        let report = try found.log.verify()
        #expect(report.holes.isEmpty)
        #expect(report.intact == Int(found.log.lastIndex.raw - found.log.base.index.raw))
    }

    @Test("What is left of the log gives every row again")
    func replay() async throws {
        let world = KeyWorld()
        let (node, erasure) = try world.start()
        let alice = try await node.createAccount("@alice:test.example")
        let gone = try node.roomKey(try await node.createRoom(by: alice))
        await node.destroy([gone])
        _ = try erasure.finish()
        // One more, so that what follows the restatement is folded too.
        let later = try node.roomKey(try await node.createRoom(by: alice))
        await node.destroy([later])
        let secret = try node.secret(alice.keyID)
        let reader = node.view().reader(.keys)
        let allocated = try reader.counter(reader.keys.keyAllocation)
        node.stop()
        let rows = try world.keyRows()
        let folded = try world.foldedKeyRows()
        #expect(rows.count > 270)
        let missing = rows.keys.count { folded[$0] != rows[$0] }
        #expect(missing == 0 && folded.count == rows.count)

        var again = world
        again.memory = MemoryNode(log: world.memory.log)
        let rebuilt = try again.memory.start(
            ring: world.ring.state.current,
            mark: world.memory.mark.found
        )
        defer { rebuilt.stop() }
        #expect(try rebuilt.secret(alice.keyID) == secret)
        for id in [gone, later] {
            guard case .destroyed = rebuilt.key(id) else {
                Issue.record("key \(id) came back")
                continue
            }
        }
        // Key IDs go on where they were, on both sides.
        let next = try await rebuilt.createAccount("@carol:test.example")
        #expect(![alice.keyID, gone, later].contains(next.keyID))
        guard
            case .answered(.text(let first), _) = await rebuilt.run(
                .createKeys(partition: .keys, count: 1),
                in: .keys
            )
        else {
            Issue.record("no key was made")
            return
        }
        #expect(try #require(UInt64(first)) >= allocated)
    }

    @Test("A crash after any step costs nothing but that step", arguments: 0...stepsMax)
    func crashes(after steps: Int) async throws {
        let world = KeyWorld()
        var (node, erasure) = try world.start()
        let alice = try await node.createAccount("@alice:test.example")
        let gone = try node.roomKey(try await node.createRoom(by: alice))
        let secret = try node.secret(alice.keyID)
        await node.destroy([gone])
        for _ in 0..<steps { _ = try erasure.step() }
        node.stop()
        world.crash()
        (node, erasure) = try world.start()
        defer { node.stop() }
        _ = try erasure.finish()
        #expect(try isDestroyed(gone, on: node, in: world))
        #expect(try node.secret(alice.keyID) == secret)
        #expect(world.ring.state.epochsBegun == 1, "a round that was begun is continued")
        let room = try await node.createRoom(by: alice)
        guard case .answered = await node.send("hello", by: alice, in: room) else {
            Issue.record("no room can be made")
            return
        }
    }

    @Test("A power cut between the key ring's two files is made up for at the next start")
    func betweenFiles() async throws {
        let world = KeyWorld()
        var (node, erasure) = try world.start()
        let alice = try await node.createAccount("@alice:test.example")
        let gone = try node.roomKey(try await node.createRoom(by: alice))
        await node.destroy([gone])
        world.ring.stopBetweenFiles()
        #expect(throws: RingOnDisk.PowerCut.self) { try erasure.finish() }
        #expect(world.ring.state.previous?.epochs(of: .wrap) == [1, 2])
        node.stop()
        world.crash()
        (node, erasure) = try world.start()
        defer { node.stop() }
        #expect(try !erasure.isFinal(), "the second file still has the old epoch")
        _ = try erasure.finish()
        #expect(try erasure.isFinal())
        #expect(world.ring.state.previous?.epochs(of: .wrap) == [2])
        #expect(try isDestroyed(gone, on: node, in: world))
    }

    @Test("What is destroyed during a round is unrecoverable too", arguments: 0...stepsMax)
    func during(after steps: Int) async throws {
        let world = KeyWorld()
        let (node, erasure) = try world.start()
        defer { node.stop() }
        let alice = try await node.createAccount("@alice:test.example")
        let first = try node.roomKey(try await node.createRoom(by: alice))
        await node.destroy([first])
        for _ in 0..<steps { _ = try erasure.step() }
        // Made while the round is under way, so under the new epoch, or from the old block.
        let second = try node.roomKey(try await node.createRoom(by: alice))
        guard
            case .answered(.text(let text), _) = await node.run(
                .createKeys(partition: .keys, count: 1),
                in: .keys
            ), let third = UInt64(text)
        else {
            Issue.record("no key was made")
            return
        }
        await node.destroy([second, third])
        _ = try erasure.finish()
        for id in [first, second, third] {
            #expect(try isDestroyed(id, on: node, in: world), "key \(id)")
        }
        #expect(try erasure.isFinal())
        _ = try node.secret(alice.keyID)
    }

    @Test("A key that does not open stops the round before anything is given up")
    func unreadable() async throws {
        let world = KeyWorld()
        let (node, erasure) = try world.start()
        defer { node.stop() }
        let alice = try await node.createAccount("@alice:test.example")
        let gone = try node.roomKey(try await node.createRoom(by: alice))
        let key = StateKeys(.keys).wrappedKey(alice.keyID)
        var wrapped = try #require(try world.memory.state.get(key, in: .state))
        wrapped[wrapped.count - 1] ^= 1
        var batch = WriteBatch()
        batch.put(key, wrapped, in: .state)
        try world.memory.state.write(batch, sync: false)
        await node.destroy([gone])
        #expect(throws: KeyErasureError.self) { try erasure.finish() }
        #expect(world.ring.state.current.epochs(of: .wrap) == [1, 2])
        #expect(try !world.copies(of: alice.keyID).isEmpty, "the log's copy must stay")
    }

    @Test("A log that cannot be trimmed where it should begin stops the round, not the node")
    func untrimmable() async throws {
        let world = KeyWorld()
        let (node, erasure) = try world.start()
        defer { node.stop() }
        let alice = try await node.createAccount("@alice:test.example")
        await node.destroy([try node.roomKey(try await node.createRoom(by: alice))])
        while true {
            if case .restated = try erasure.step(), try node.keyErasure().isComplete { break }
        }
        let before = try node.keyErasure().begunAt.previous
        node.stop()
        var writer = ByteWriter()
        writer.u16(PartitionID.keys.raw)
        writer.u64(before.raw)
        var batch = WriteBatch()
        batch.put(writer.bytes, [0xFF], in: LogFamilies.records)
        try world.memory.log.write(batch, sync: true)
        let again = world.memory.node(ring: world.ring.state.current)
        _ = try again.start(mark: world.memory.mark.found) { _ in }
        defer { again.stop() }
        let continued = KeyErasure(
            again,
            ring: KeyErasure.RingChanges(
                beginEpoch: { world.ring.begin() },
                dropBefore: { try world.ring.drop(before: $0) }
            ),
            failed: { Issue.record("not erased: \($0)") }
        )
        #expect(throws: KeyErasureError.self) { try continued.finish() }
        #expect(world.ring.state.current.epochs(of: .wrap) == [1, 2], "an epoch still in use went")
        let room = try await again.createRoom(by: alice)
        guard case .answered = await again.send("on", by: alice, in: room) else {
            Issue.record("the node serves nothing")
            return
        }
    }

    @Test("On its own thread: told when it is done, and stopped in the middle")
    func thread() async throws {
        let world = KeyWorld()
        let (node, erasure) = try world.start()
        let alice = try await node.createAccount("@alice:test.example")
        let gone = try node.roomKey(try await node.createRoom(by: alice))
        erasure.start()
        await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
            let waiting = Mutex<CheckedContinuation<Void, Never>?>(done)
            _ = erasure.follow { step in
                guard case .epochsDropped = step else { return }
                waiting.withLock { waiting in
                    waiting?.resume()
                    waiting = nil
                }
            }
            node.submit(
                Command(
                    id: node.mintCommandID(),
                    answerLifetime: 0,
                    action: .destroyKeys([gone])
                ),
                to: .keys
            ) { _ in }
        }
        #expect(try isDestroyed(gone, on: node, in: world))
        erasure.stop()
        node.stop()
    }

    @Test("A copy that was restated while its key was destroyed counts under the new epoch")
    func overtaken() throws {
        let store = MemoryKeyValueStore(families: [.state])
        var folder = Folder(partition: .keys, store: store)
        let ring = MemoryNode().ring.rotating(.wrap, milliseconds: 1, random: randomBytes)
        func wrapped(_ epoch: UInt32) throws -> [UInt8] {
            KeyWrap.wrap(
                SecretKey(randomBytes(32)),
                as: WrappedHeader(kind: .room, id: KeyID(1), keyEpoch: 1, wrapEpoch: epoch),
                with: try ring.key(.wrap, epoch: epoch),
                nonce: randomBytes(12)
            )
        }
        let facts: [Fact] = [
            .keysCreated(KeysCreated(first: 1, partition: 1, wrapped: [try wrapped(1)])),
            .keyLogBegun(
                KeyLogBegun(epoch: 2, destroyedUnder: 0, nextKeyID: 2, numbers: [], waiting: [])
            ),
            .keysDestroyed(KeysDestroyed(keyIDs: [1])),
            .keysRestated(
                KeysRestated(
                    epoch: 2,
                    through: 1,
                    isLast: true,
                    keys: [KeysRestated.Key(id: 1, wrapped: try wrapped(2))],
                    destroyed: []
                )
            ),
        ]
        for (number, fact) in facts.enumerated() {
            try folder.fold(
                [fact],
                at: LogIndex(UInt64(number) + 1),
                term: Term(1),
                clock: HybridTimestamp(UInt64(number) << 16)
            )
        }
        try store.write(folder.takeBatch().0, sync: true)
        let reader = StateReader(.keys, store)
        #expect(try reader.wrappedKey(1) == [])
        #expect(try reader.keyErasure().destroyedUnder == 2)
    }

    @Test(
        "The bytes of facts about keys, as the format page draws them",
        arguments: [
            (
                "4601ac020002020361626300",
                Fact.keysCreated(
                    KeysCreated(first: 300, partition: 2, wrapped: [Array("abc".utf8), []])
                )
            ),
            ("47010207ac02", Fact.keysDestroyed(KeysDestroyed(keyIDs: [7, 300]))),
            (
                "4801000000030000000290030100050901000509026869",
                Fact.keyLogBegun(
                    KeyLogBegun(
                        epoch: 3,
                        destroyedUnder: 2,
                        nextKeyID: 400,
                        numbers: [KeyLogBegun.LastNumber(target: 5, last: 9)],
                        waiting: [
                            KeyLogBegun.Waiting(
                                target: 5,
                                sequence: 9,
                                message: Array("hi".utf8)
                            )
                        ]
                    )
                )
            ),
            (
                "4901000000038f030101080361626301090c",
                Fact.keysRestated(
                    KeysRestated(
                        epoch: 3,
                        through: 399,
                        isLast: true,
                        keys: [KeysRestated.Key(id: 8, wrapped: Array("abc".utf8))],
                        destroyed: [9..<12]
                    )
                )
            ),
        ]
    )
    func golden(hexadecimal: String, fact: Fact) throws {
        let digits = Array(hexadecimal.utf8)
        let bytes = stride(from: 0, to: digits.count, by: 2).map { place in
            digits[place..<place + 2].reduce(UInt8(0)) { value, digit in
                value << 4 | (digit < 58 ? digit - 48 : digit - 87)
            }
        }
        var writer = ByteWriter()
        fact.encode(into: &writer)
        #expect(writer.bytes == bytes)
        var reader = ByteReader(bytes)
        #expect(try Fact(from: &reader) == fact)
        try reader.expectEnd()
        for end in bytes.indices {
            #expect(throws: DecodeError.self) {
                var reader = ByteReader(bytes[..<end])
                _ = try Fact(from: &reader)
            }
        }
    }

    @Test("Server keys survive the pruning of every passing body")
    func pruned() async throws {
        #expect(KeysCreated.retention == .kept)
        let world = KeyWorld()
        let (node, _) = try world.start()
        let alice = try await node.createAccount("@alice:test.example")
        let secrets = try [1, 2, 3, alice.keyID].map(node.secret)
        let mark = try #require(world.memory.mark.found)
        node.stop()
        var pruned = 0
        for partition in try MessageLog<MemoryKeyValueStore>.partitions(in: world.memory.log) {
            var log = try MessageLog.recover(partition, from: world.memory.log, mark: nil).log
            guard !log.isEmpty else { continue }
            var batch = WriteBatch()
            let passing = try log.passingRecords(
                in: log.firstIndex...log.lastIndex,
                limit: 1_000
            )
            pruned += try log.prune(passing, into: &batch)
            try world.memory.log.write(batch, sync: true)
        }
        var again = world
        again.memory = MemoryNode(log: world.memory.log)
        let rebuilt = try again.memory.start(ring: world.ring.state.current, mark: mark)
        defer { rebuilt.stop() }
        #expect(try [1, 2, 3, alice.keyID].map(rebuilt.secret) == secrets)
    }
}
