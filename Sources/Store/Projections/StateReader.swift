package import Homeserver
package import KeyValue
package import Keyspace
package import Primitives

/// Reads one partition's rows from a store or a view of it. Cheap to make; holds no rows.
package struct StateReader<Store: KeyValueReader>: Sendable {
    package let partition: PartitionID
    package let keys: StateKeys
    package let store: Store

    package init(_ partition: PartitionID, _ store: Store) {
        self.partition = partition
        self.store = store
        keys = StateKeys(partition)
    }

    package func row<R: Row>(_ key: [UInt8], as type: R.Type = R.self) throws -> R? {
        guard let bytes = try store.get(key, in: .state) else { return nil }
        return try R(bytes)
    }

    package func scan(
        prefix: [UInt8],
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool
    ) throws {
        try store.scan(
            from: prefix,
            to: keyAfter(prefix: prefix),
            in: .state,
            reverse: false,
            body
        )
    }

    /// Every row under a prefix. A row that does not decode is the store's damage: thrown.
    package func rows<R: Row>(
        prefix: [UInt8],
        as type: R.Type = R.self,
        _ body: (UnsafeRawBufferPointer, R) -> Bool
    ) throws {
        var failure: DecodeError?
        try scan(prefix: prefix) { key, value in
            do throws(DecodeError) {
                return body(key, try R(Array(value)))
            } catch {
                failure = error
                return false
            }
        }
        if let failure { throw failure }
    }

    package var applied: AppliedRow? { get throws { try row(keys.applied) } }

    package func counter(_ key: [UInt8]) throws -> UInt64 {
        guard let bytes = try store.get(key, in: .state) else { return 0 }
        var reader = ByteReader(bytes)
        return try reader.u64()
    }
}

// MARK: Rooms

/// An event at its place in a room.
package struct PlacedEvent: Sendable, Hashable {
    package var position: StreamPosition
    package var event: StoredEvent
    package init(position: StreamPosition, event: StoredEvent) {
        self.position = position
        self.event = event
    }
}

/// Which current state to read.
package struct StateSelection: Sendable {
    package var type: String
    package var stateKey: String
    package init(_ type: String, _ stateKey: String = "") {
        self.type = type
        self.stateKey = stateKey
    }
}

extension StateReader {
    package func room(_ roomID: String) throws -> RoomRow? { try row(keys.roomByID(roomID)) }
    package func head(_ room: RoomRow) throws -> RoomHeadRow? {
        try row(keys.roomHead(room.number))
    }

    package func location(of eventID: String) throws -> EventLocationRow? {
        try row(keys.event(eventID))
    }

    package func event(at position: StreamPosition, in room: RoomRow) throws -> PlacedEvent? {
        guard let bytes = try store.get(keys.timeline(room.number, position), in: .state) else {
            return nil
        }
        return PlacedEvent(position: position, event: try StoredEvent(bytes[1...]))
    }

    package func event(_ eventID: String, in room: RoomRow) throws -> PlacedEvent? {
        guard let location = try location(of: eventID), location.room == room.number else {
            return nil
        }
        return try event(at: location.position, in: room)
    }

    /// Events with `lower ≤ position < upper`, oldest first, or newest first when `reverse`.
    /// `body` returns false to stop.
    package func timeline(
        of room: RoomRow,
        from lower: StreamPosition,
        to upper: StreamPosition,
        reverse: Bool,
        _ body: (PlacedEvent) throws -> Bool
    ) throws {
        guard lower < upper else { return }
        var failure: (any Error)?
        let skipped = keys.timelinePrefix(room.number).count
        try store.scan(
            from: keys.timeline(room.number, lower),
            to: keys.timeline(room.number, upper),
            in: .state,
            reverse: reverse
        ) { key, value in
            var parser = KeyParser(key, skipping: skipped)
            guard let raw = parser.u64() else { return false }
            do {
                let event = try StoredEvent(Array(value)[1...])
                return try body(PlacedEvent(position: StreamPosition(raw), event: event))
            } catch {
                failure = error
                return false
            }
        }
        if let failure { throw failure }
    }

    package func state(
        _ type: String,
        _ stateKey: String = "",
        in room: RoomRow
    ) throws
        -> PlacedEvent?
    {
        guard let row: StateRow = try row(keys.currentState(room.number, type, stateKey)) else {
            return nil
        }
        return PlacedEvent(position: row.position, event: row.event)
    }

    /// The current state events of a room, in the order of type and state key; only those of
    /// `type` when given.
    package func states(
        of room: RoomRow,
        type: String? = nil,
        _ body: (PlacedEvent) -> Bool
    ) throws {
        let prefix =
            type.map { keys.currentStatePrefix(room.number, $0) }
            ?? keys.currentStatePrefix(room.number)
        try rows(prefix: prefix, as: StateRow.self) { _, row in
            body(PlacedEvent(position: row.position, event: row.event))
        }
    }

    /// The event that set a state key, as of `position` inclusive.
    package func state(
        _ type: String,
        _ stateKey: String,
        in room: RoomRow,
        at position: StreamPosition
    ) throws -> (position: StreamPosition, row: StateHistoryRow)? {
        let prefix = keys.stateHistoryPrefix(room.number, type, stateKey)
        var found: (StreamPosition, StateHistoryRow)?
        var failure: DecodeError?
        try store.scan(
            from: prefix,
            to: keys.stateHistory(room.number, type, stateKey, position) + [0],
            in: .state,
            reverse: true
        ) { key, value in
            var parser = KeyParser(key, skipping: prefix.count)
            guard let raw = parser.u64() else { return false }
            do throws(DecodeError) {
                found = (StreamPosition(raw), try StateHistoryRow(Array(value)))
            } catch { failure = error }
            return false
        }
        if let failure { throw failure }
        return found
    }

    /// All values a state key ever had, oldest first.
    package func history(
        of type: String,
        _ stateKey: String,
        in room: RoomRow
    ) throws -> [(position: StreamPosition, row: StateHistoryRow)] {
        let prefix = keys.stateHistoryPrefix(room.number, type, stateKey)
        var found: [(StreamPosition, StateHistoryRow)] = []
        try rows(prefix: prefix, as: StateHistoryRow.self) { key, row in
            var parser = KeyParser(key, skipping: prefix.count)
            if let raw = parser.u64() { found.append((StreamPosition(raw), row)) }
            return true
        }
        return found
    }

    /// The whole state as of `position` inclusive: positions of the events that set it.
    /// `types` narrows it to those types.
    package func statePositions(
        of room: RoomRow,
        at position: StreamPosition,
        type: String? = nil
    ) throws -> [StreamPosition] {
        let prefix =
            type.map { keys.stateHistoryPrefix(room.number, $0) }
            ?? keys.stateHistoryPrefix(room.number)
        var current: [UInt8] = []
        var latest: StreamPosition?
        var found: [StreamPosition] = []
        try scan(prefix: prefix) { key, _ in
            let stem = Array(key[0..<key.count - 8])
            if stem != current {
                if let latest { found.append(latest) }
                current = stem
                latest = nil
            }
            var parser = KeyParser(key, skipping: key.count - 8)
            if let raw = parser.u64(), StreamPosition(raw) <= position {
                latest = StreamPosition(raw)
            }
            return true
        }
        if let latest { found.append(latest) }
        return found
    }

    /// Positions of state events with `lower ≤ position < upper`, oldest first, with what they set.
    package func stateChanges(
        in room: RoomRow,
        from lower: StreamPosition,
        to upper: StreamPosition
    ) throws -> [(position: StreamPosition, row: StateLogRow)] {
        guard lower < upper else { return [] }
        var found: [(StreamPosition, StateLogRow)] = []
        var failure: DecodeError?
        let skipped = keys.timelinePrefix(room.number).count
        try store.scan(
            from: keys.stateLog(room.number, lower),
            to: keys.stateLog(room.number, upper),
            in: .state,
            reverse: false
        ) { key, value in
            var parser = KeyParser(key, skipping: skipped)
            do throws(DecodeError) {
                if let raw = parser.u64() {
                    found.append((StreamPosition(raw), try StateLogRow(Array(value))))
                }
                return true
            } catch {
                failure = error
                return false
            }
        }
        if let failure { throw failure }
        return found
    }

    /// Whether any state was set with `lower ≤ position < upper`.
    package func hasStateChanges(
        in room: RoomRow,
        from lower: StreamPosition,
        to upper: StreamPosition
    ) throws -> Bool {
        guard lower < upper else { return false }
        var found = false
        try store.scan(
            from: keys.stateLog(room.number, lower),
            to: keys.stateLog(room.number, upper),
            in: .state,
            reverse: false
        ) { _, _ in
            found = true
            return false
        }
        return found
    }

    /// Receipts set after `index`, in the order in which they were.
    package func receipts(in room: RoomRow, since index: LogIndex) throws -> [Receipt] {
        var found: [Receipt] = []
        var failure: DecodeError?
        try store.scan(
            from: keys.receiptLog(room.number, index.next),
            to: keys.receiptLog(room.number, LogIndex(.max)),
            in: .state,
            reverse: false
        ) { _, value in
            do throws(DecodeError) {
                found.append(try ReceiptRow(Array(value)).receipt)
                return true
            } catch {
                failure = error
                return false
            }
        }
        if let failure { throw failure }
        return found
    }

    package func receipts(of user: String, in room: RoomRow) throws -> [Receipt] {
        var found: [Receipt] = []
        try rows(prefix: keys.receiptPrefix(room.number, user), as: ReceiptRow.self) { _, row in
            found.append(row.receipt)
            return true
        }
        return found
    }

    /// Room IDs this partition lists in the public directory.
    package func publicRooms() throws -> [String] {
        var found: [String] = []
        try scan(prefix: keys.publicRoomPrefix) { _, value in
            if let id = String(validating: value, as: UTF8.self) { found.append(id) }
            return true
        }
        return found
    }
}

// MARK: Accounts

extension StateReader {
    package func account(_ user: String) throws -> AccountRow? { try row(keys.account(user)) }
    package func token(_ mac: [UInt8]) throws -> TokenRow? { try row(keys.accessToken(mac)) }
    package func loginToken(_ mac: [UInt8]) throws -> LoginTokenRow? {
        try row(keys.loginToken(mac))
    }
    package func profile(_ user: String) throws -> SealedRow? { try row(keys.profile(user)) }
    package func filter(_ user: String, _ id: String) throws -> SealedRow? {
        try row(keys.filter(user, id))
    }
    package func membership(_ user: String, _ roomID: String) throws -> MembershipRow? {
        try row(keys.membership(user, roomID))
    }
    package func device(_ user: String, _ device: String) throws -> DeviceRow? {
        try row(keys.device(user, device))
    }
    package func alias(_ alias: String) throws -> AliasRow? { try row(keys.alias(alias)) }

    package func memberships(_ user: String) throws -> [(roomID: String, row: MembershipRow)] {
        try named(keys.membershipPrefix(user))
    }

    package func devices(_ user: String) throws -> [(deviceID: String, row: DeviceRow)] {
        try named(keys.devicePrefix(user)).map { ($0.roomID, $0.row) }
    }

    private func named<R: Row>(_ prefix: [UInt8]) throws -> [(roomID: String, row: R)] {
        var found: [(roomID: String, row: R)] = []
        try rows(prefix: prefix, as: R.self) { key, row in
            var parser = KeyParser(key, skipping: prefix.count)
            if let name = parser.last() { found.append((name, row)) }
            return true
        }
        return found
    }

    /// Global account data when `roomID` is empty, else that room's.
    package func accountData(
        _ user: String,
        _ roomID: String
    ) throws
        -> [(type: String, row: SealedRow)]
    {
        try named(keys.accountDataPrefix(user, roomID)).map { ($0.roomID, $0.row) }
    }

    package func accountData(_ user: String, _ roomID: String, _ type: String) throws -> SealedRow?
    {
        try row(keys.accountData(user, roomID, type))
    }

    package func accountDataTally(_ user: String) throws -> AccountDataTallyRow {
        try row(keys.accountDataTally(user)) ?? AccountDataTallyRow()
    }

    /// All account data set after `index`: the room is empty for global items.
    package func accountData(
        _ user: String,
        since index: LogIndex
    ) throws
        -> [(roomID: String, type: String, row: SealedRow)]
    {
        let prefix = keys.accountDataPrefix(user)
        var found: [(roomID: String, type: String, row: SealedRow)] = []
        try rows(prefix: prefix, as: SealedRow.self) { key, row in
            guard row.index > index else { return true }
            var parser = KeyParser(key, skipping: prefix.count)
            if let room = parser.text(), let type = parser.last() {
                found.append((room, type, row))
            }
            return true
        }
        return found
    }

    package func filterCount(_ user: String) throws -> Int {
        var count = 0
        try scan(prefix: keys.filterPrefix(user)) { _, _ in
            count += 1
            return true
        }
        return count
    }

    package func accounts(_ body: (String, AccountRow) -> Bool) throws {
        let prefix = keys.accountPrefix
        try rows(prefix: prefix, as: AccountRow.self) { key, row in
            var parser = KeyParser(key, skipping: prefix.count)
            return parser.last().map { body($0, row) } ?? true
        }
    }

    /// Confirmed aliases of this partition that stand for a room, sorted.
    package func aliases(of roomID: String) throws -> [String] {
        let prefix = keys.aliasOfRoomPrefix(roomID)
        var found: [String] = []
        try scan(prefix: prefix) { key, _ in
            var parser = KeyParser(key, skipping: prefix.count)
            if let alias = parser.last() { found.append(alias) }
            return true
        }
        return found
    }
}

// MARK: Plumbing

extension StateReader {
    /// Messages waiting for other partitions, by target and number.
    package func outbox(
        _ body: (_ target: PartitionID, _ sequence: UInt64, _ message: [UInt8]) -> Bool
    ) throws {
        let prefix = keys.outboxPrefix
        try scan(prefix: prefix) { key, value in
            var parser = KeyParser(key, skipping: prefix.count)
            guard let target = parser.u16(), let sequence = parser.u64() else { return true }
            return body(PartitionID(target), sequence, Array(value))
        }
    }

    /// The last number given out to each target.
    package func outboxNumbers() throws -> [(target: PartitionID, last: UInt64)] {
        var found: [(target: PartitionID, last: UInt64)] = []
        let prefix = keys.outboxNextPrefix
        try scan(prefix: prefix) { key, value in
            var parser = KeyParser(key, skipping: prefix.count)
            var reader = ByteReader(Array(value))
            if let target = parser.u16(), let last = try? reader.u64() {
                found.append((PartitionID(target), last))
            }
            return true
        }
        return found
    }

    package func commandResult(_ id: CommandID) throws -> CommandResultRow? {
        try row(keys.commandResult(id))
    }
    package func keyBlock() throws -> KeyBlockRow { try row(keys.keyBlock) ?? KeyBlockRow() }

    /// A wrapped key: nil when it is not here, empty when it was destroyed.
    package func wrappedKey(_ id: UInt64) throws -> [UInt8]? {
        try store.get(keys.wrappedKey(id), in: .state)
    }

    /// Whether the record that made key `id` lies before these rows: if the key has no row, that
    /// record was lost. Ask this before looking for the row, which may come in between.
    package func isKeyMade(_ id: UInt64) throws -> Bool {
        guard id > 0, id < (try counter(keys.keyAllocation)) else { return false }
        let erasure = try keyErasure()
        guard !erasure.isComplete, id > erasure.through, id < erasure.end else { return true }
        // Folded from a log that begins with a restatement, it may still be on its way; behind a
        // loss accepted since, everything that is left has been folded.
        return try counter(keys.outboxFloor) > Folder<Store>.numbersFloor(at: erasure.begunAt)
    }

    /// Wrapped keys with IDs in `range`, in order: empty where destroyed.
    package func wrappedKeys(
        _ range: Range<UInt64>,
        limit: Int
    ) throws -> [(id: UInt64, wrapped: [UInt8])] {
        let prefix = keys.wrappedKeyPrefix
        let rows = try store.rows(
            from: keys.wrappedKey(range.lowerBound),
            to: keys.wrappedKey(range.upperBound),
            in: .state,
            limit: limit
        )
        return rows.compactMap { key, value in
            key.withUnsafeBytes {
                var parser = KeyParser($0, skipping: prefix.count)
                return parser.u64().map { ($0, value) }
            }
        }
    }

    package func keyErasure() throws -> KeyErasureState {
        let found: KeyErasureRow? = try row(keys.keyErasure)
        return found?.state ?? KeyErasureState()
    }
}
