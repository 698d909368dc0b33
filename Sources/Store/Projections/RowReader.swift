package import Homeserver
package import KeyValue
import MatrixModel
package import Primitives

/// The leader's reads: its own partition's rows, decoded as decisions need them.
package struct RowReader<Store: KeyValueReader>: HomeserverReader {
    package let rows: StateReader<Store>
    package init(_ rows: StateReader<Store>) { self.rows = rows }

    package func roomHead(_ roomID: String) throws -> RoomHead? {
        guard let room = try rows.room(roomID), let head = try rows.head(room),
            let version = RoomVersion(rawValue: room.version)
        else { return nil }
        var state: [StoredEvent] = []
        try rows.states(of: room) { placed in
            state.append(placed.event)
            return true
        }
        return RoomHead(
            roomID: roomID,
            version: version,
            keyID: room.keyID,
            state: state,
            lastEventID: head.lastEventID,
            depth: head.depth,
            isPublic: head.isPublic
        )
    }

    package func eventSender(_ eventID: String, in roomID: String) throws -> String? {
        guard let room = try rows.room(roomID) else { return nil }
        return try rows.event(eventID, in: room)?.event.sender
    }

    package func account(_ userID: String) throws -> AccountState? {
        try rows.account(userID).map {
            AccountState(
                keyID: $0.keyID,
                isAdministrator: $0.isAdministrator,
                isDeactivated: $0.isDeactivated
            )
        }
    }

    package func devices(of userID: String) throws -> [String] {
        try rows.devices(userID).map(\.deviceID)
    }

    package func memberships(of userID: String) throws -> [String: String] {
        var found: [String: String] = [:]
        for (room, row) in try rows.memberships(userID) { found[room] = row.membership }
        return found
    }

    package func accountDataUsage(of userID: String) throws -> AccountDataUsage {
        let row = try rows.accountDataTally(userID)
        return AccountDataUsage(items: Int(clamping: row.items), bytes: Int(clamping: row.bytes))
    }

    package func accountDataSize(
        _ userID: String,
        _ roomID: String,
        _ type: String
    ) throws -> Int? {
        try rows.accountData(userID, roomID, type)?.sealed.count
    }

    package func filterCount(of userID: String) throws -> Int { try rows.filterCount(userID) }

    package func alias(_ alias: String) throws -> AliasState? {
        try rows.alias(alias).map {
            AliasState(
                roomID: $0.roomID,
                creator: $0.creator,
                isConfirmed: $0.isConfirmed,
                expiresAt: $0.expiresAt
            )
        }
    }

    package func loginToken(_ mac: [UInt8]) throws -> LoginTokenState? {
        try rows.loginToken(mac).map {
            LoginTokenState(userID: $0.userID, expiresAt: $0.expiresAt)
        }
    }

    package func commandAnswer(_ id: CommandID) throws -> (expiresAt: UInt64, answer: [UInt8])? {
        try rows.commandResult(id).map { ($0.expiresAt, $0.answer) }
    }

    package func inboxSequence(from source: PartitionID) throws -> UInt64 {
        try rows.counter(rows.keys.inboxSequence(source))
    }

    package func keyRanges() throws -> [Range<UInt64>] { try rows.keyBlock().ranges }

    package func hasLostKeyBlocks() throws -> Bool {
        try rows.counter(rows.keys.outboxFloor) > 0 && rows.keyBlock().ranges.isEmpty
    }

    package func wrappedKeys(
        _ range: Range<UInt64>,
        limit: Int
    ) throws -> [(id: UInt64, wrapped: [UInt8])] {
        try rows.wrappedKeys(range, limit: limit)
    }

    package func keyErasure() throws -> KeyErasureState { try rows.keyErasure() }

    package func outboxNumbers() throws -> [(target: PartitionID, last: UInt64)] {
        try rows.outboxNumbers()
    }

    package func outboxWaiting() throws
        -> [(target: PartitionID, sequence: UInt64, message: [UInt8])]
    {
        var found: [(target: PartitionID, sequence: UInt64, message: [UInt8])] = []
        try rows.outbox { target, sequence, message in
            found.append((target, sequence, message))
            return true
        }
        return found
    }

    package func nextKeyID() throws -> UInt64 {
        max(1, try rows.counter(rows.keys.keyAllocation))
    }
}
