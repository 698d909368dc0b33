package import Homeserver
package import KeyValue
package import Keyspace
import MatrixModel
package import Primitives

/// What folding an entry changed, for whoever waits on this node (a hint, never the truth).
package enum Change: Sendable, Hashable {
    case room(roomID: String, position: StreamPosition)
    case receipts(roomID: String, index: LogIndex)
    case membership(userID: String, roomID: String, membership: String)
    case user(userID: String)
    case devicesRemoved(userID: String, deviceIDs: [String])
    case deactivated(userID: String)
    case outbox(target: PartitionID, sequence: UInt64, message: [UInt8])
    case keyBlock
    case keysDestroyed([UInt64])
}

/// Folds the facts of one partition into rows (architecture 2.1, 2.2). Folding cannot refuse,
/// causes nothing outside, opens and seals nothing. The same facts give the same rows on every
/// replica: reads see the database and what this batch already holds, never a clock.
package struct Folder<Store: KeyValueReader>: Sendable {
    package let partition: PartitionID
    package let keys: StateKeys
    let store: Store
    /// Rows of the batch being built, for reads that follow writes in the same batch.
    var pending: [[UInt8]: [UInt8]?] = [:]
    package internal(set) var batch = WriteBatch()
    package private(set) var changes: [Change] = []
    /// Rooms whose row was read: rooms never change their number, version or key.
    private var rooms: [String: RoomRow] = [:]
    private var heads: [UInt64: RoomHeadRow] = [:]
    private var dirtyHeads: [UInt64] = []
    package private(set) var applied: AppliedRow?
    /// Nil: not read yet.
    var outboxFloor: UInt64?
    /// One record queues far fewer messages and makes far fewer keys than 2 to the power of this.
    static var numbersPerRecordBits: UInt64 { 20 }
    /// No record before `index` gives out a number or a key ID above this.
    static func numbersFloor(at index: LogIndex) -> UInt64 { index.raw << numbersPerRecordBits }
    /// Whether anything was folded since the last batch was taken.
    private var hasFolded = false

    /// - Parameter applied: Where the rows in the store are: an entry without a clock of its own
    ///   takes the one before, whether or not the process that folded that one still runs.
    package init(partition: PartitionID, store: Store, applied: AppliedRow? = nil) {
        self.partition = partition
        self.store = store
        self.applied = applied
        keys = StateKeys(partition)
    }

    /// Hands over the batch with everything folded since the last call, with the applied position
    /// in it, and what changed.
    package mutating func takeBatch() -> (WriteBatch, [Change]) {
        for room in dirtyHeads {
            if let head = heads[room] { batch.put(keys.roomHead(room), head.encoded, in: .state) }
        }
        dirtyHeads.removeAll(keepingCapacity: true)
        if let applied, hasFolded { batch.put(keys.applied, applied.encoded, in: .state) }
        hasFolded = false
        defer {
            batch = WriteBatch()
            changes = []
            if heads.count > 4_096 { heads.removeAll() }
            if rooms.count > 16_384 { rooms.removeAll() }
        }
        return (batch, changes)
    }

    /// The batches taken so far are in the store.
    package mutating func written() {
        precondition(batch.isEmpty, "rows were folded before the last ones were written")
        pending.removeAll(keepingCapacity: true)
    }

    /// Folds one entry. `facts` is empty for blank records, which use up their index.
    ///
    /// - Parameter acceptsLoss: The record says that others were lost.
    package mutating func fold(
        _ facts: [Fact],
        at index: LogIndex,
        term: Term,
        clock: HybridTimestamp,
        acceptsLoss: Bool = false
    ) throws {
        if acceptsLoss { try skipNumbers(at: index) }
        var ordinal = 0
        for fact in facts {
            switch fact {
            case .roomCreated(let fact): try fold(fact, at: index)
            case .eventAppended(let fact):
                try fold(fact, at: StreamPosition(index, ordinal))
                ordinal += 1
            case .roomPublished(let fact): try fold(fact)
            case .receiptsSet(let fact): try fold(fact, at: index)
            case .accountCreated, .credentialsChanged, .accountDeactivated, .deviceAdded,
                .deviceRenamed, .devicesRemoved, .profileSet, .accountDataSet, .filterStored,
                .membershipNoted, .roomForgotten, .loginTokenIssued, .loginTokenSpent:
                try foldAccount(fact, at: index)
            case .aliasReserved, .aliasConfirmed, .aliasRemoved: try foldAlias(fact)
            case .outboxQueued, .outboxReceived, .outboxAcknowledged, .keyBlockGranted,
                .commandAnswered:
                try foldPlumbing(fact, clock: clock)
            case .keysCreated, .keysDestroyed, .keyLogBegun, .keysRestated:
                try foldKeys(fact, at: index)
            case .profileSpread, .departureAsked:
                // Asked of a room by an account: the room's leader turns it into an event before
                // it is recorded, so it never reaches a fold as it is.
                break
            }
        }
        if index.raw.isMultiple(of: 32) { try sweepCommandResults(at: index, clock: clock) }
        applied = AppliedRow(index: index, term: term, clock: clock)
        hasFolded = true
    }

    // MARK: Rows

    mutating func put(_ key: [UInt8], _ value: [UInt8]) {
        batch.put(key, value, in: .state)
        pending[key] = .some(value)
    }

    /// A row that no fold reads back in the same batch.
    mutating func putUnread(_ key: [UInt8], _ value: [UInt8]) {
        batch.put(key, value, in: .state)
    }

    mutating func delete(_ key: [UInt8]) {
        batch.delete(key, in: .state)
        pending[key] = .some(nil)
    }

    func get(_ key: [UInt8]) throws -> [UInt8]? {
        if let found = pending[key] { return found }
        return try store.get(key, in: .state)
    }

    func row<R: Row>(_ key: [UInt8], as type: R.Type = R.self) throws -> R? {
        guard let bytes = try get(key) else { return nil }
        return try R(bytes)
    }

    mutating func note(_ change: Change) { changes.append(change) }

    // MARK: Rooms

    mutating func room(_ roomID: String) throws -> RoomRow? {
        if let known = rooms[roomID] { return known }
        guard let found: RoomRow = try row(keys.roomByID(roomID)) else { return nil }
        rooms[roomID] = found
        return found
    }

    private mutating func head(_ room: UInt64) throws -> RoomHeadRow? {
        if let known = heads[room] { return known }
        guard let found: RoomHeadRow = try row(keys.roomHead(room)) else { return nil }
        heads[room] = found
        return found
    }

    private mutating func setHead(_ room: UInt64, _ head: RoomHeadRow) {
        if !dirtyHeads.contains(room) { dirtyHeads.append(room) }
        heads[room] = head
    }

    private mutating func fold(_ fact: RoomCreated, at index: LogIndex) throws {
        let row = RoomRow(
            number: StreamPosition(index, 0).raw,
            version: fact.version,
            keyID: fact.keyID,
            creator: fact.creator
        )
        rooms[fact.roomID] = row
        put(keys.roomByID(fact.roomID), row.encoded)
        setHead(row.number, RoomHeadRow(lastEventID: "", depth: 0, lastPosition: .zero))
        try useKey(fact.keyID)
    }

    private mutating func fold(_ fact: EventAppended, at position: StreamPosition) throws {
        guard let room = try room(fact.roomID), var head = try head(room.number) else { return }
        let event = fact.event
        let bytes = event.encoded
        head.lastEventID = event.eventID
        head.depth = event.depth
        head.lastPosition = position
        put(keys.timeline(room.number, position), [1] + bytes)
        put(
            keys.event(event.eventID),
            EventLocationRow(room: room.number, position: position).encoded
        )
        if let stateKey = event.stateKey {
            let key = keys.currentState(room.number, event.type, stateKey)
            if event.type == "m.room.member" {
                let before = try (row(key) as StateRow?).map { membershipWord($0.event) } ?? ""
                let now = membershipWord(event)
                count(before, by: -1, in: &head)
                count(now, by: 1, in: &head)
                note(.membership(userID: stateKey, roomID: fact.roomID, membership: now))
            }
            put(key, StateRow(position: position, event: event).encoded)
            putUnread(
                keys.stateHistory(room.number, event.type, stateKey, position),
                StateHistoryRow(eventID: event.eventID, word: historyWord(event)).encoded
            )
            putUnread(
                keys.stateLog(room.number, position),
                StateLogRow(type: event.type, stateKey: stateKey).encoded
            )
        }
        if let relation = event.relation {
            putUnread(
                keys.relation(room.number, relation.eventID, relation.kind, position),
                Array(event.eventID.utf8)
            )
        }
        if let target = event.redacts {
            try redact(target, because: event.eventID, in: room)
        }
        setHead(room.number, head)
        note(.room(roomID: fact.roomID, position: position))
    }

    private func count(_ membership: String, by change: Int, in head: inout RoomHeadRow) {
        switch membership {
        case "join": head.joined = UInt32(clamping: Int(head.joined) + change)
        case "invite": head.invited = UInt32(clamping: Int(head.invited) + change)
        default: break
        }
    }

    /// Strips an event on every path at once: its timeline row, and its state row if it is the
    /// current one. The sealed body stays in the log until its segment is written anew.
    private mutating func redact(_ target: String, because reason: String, in room: RoomRow) throws
    {
        guard let location: EventLocationRow = try row(keys.event(target)),
            location.room == room.number,
            let version = RoomVersion(rawValue: room.version),
            let bytes = try get(keys.timeline(room.number, location.position)),
            let whole = try? StoredEvent(bytes[1...]), whole.redactedBy == nil
        else { return }
        let event = whole.redacted(by: reason, in: version)
        put(keys.timeline(room.number, location.position), [1] + event.encoded)
        guard let stateKey = event.stateKey else { return }
        let key = keys.currentState(room.number, event.type, stateKey)
        if let current: StateRow = try row(key), current.event.eventID == target {
            put(key, StateRow(position: current.position, event: event).encoded)
        }
    }

    private mutating func fold(_ fact: RoomPublished) throws {
        guard let room = try room(fact.roomID), var head = try head(room.number) else { return }
        head.isPublic = fact.isPublic
        setHead(room.number, head)
        if fact.isPublic {
            put(keys.publicRoom(room.number), Array(fact.roomID.utf8))
        } else {
            delete(keys.publicRoom(room.number))
        }
    }

    private mutating func fold(_ fact: ReceiptsSet, at index: LogIndex) throws {
        guard let room = try room(fact.roomID), var head = try head(room.number) else { return }
        var isNews = false
        for receipt in fact.receipts {
            let key = keys.receipt(room.number, receipt.userID, receipt.type, receipt.thread)
            if let before: ReceiptRow = try row(key) {
                // What was read stays read, in whatever order two devices say so.
                guard before.receipt.position <= receipt.position else { continue }
                delete(keys.receiptLog(room.number, before))
            }
            let row = ReceiptRow(index: index, receipt: receipt)
            put(key, row.encoded)
            put(keys.receiptLog(room.number, row), row.encoded)
            isNews = true
        }
        guard isNews else { return }
        head.lastReceipt = index
        setHead(room.number, head)
        note(.receipts(roomID: fact.roomID, index: index))
    }

    mutating func useKey(_ keyID: UInt64) throws {
        var block: KeyBlockRow = try row(keys.keyBlock) ?? KeyBlockRow()
        block.use(keyID)
        put(keys.keyBlock, block.encoded)
    }
}

/// `membership` of a member event, from its clear part.
package func membershipWord(_ event: StoredEvent) -> String {
    word("membership", in: event) ?? "leave"
}

/// The word that visibility reads of a state event.
package func historyWord(_ event: StoredEvent) -> String {
    switch event.type {
    case "m.room.member": membershipWord(event)
    case "m.room.history_visibility": word("history_visibility", in: event) ?? "shared"
    default: ""
    }
}

private func word(_ key: String, in event: StoredEvent) -> String? {
    guard let document = try? JSONDocument(parsing: event.clear) else { return nil }
    return document.root[key]?.string
}
