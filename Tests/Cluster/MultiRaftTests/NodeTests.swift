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

/// The mark, kept outside the stores as it is on disk.
final class MarkKeeper: Sendable {
    private let mark = Mutex<Mark?>(nil)
    var found: Mark? { mark.withLock { $0 } }
    func keep(_ entries: [MarkEntry]) {
        mark.withLock { kept in
            var next = kept ?? Mark(incarnation: 1)
            for entry in entries { next.set(entry) }
            kept = next
        }
    }
}

/// A node on two in-memory stores that behave like the real ones.
struct MemoryNode {
    let log: MemoryKeyValueStore
    let state: MemoryKeyValueStore
    let ring: KeyRing
    let mark = MarkKeeper()

    /// - Parameter log: one that a node has written already.
    init(log written: MemoryKeyValueStore? = nil) {
        log =
            written
            ?? MemoryKeyValueStore(
                families: LogFamilies.all + [.default],
                durability: .synced
            )
        state = MemoryKeyValueStore(
            families: [.state],
            durability: .noWAL(spontaneousFlushOneIn: 0, seed: 1)
        )
        ring = KeyRing.create(
            root: SecretKey([UInt8](repeating: 7, count: 32)),
            milliseconds: 1_700_000_000_000,
            random: { count in (0..<count).map { _ in UInt8.random(in: 0...255) } }
        )
    }

    func start(
        partitions: Int = 4,
        host: HostSettings = HostSettings(),
        ring other: KeyRing? = nil,
        mark known: Mark? = nil
    ) throws -> Node<MemoryKeyValueStore> {
        var settings = NodeSettings(serverName: "test.example", partitions: partitions)
        settings.host = host
        let node = Node(
            settings: settings,
            log: log,
            state: state,
            ring: other ?? ring,
            entropy: { count in (0..<count).map { _ in UInt8.random(in: 0...255) } },
            writeMark: { [mark] in mark.keep($0) },
            publish: { _ in },
            failed: { Issue.record("the node failed: \($0)") }
        )
        let findings = try node.start(mark: known ?? mark.found) { _ in }
        #expect(findings.isEmpty)
        return node
    }
}

extension MemoryNode {
    /// Everything that was not synced or flushed is gone.
    func crash() {
        log.crash()
        state.crash()
        log.reopen()
        state.reopen()
    }
}

extension Node {
    func run(_ action: Command.Action, in partition: PartitionID) async -> CommandOutcome {
        await submit(
            Command(
                id: mintCommandID(),
                answerLifetime: Command.mintedLifetime,
                action: action
            ),
            to: partition
        )
    }

    func createAccount(_ user: String) async throws -> Member {
        let partition = map.partition(of: user)
        let outcome = await run(
            .createAccount(
                CreateAccount(
                    userID: user,
                    passwordHash: "$test$",
                    isAdministrator: false,
                    device: nil
                )
            ),
            in: partition
        )
        guard case .answered = outcome else {
            Issue.record("no account: \(outcome)")
            throw NodeError.stopped
        }
        let account = try #require(try view().reader(partition).account(user))
        return Member(userID: user, keyID: account.keyID, displayName: user, avatarURL: nil)
    }

    func createRoom(
        by creator: Member,
        version: RoomVersion = .v11
    ) async throws -> String {
        var partition = PartitionID(1)
        var roomID: String?
        if version == .v11 {
            let id = "!room\(random(4).map(String.init).joined()):test.example"
            roomID = id
            partition = map.partition(of: id)
        }
        let join =
            #"{"displayname":"\#(creator.displayName ?? "")","membership":"join"}"#
        let outcome = await run(
            .createRoom(
                CreateRoom(
                    creator: creator,
                    version: version,
                    roomID: roomID,
                    events: [
                        EventIntent(
                            type: "m.room.create",
                            stateKey: "",
                            content: Array(#"{"room_version":"\#(version.rawValue)"}"#.utf8)
                        ),
                        EventIntent(
                            type: "m.room.member",
                            stateKey: creator.userID,
                            content: Array(join.utf8),
                            subject: creator
                        ),
                        EventIntent(
                            type: "m.room.join_rules",
                            stateKey: "",
                            content: Array(#"{"join_rule":"public"}"#.utf8)
                        ),
                    ],
                    isPublic: false,
                    alias: nil,
                    isDirect: false
                )
            ),
            in: partition
        )
        guard case .answered(.room(let id), _) = outcome else {
            Issue.record("no room: \(outcome)")
            throw NodeError.stopped
        }
        return id
    }

    func send(
        _ text: String,
        by member: Member,
        in room: String,
        id: CommandID? = nil
    ) async
        -> CommandOutcome
    {
        let send = SendEvent(
            roomID: room,
            sender: member.userID,
            senderKeyID: member.keyID,
            draft: EventIntent(
                type: "m.room.message",
                content: Array(#"{"body":"\#(text)","msgtype":"m.text"}"#.utf8)
            )
        )
        return await submit(
            Command(
                id: id ?? mintCommandID(),
                answerLifetime: Command.clientLifetime,
                action: .sendEvent(send)
            ),
            to: map.partition(of: room)
        )
    }

    func timeline(of room: String) throws -> [StoredEvent] {
        let reader = view().reader(map.partition(of: room))
        let row = try #require(try reader.room(room))
        var events: [StoredEvent] = []
        try reader.timeline(of: row, from: .zero, to: .end, reverse: false) {
            events.append($0.event)
            return true
        }
        return events
    }
}

@Suite("A node of one")
struct NodeTests {
    @Test("An account, a room and a message, each once, in order", arguments: RoomVersion.allCases)
    func conversation(version: RoomVersion) async throws {
        let memory = MemoryNode()
        let node = try memory.start()
        defer { node.stop() }
        let alice = try await node.createAccount("@alice:test.example")
        let room = try await node.createRoom(by: alice, version: version)
        var ids: [String] = []
        for number in 0..<20 {
            guard
                case .answered(.event(let id), _) = await node.send(
                    "message \(number)",
                    by: alice,
                    in: room
                )
            else {
                Issue.record("not sent")
                return
            }
            ids.append(id)
        }
        let timeline = try node.timeline(of: room)
        #expect(
            timeline.map(\.type).prefix(3) == [
                "m.room.create", "m.room.member", "m.room.join_rules",
            ]
        )
        #expect(timeline.dropFirst(3).map(\.eventID) == ids)
        #expect(timeline.map(\.depth) == Array(1...23))
        // The join reached the creator's account before it was answered.
        let reader = node.view().reader(node.map.partition(of: alice.userID))
        #expect(try reader.membership(alice.userID, room)?.membership == "join")
    }

    @Test("A command repeated under its ID is answered alike and happens once")
    func repeated() async throws {
        let memory = MemoryNode()
        let node = try memory.start()
        defer { node.stop() }
        let alice = try await node.createAccount("@alice:test.example")
        let room = try await node.createRoom(by: alice)
        let id = CommandID(high: 5, low: 6)
        async let first = node.send("once", by: alice, in: room, id: id)
        async let second = node.send("once", by: alice, in: room, id: id)
        guard case .answered(.event(let one), _) = await first,
            case .answered(.event(let two), _) = await second,
            case .answered(.event(let three), _) = await node.send(
                "once",
                by: alice,
                in: room,
                id: id
            )
        else {
            Issue.record("not sent")
            return
        }
        #expect(one == two && two == three)
        #expect(try node.timeline(of: room).count == 4)
    }

    @Test("What was answered is there after the node lost everything that was not synced")
    func crash() async throws {
        let memory = MemoryNode()
        var node = try memory.start()
        let alice = try await node.createAccount("@alice:test.example")
        let room = try await node.createRoom(by: alice)
        for number in 0..<50 {
            _ = await node.send("message \(number)", by: alice, in: room)
        }
        let before = try node.timeline(of: room)
        #expect(before.count == 53)
        node.stop()
        memory.crash()
        node = try memory.start()
        defer { node.stop() }
        #expect(try node.timeline(of: room) == before)
        guard case .answered = await node.send("after", by: alice, in: room) else {
            Issue.record("the room is dead after the crash")
            return
        }
        #expect(try node.timeline(of: room).count == 54)
    }

    @Test("Somebody who is not in the room cannot send")
    func stranger() async throws {
        let memory = MemoryNode()
        let node = try memory.start()
        defer { node.stop() }
        let alice = try await node.createAccount("@alice:test.example")
        let bob = try await node.createAccount("@bob:test.example")
        let room = try await node.createRoom(by: alice)
        guard case .rejected(let error) = await node.send("hello", by: bob, in: room) else {
            Issue.record("a stranger sent")
            return
        }
        #expect(error.code == .forbidden)
        #expect(try node.timeline(of: room).count == 3)
    }
}
