package import Homeserver
package import Keyspace
package import Primitives

/// Values of the `state` database's rows. Each starts with a layout version; drawn in
/// `Specs/Formats/Keyspace.md`.
package protocol Row: Sendable, Hashable {
    static var version: UInt8 { get }
    func encode(into writer: inout ByteWriter)
    init(from reader: inout ByteReader) throws(DecodeError)
}

extension Row {
    package static var version: UInt8 { 1 }

    package var encoded: [UInt8] {
        var writer = ByteWriter(reserving: 96)
        writer.u8(Self.version)
        encode(into: &writer)
        return writer.bytes
    }

    package init(_ bytes: [UInt8]) throws(DecodeError) {
        var reader = ByteReader(bytes)
        let version = try reader.u8()
        guard version == Self.version else { throw .unknownVersion(UInt64(version)) }
        self = try Self(from: &reader)
        try reader.expectEnd()
    }
}

/// How far a partition's facts are folded into this database.
package struct AppliedRow: Row {
    package var index: LogIndex
    package var term: Term
    package var clock: HybridTimestamp

    package init(index: LogIndex, term: Term, clock: HybridTimestamp) {
        self.index = index
        self.term = term
        self.clock = clock
    }
    package func encode(into writer: inout ByteWriter) {
        writer.u64(index.raw)
        writer.u64(term.raw)
        writer.u64(clock.raw)
    }
    package init(from reader: inout ByteReader) throws(DecodeError) {
        index = LogIndex(try reader.u64())
        term = Term(try reader.u64())
        clock = HybridTimestamp(try reader.u64())
    }
}

/// What never changes about a room. `number` is the position of its create event: the room's
/// short name inside the partition.
package struct RoomRow: Row {
    package var number: UInt64
    package var version: String
    package var keyID: UInt64
    package var creator: String

    package init(number: UInt64, version: String, keyID: UInt64, creator: String) {
        self.number = number
        self.version = version
        self.keyID = keyID
        self.creator = creator
    }
    package func encode(into writer: inout ByteWriter) {
        writer.u64(number)
        writer.string(version)
        writer.varint(keyID)
        writer.string(creator)
    }
    package init(from reader: inout ByteReader) throws(DecodeError) {
        number = try reader.u64()
        version = try reader.string()
        keyID = try reader.varint()
        creator = try reader.string()
    }
}

/// What changes with every event of a room.
package struct RoomHeadRow: Row {
    package var lastEventID: String
    package var depth: UInt64
    package var lastPosition: StreamPosition
    /// Log index of the entry that last changed a receipt; zero for none.
    package var lastReceipt: LogIndex
    package var joined: UInt32
    package var invited: UInt32
    package var isPublic: Bool

    package init(lastEventID: String, depth: UInt64, lastPosition: StreamPosition) {
        self.lastEventID = lastEventID
        self.depth = depth
        self.lastPosition = lastPosition
        lastReceipt = .zero
        joined = 0
        invited = 0
        isPublic = false
    }
    package func encode(into writer: inout ByteWriter) {
        writer.string(lastEventID)
        writer.varint(depth)
        writer.u64(lastPosition.raw)
        writer.u64(lastReceipt.raw)
        writer.u32(joined)
        writer.u32(invited)
        writer.bool(isPublic)
    }
    package init(from reader: inout ByteReader) throws(DecodeError) {
        lastEventID = try reader.string()
        depth = try reader.varint()
        lastPosition = StreamPosition(try reader.u64())
        lastReceipt = LogIndex(try reader.u64())
        joined = try reader.u32()
        invited = try reader.u32()
        isPublic = try reader.bool()
    }
}

/// Where an event stands.
package struct EventLocationRow: Row {
    package var room: UInt64
    package var position: StreamPosition
    package init(room: UInt64, position: StreamPosition) {
        self.room = room
        self.position = position
    }
    package func encode(into writer: inout ByteWriter) {
        writer.u64(room)
        writer.u64(position.raw)
    }
    package init(from reader: inout ByteReader) throws(DecodeError) {
        room = try reader.u64()
        position = StreamPosition(try reader.u64())
    }
}

/// The event a state key has now, with the bytes of the event beside it (sealed as in the log).
package struct StateRow: Row {
    package var position: StreamPosition
    package var event: StoredEvent
    package init(position: StreamPosition, event: StoredEvent) {
        self.position = position
        self.event = event
    }
    package func encode(into writer: inout ByteWriter) {
        writer.u64(position.raw)
        event.encode(into: &writer)
    }
    package init(from reader: inout ByteReader) throws(DecodeError) {
        position = StreamPosition(try reader.u64())
        event = try StoredEvent(from: &reader)
    }
}

/// What a state key was set to at a position: the event, and the one word visibility needs
/// (`membership` of a member event, the setting of a history visibility event).
package struct StateHistoryRow: Row {
    package var eventID: String
    package var word: String
    package init(eventID: String, word: String) {
        self.eventID = eventID
        self.word = word
    }
    package func encode(into writer: inout ByteWriter) {
        writer.string(eventID)
        writer.string(word)
    }
    package init(from reader: inout ByteReader) throws(DecodeError) {
        eventID = try reader.string()
        word = try reader.string()
    }
}

/// Which state key the event at a position set.
package struct StateLogRow: Row {
    package var type: String
    package var stateKey: String
    package init(type: String, stateKey: String) {
        self.type = type
        self.stateKey = stateKey
    }
    package func encode(into writer: inout ByteWriter) {
        writer.string(type)
        writer.string(stateKey)
    }
    package init(from reader: inout ByteReader) throws(DecodeError) {
        type = try reader.string()
        stateKey = try reader.string()
    }
}

/// A user's receipt in a room, with the log index that set it.
package struct ReceiptRow: Row {
    package var index: LogIndex
    package var receipt: Receipt
    package init(index: LogIndex, receipt: Receipt) {
        self.index = index
        self.receipt = receipt
    }
    package func encode(into writer: inout ByteWriter) {
        writer.u64(index.raw)
        receipt.encode(into: &writer)
    }
    package init(from reader: inout ByteReader) throws(DecodeError) {
        index = LogIndex(try reader.u64())
        receipt = try Receipt(from: &reader)
    }
}

/// An account. `sealedCredentials` holds the password hash, sealed under the user's key.
package struct AccountRow: Row {
    package var keyID: UInt64
    package var createdAt: UInt64
    package var isAdministrator: Bool
    package var isDeactivated: Bool
    package var sealedCredentials: [UInt8]
    package init(
        keyID: UInt64,
        createdAt: UInt64,
        isAdministrator: Bool,
        isDeactivated: Bool,
        sealedCredentials: [UInt8]
    ) {
        self.keyID = keyID
        self.createdAt = createdAt
        self.isAdministrator = isAdministrator
        self.isDeactivated = isDeactivated
        self.sealedCredentials = sealedCredentials
    }
    package func encode(into writer: inout ByteWriter) {
        writer.varint(keyID)
        writer.varint(createdAt)
        writer.bool(isAdministrator)
        writer.bool(isDeactivated)
        writer.blob(sealedCredentials)
    }
    package init(from reader: inout ByteReader) throws(DecodeError) {
        keyID = try reader.varint()
        createdAt = try reader.varint()
        isAdministrator = try reader.bool()
        isDeactivated = try reader.bool()
        sealedCredentials = Array(try reader.blob())
    }
}

package struct DeviceRow: Row {
    package var tokenMAC: [UInt8]
    package var createdAt: UInt64
    package var sealedName: [UInt8]
    package init(tokenMAC: [UInt8], createdAt: UInt64, sealedName: [UInt8]) {
        self.tokenMAC = tokenMAC
        self.createdAt = createdAt
        self.sealedName = sealedName
    }
    package func encode(into writer: inout ByteWriter) {
        writer.blob(tokenMAC)
        writer.varint(createdAt)
        writer.blob(sealedName)
    }
    package init(from reader: inout ByteReader) throws(DecodeError) {
        tokenMAC = Array(try reader.blob())
        createdAt = try reader.varint()
        sealedName = Array(try reader.blob())
    }
}

/// Whose token a MAC belongs to.
package struct TokenRow: Row {
    package var userID: String
    package var deviceID: String
    package init(userID: String, deviceID: String) {
        self.userID = userID
        self.deviceID = deviceID
    }
    package func encode(into writer: inout ByteWriter) {
        writer.string(userID)
        writer.string(deviceID)
    }
    package init(from reader: inout ByteReader) throws(DecodeError) {
        userID = try reader.string()
        deviceID = try reader.string()
    }
}

/// An item of account data or a filter: sealed, with the log index that set it.
package struct SealedRow: Row {
    package var index: LogIndex
    package var sealed: [UInt8]
    package init(index: LogIndex, sealed: [UInt8]) {
        self.index = index
        self.sealed = sealed
    }
    package func encode(into writer: inout ByteWriter) {
        writer.u64(index.raw)
        writer.blob(sealed)
    }
    package init(from reader: inout ByteReader) throws(DecodeError) {
        index = LogIndex(try reader.u64())
        sealed = Array(try reader.blob())
    }
}

/// How much account data a user has: items, and their sealed bytes together.
package struct AccountDataTallyRow: Row {
    package var items: UInt64
    package var bytes: UInt64
    package init(items: UInt64 = 0, bytes: UInt64 = 0) {
        self.items = items
        self.bytes = bytes
    }
    package func encode(into writer: inout ByteWriter) {
        writer.varint(items)
        writer.varint(bytes)
    }
    package init(from reader: inout ByteReader) throws(DecodeError) {
        items = try reader.varint()
        bytes = try reader.varint()
    }

    /// One item takes the place of another, or of none.
    package mutating func replace(_ before: Int?, with now: Int) {
        if before == nil { items += 1 }
        bytes -= min(bytes, UInt64(before ?? 0))
        bytes += UInt64(now)
    }
}

/// A user's relation to a room, as their account's partition was told it.
package struct MembershipRow: Row {
    /// Log index (of the account's partition) that noted it.
    package var index: LogIndex
    /// The log index that noted how the user last came in; kept after they left, zero for never.
    /// A sync whose token is older sends the room as a new one.
    package var entered: LogIndex
    package var membership: String
    /// The membership before this one; empty for none.
    package var previous: String
    package var eventID: String
    package var sender: String
    package var roomPartition: PartitionID
    package var position: StreamPosition
    package var isForgotten: Bool
    package var isDirect: Bool
    /// For invites and knocks: the room's stripped state, sealed as in the room.
    package var strippedState: [StoredEvent]

    package init(
        index: LogIndex,
        entered: LogIndex,
        membership: String,
        previous: String,
        eventID: String,
        sender: String,
        roomPartition: PartitionID,
        position: StreamPosition,
        isForgotten: Bool,
        isDirect: Bool,
        strippedState: [StoredEvent]
    ) {
        self.index = index
        self.entered = entered
        self.membership = membership
        self.previous = previous
        self.eventID = eventID
        self.sender = sender
        self.roomPartition = roomPartition
        self.position = position
        self.isForgotten = isForgotten
        self.isDirect = isDirect
        self.strippedState = strippedState
    }
    package func encode(into writer: inout ByteWriter) {
        writer.u64(index.raw)
        writer.u64(entered.raw)
        writer.string(membership)
        writer.string(previous)
        writer.string(eventID)
        writer.string(sender)
        writer.u16(roomPartition.raw)
        writer.u64(position.raw)
        writer.bool(isForgotten)
        writer.bool(isDirect)
        writer.varint(strippedState.count)
        for event in strippedState { event.encode(into: &writer) }
    }
    package init(from reader: inout ByteReader) throws(DecodeError) {
        index = LogIndex(try reader.u64())
        entered = LogIndex(try reader.u64())
        membership = try reader.string()
        previous = try reader.string()
        eventID = try reader.string()
        sender = try reader.string()
        roomPartition = PartitionID(try reader.u16())
        position = StreamPosition(try reader.u64())
        isForgotten = try reader.bool()
        isDirect = try reader.bool()
        strippedState = []
        for _ in 0..<(try reader.count(limit: 64)) {
            strippedState.append(try StoredEvent(from: &reader))
        }
    }
}

package struct AliasRow: Row {
    package var roomID: String
    package var creator: String
    package var isConfirmed: Bool
    /// Milliseconds since 1970; only for reservations.
    package var expiresAt: UInt64
    package init(roomID: String, creator: String, isConfirmed: Bool, expiresAt: UInt64) {
        self.roomID = roomID
        self.creator = creator
        self.isConfirmed = isConfirmed
        self.expiresAt = expiresAt
    }
    package func encode(into writer: inout ByteWriter) {
        writer.string(roomID)
        writer.string(creator)
        writer.bool(isConfirmed)
        writer.varint(expiresAt)
    }
    package init(from reader: inout ByteReader) throws(DecodeError) {
        roomID = try reader.string()
        creator = try reader.string()
        isConfirmed = try reader.bool()
        expiresAt = try reader.varint()
    }
}

/// What an earlier command was answered; a retry gets the same until it expires.
package struct CommandResultRow: Row {
    package var expiresAt: UInt64
    package var answer: [UInt8]
    package init(expiresAt: UInt64, answer: [UInt8]) {
        self.expiresAt = expiresAt
        self.answer = answer
    }
    package func encode(into writer: inout ByteWriter) {
        writer.varint(expiresAt)
        writer.blob(answer)
    }
    package init(from reader: inout ByteReader) throws(DecodeError) {
        expiresAt = try reader.varint()
        answer = Array(try reader.blob())
    }
}

/// Key IDs a partition may still give out, as half-open ranges in the order they are used.
package struct KeyBlockRow: Row {
    package var ranges: [Range<UInt64>]
    package init(ranges: [Range<UInt64>] = []) { self.ranges = ranges }
    package func encode(into writer: inout ByteWriter) {
        writer.varint(ranges.count)
        for range in ranges {
            writer.varint(range.lowerBound)
            writer.varint(range.upperBound)
        }
    }
    package init(from reader: inout ByteReader) throws(DecodeError) {
        ranges = []
        for _ in 0..<(try reader.count(limit: 1_024)) {
            let first = try reader.varint()
            let end = try reader.varint()
            guard first <= end else { throw .invalid("a key block ends before it starts") }
            ranges.append(first..<end)
        }
    }

    /// Takes `keyID` and everything before it out of the block.
    package mutating func use(_ keyID: UInt64) {
        while let first = ranges.first, keyID >= first.lowerBound {
            if keyID < first.upperBound {
                ranges[0] = keyID + 1..<first.upperBound
                if ranges[0].isEmpty { ranges.removeFirst() }
                return
            }
            ranges.removeFirst()
        }
    }

    package var remaining: UInt64 { ranges.reduce(0) { $0 + UInt64($1.count) } }
}

/// A login token (`m.login.token`): usable once before it expires.
package struct LoginTokenRow: Row {
    package var userID: String
    package var expiresAt: UInt64
    package init(userID: String, expiresAt: UInt64) {
        self.userID = userID
        self.expiresAt = expiresAt
    }
    package func encode(into writer: inout ByteWriter) {
        writer.string(userID)
        writer.varint(expiresAt)
    }
    package init(from reader: inout ByteReader) throws(DecodeError) {
        userID = try reader.string()
        expiresAt = try reader.varint()
    }
}
