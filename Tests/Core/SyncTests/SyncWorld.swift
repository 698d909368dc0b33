import Encryption
import Gateway
import Homeserver
import KeyValue
import Keyspace
import MatrixModel
import MultiRaft
import Primitives
import Projections
import Synchronization

/// A node's rows without the node: facts folded into a memory store, sealed as the leader seals
/// them, published to the feed. Time stands still unless told otherwise.
final class SyncWorld: @unchecked Sendable {
    typealias Service = ReadService<MemoryView>

    let map = PartitionMap(count: 4)
    let store = MemoryKeyValueStore(families: [.state])
    let feed: ChangeFeed
    let clock = Mutex<UInt64>(1_700_000_000_000)
    private(set) var service: Service!
    private var folders: [PartitionID: Folder<MemoryKeyValueStore>] = [:]
    private var applied: [PartitionID: LogIndex] = [:]
    private var secrets: [UInt64: KeyLookup] = [:]
    private var userKeys: [String: UInt64] = [:]
    private var rooms: [String: Room] = [:]
    private var nextKey: UInt64 = 1
    private var nextEvent: UInt64 = 0
    /// Wake-ups the feed handed over, run by whoever drives the test.
    let wakes = Mutex<[@Sendable () -> Void]>([])

    struct Room {
        let keyID: UInt64
        var version: String
        var depth: UInt64 = 0
    }

    init(settings: ReadSettings? = nil) {
        let pending = PendingWakes()
        feed = ChangeFeed(epoch: 7) { pending.add($0) }
        pending.target = { [unowned self] wakes in
            self.wakes.withLock { $0 += wakes }
        }
        service = Service(
            settings: settings ?? ReadSettings(serverName: "t", incarnation: 1),
            map: map,
            feed: feed,
            keys: { [unowned self] in secrets[$0] ?? .absent },
            view: { [unowned self] in look() },
            now: { [unowned self] in clock.withLock { $0 } }
        )
        for partition in map.all + [.keys] {
            folders[partition] = Folder(partition: partition, store: store, applied: nil)
            applied[partition] = .zero
            feed.publish([], partition: partition, applied: .zero)
        }
    }

    /// The same rows with a node that just started: nothing cached, nothing known.
    func restarted() -> (Service, ChangeFeed) {
        let feed = ChangeFeed(epoch: 8) { _ in }
        for (partition, index) in applied { feed.publish([], partition: partition, applied: index) }
        let service = Service(
            settings: self.service.settings,
            map: map,
            feed: feed,
            keys: { [unowned self] in secrets[$0] ?? .absent },
            view: { [unowned self] in look() },
            now: { [unowned self] in clock.withLock { $0 } }
        )
        return (service, feed)
    }

    /// Called as somebody begins to look: what it does is not in that look.
    var lookBegins: (() -> Void)?

    func look() -> ReadView<MemoryView> {
        defer { lookBegins?() }
        let applied = applied
        return ReadView(store: store.view(), map: map) { applied[$0] ?? .zero }
    }

    func runWakes() {
        while true {
            let due = wakes.withLock { wakes in
                defer { wakes = [] }
                return wakes
            }
            if due.isEmpty { return }
            for wake in due { wake() }
        }
    }

    // MARK: Facts

    /// One entry, applied and published.
    @discardableResult
    func apply(_ facts: [Fact], in partition: PartitionID) -> LogIndex {
        let index = applied[partition]!.next
        let now = clock.withLock { $0 }
        try! folders[partition]!.fold(
            facts,
            at: index,
            term: Term(1),
            clock: HybridTimestamp(milliseconds: now)
        )
        let (batch, changes) = folders[partition]!.takeBatch()
        try! store.write(batch, sync: false)
        // As the node does: positions may show before the feed has told.
        applied[partition] = index
        feed.publish(changes, partition: partition, applied: index)
        return index
    }

    private func newKey() -> UInt64 {
        defer { nextKey += 1 }
        var generator = SeededGenerator(seed: nextKey)
        let bytes = (0..<32).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
        secrets[nextKey] = .found(SecretKey(bytes))
        return nextKey
    }

    func destroyKey(of name: String) {
        let id = userKeys[name] ?? rooms[name]!.keyID
        secrets[id] = .destroyed
        apply([.keysDestroyed(KeysDestroyed(keyIDs: [id]))], in: .keys)
    }

    /// The record with the key was lost, and the loss accepted.
    func loseKey(of name: String) { secrets[userKeys[name] ?? rooms[name]!.keyID] = .lost }

    /// The key is on another node still.
    func hideKey(of room: String) -> () -> Void {
        let id = rooms[room]!.keyID
        let before = secrets[id]
        secrets[id] = .absent
        return { [unowned self] in secrets[id] = before }
    }

    private func secret(_ id: UInt64) -> SecretKey {
        guard case .found(let key) = secrets[id] else { fatalError("no key \(id)") }
        return key
    }

    // MARK: Accounts

    @discardableResult
    func user(_ id: String) -> Requester {
        if userKeys[id] == nil {
            userKeys[id] = newKey()
            apply(
                [
                    .accountCreated(
                        AccountCreated(
                            userID: id,
                            keyID: userKeys[id]!,
                            createdAt: 0,
                            isAdministrator: false,
                            sealedCredentials: []
                        )
                    )
                ],
                in: map.partition(of: id)
            )
        }
        return Requester(userID: id, deviceID: "D\(id.dropFirst().prefix(1))")
    }

    private func seal(_ text: String, _ binding: ItemBinding, of user: String) -> [UInt8] {
        let id = userKeys[user]!
        return ItemSealer.seal(
            Array(text.utf8),
            for: binding,
            with: UserKey(id: KeyID(id), secret: secret(id)),
            salt: [UInt8](repeating: 9, count: 16)
        )
    }

    func setAccountData(_ user: String, _ type: String, _ json: String, in room: String = "") {
        let sealed = seal(json, .accountData(user, room, type), of: user)
        apply(
            [
                .accountDataSet(
                    AccountDataSet(userID: user, roomID: room, type: type, sealed: sealed)
                )
            ],
            in: map.partition(of: user)
        )
    }

    func storeFilter(_ user: String, _ id: String, _ json: String) {
        let sealed = seal(json, .filter(user, id), of: user)
        apply(
            [.filterStored(FilterStored(userID: user, filterID: id, sealed: sealed))],
            in: map.partition(of: user)
        )
    }

    // MARK: Rooms

    /// A room with its creator in it.
    func room(
        _ id: String,
        by creator: String,
        visibility: String = "shared",
        version: String = "11"
    ) {
        user(creator)
        let room = Room(keyID: newKey(), version: version)
        rooms[id] = room
        var facts: [Fact] = [
            .roomCreated(
                RoomCreated(roomID: id, version: version, keyID: room.keyID, creator: creator)
            )
        ]
        facts += [
            draft(id, creator, "m.room.create", #"{"room_version":"11"}"#, key: ""),
            draft(
                id,
                creator,
                "m.room.member",
                #"{"displayname":"\#(creator)","membership":"join"}"#,
                key: creator
            ),
            draft(id, creator, "m.room.power_levels", #"{"users":{"\#(creator)":100}}"#, key: ""),
            draft(id, creator, "m.room.join_rules", #"{"join_rule":"public"}"#, key: ""),
            draft(
                id,
                creator,
                "m.room.history_visibility",
                #"{"history_visibility":"\#(visibility)"}"#,
                key: ""
            ),
        ].map { .eventAppended(EventAppended(roomID: id, event: $0)) }
        let index = apply(facts, in: map.partition(of: id))
        note(id, creator, "join", at: StreamPosition(index, 1), event: "")
    }

    func draft(
        _ room: String,
        _ sender: String,
        _ type: String,
        _ content: String,
        key: String? = nil,
        redacts: String? = nil,
        relation: Relation? = nil,
        device: String? = nil,
        transaction: String? = nil
    ) -> StoredEvent {
        nextEvent += 1
        rooms[room]!.depth += 1
        let id = "$" + Base64.encode(sha256(Array("\(nextEvent)".utf8)), urlSafe: true)
        let parts = ContentParts(
            type: type,
            sender: sender,
            stateKey: key,
            content: Array(content.utf8)
        )
        let roomKey = RoomKey(
            id: KeyID(rooms[room]!.keyID),
            epoch: 1,
            secret: secret(rooms[room]!.keyID)
        )
        func seal(_ bytes: [UInt8], _ user: String, _ schema: UInt16) -> [UInt8] {
            let userKey = UserKey(
                id: KeyID(userKeys[user]!),
                secret: secret(userKeys[user]!)
            )
            return ContentSealer.seal(
                bytes,
                for: ContentBinding(room: room, event: id, type: type, schema: schema),
                with: ContentKey(room: roomKey, user: userKey)
            )
        }
        let salt = [UInt8](repeating: 5, count: 16)
        return StoredEvent(
            eventID: id,
            type: type,
            stateKey: key,
            sender: sender,
            originServerTimestamp: clock.withLock { $0 } - 1_000,
            depth: rooms[room]!.depth,
            previousEvents: ["$p"],
            authEvents: ["$a", "$b"],
            contentHash: sha256([1]),
            signature: [UInt8](repeating: 3, count: 64),
            signingKeyID: "ed25519:1",
            clear: parts.clear,
            senderSealed: seal(salt + parts.sender, sender, 1),
            senderKeyID: userKeys[sender]!,
            subjectSealed: parts.subject.isEmpty ? [] : seal(parts.subject, key!, 2),
            subjectKeyID: parts.subject.isEmpty ? 0 : userKeys[key!]!,
            relation: relation,
            redacts: redacts,
            device: device,
            transactionID: transaction,
            contentSize: UInt32(content.utf8.count)
        )
    }

    @discardableResult
    func append(_ event: StoredEvent, to room: String) -> StreamPosition {
        let index = apply(
            [.eventAppended(EventAppended(roomID: room, event: event))],
            in: map.partition(of: room)
        )
        return StreamPosition(index, 0)
    }

    @discardableResult
    func send(_ room: String, _ sender: String, _ text: String, relation: Relation? = nil) -> String
    {
        let content = #"{"body":"\#(text)","msgtype":"m.text"}"#
        let event = draft(room, sender, "m.room.message", content, relation: relation)
        append(event, to: room)
        return event.eventID
    }

    @discardableResult
    func setState(
        _ room: String,
        _ sender: String,
        _ type: String,
        _ content: String,
        key: String = ""
    ) -> String {
        let event = draft(room, sender, type, content, key: key)
        append(event, to: room)
        return event.eventID
    }

    /// A change of membership, told to the account's partition too unless it is `late`.
    @discardableResult
    func member(
        _ room: String,
        _ target: String,
        _ membership: String,
        by sender: String? = nil,
        isLate: Bool = false
    ) -> StreamPosition {
        user(target)
        let content = #"{"displayname":"\#(target)","membership":"\#(membership)"}"#
        let event = draft(room, sender ?? target, "m.room.member", content, key: target)
        let position = append(event, to: room)
        if !isLate { note(room, target, membership, at: position, event: event.eventID) }
        return position
    }

    func note(
        _ room: String,
        _ user: String,
        _ membership: String,
        at position: StreamPosition,
        event: String
    ) {
        var stripped: [StoredEvent] = []
        if membership == "invite" || membership == "knock" {
            let reader = look().home(of: room)
            let row = try! reader.room(room)!
            stripped = ["m.room.create", "m.room.join_rules", "m.room.name"].compactMap {
                try! reader.state($0, in: row)?.event
            }
            stripped.append(try! reader.event(at: position, in: row)!.event)
        }
        apply(
            [
                .membershipNoted(
                    MembershipNoted(
                        userID: user,
                        roomID: room,
                        membership: membership,
                        eventID: event,
                        sender: user,
                        roomPartition: map.partition(of: room).raw,
                        position: position.raw,
                        previous: "",
                        strippedState: stripped,
                        directTo: false
                    )
                )
            ],
            in: map.partition(of: user)
        )
    }

    func forget(_ room: String, _ user: String) {
        apply(
            [.roomForgotten(RoomForgotten(userID: user, roomID: room))],
            in: map.partition(of: user)
        )
    }

    func redact(_ room: String, _ sender: String, _ event: String) {
        append(
            draft(room, sender, "m.room.redaction", #"{"redacts":"\#(event)"}"#, redacts: event),
            to: room
        )
    }

    func receipt(
        _ room: String,
        _ user: String,
        _ event: String,
        type: String = "m.read",
        thread: String = ""
    ) {
        let place = try! look().home(of: room).location(of: event)!
        let receipt = Receipt(
            userID: user,
            type: type,
            thread: thread,
            eventID: event,
            position: place.position.raw,
            timestamp: clock.withLock { $0 }
        )
        apply(
            [.receiptsSet(ReceiptsSet(roomID: room, receipts: [receipt]))],
            in: map.partition(of: room)
        )
    }

    /// A room ID that lives in the same partition as another, or (`apart`) in a different one.
    func neighbour(of room: String, apart: Bool = false) -> String {
        (0...).lazy.map { "!n\($0):t" }.first {
            (self.map.partition(of: $0) == self.map.partition(of: room)) != apart
        }!
    }

    /// Where the next entry of a room's partition will put its first event.
    func nextPosition(of room: String) -> StreamPosition {
        StreamPosition(applied[map.partition(of: room)]!.next, 0)
    }

    func publishRoom(_ room: String) {
        apply(
            [.roomPublished(RoomPublished(roomID: room, isPublic: true))],
            in: map.partition(of: room)
        )
    }
}

/// Ties the feed to the world that owns it.
private final class PendingWakes: @unchecked Sendable {
    var target: (([@Sendable () -> Void]) -> Void)?
    func add(_ wakes: [@Sendable () -> Void]) { target?(wakes) }
}

// MARK: Reading answers

extension SyncWorld {
    func sync(
        _ user: Requester,
        since: String? = nil,
        filter: String? = nil,
        full: Bool = false
    ) throws -> JSONView {
        let bytes = try service.sync(
            SyncRequest(requester: user, since: since, filter: filter, fullState: full)
        )
        return try JSONDocument(parsing: bytes).root
    }

    func messages(
        _ user: Requester,
        _ room: String,
        from: String? = nil,
        to: String? = nil,
        dir: String = "b",
        limit: Int = 10,
        filter: String? = nil
    ) throws -> JSONView {
        let bytes = try service.messages(
            MessagesRequest(
                roomID: room,
                from: from,
                to: to,
                dir: dir,
                limit: "\(limit)",
                filter: filter
            ),
            by: user
        )
        return try JSONDocument(parsing: bytes).root
    }
}

extension JSONView {
    func at(_ path: String...) -> JSONView? {
        path.reduce(Optional(self)) { view, key in view?[key] }
    }

    var nextBatch: String { self["next_batch"]!.string! }

    func joined(_ room: String) -> JSONView? { at("rooms", "join", room) }

    /// Event IDs of an array.
    var ids: [String] { elements.compactMap { $0["event_id"]?.string } }
    var types: [String] { elements.compactMap { $0["type"]?.string } }
    var bodies: [String] {
        elements.compactMap { $0["content"]?["body"]?.string }
    }
}

extension JSONView? {
    var ids: [String] { self?.ids ?? [] }
    var types: [String] { self?.types ?? [] }
    var bodies: [String] { self?.bodies ?? [] }
}
