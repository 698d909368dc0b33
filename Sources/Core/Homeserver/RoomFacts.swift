package import Primitives

/// A room began. Its number is the position of its create event.
package struct RoomCreated: FactPayload {
    package static var kind: UInt8 { 1 }
    package static var retention: Retention { .kept }
    package var roomID: String
    package var version: String
    package var keyID: UInt64
    package var creator: String

    package init(roomID: String, version: String, keyID: UInt64, creator: String) {
        self.roomID = roomID
        self.version = version
        self.keyID = keyID
        self.creator = creator
    }

    package func encode(into writer: inout ByteWriter) {
        writer.string(roomID)
        writer.string(version)
        writer.varint(keyID)
        writer.string(creator)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        roomID = try reader.string()
        version = try reader.string()
        keyID = try reader.varint()
        creator = try reader.string()
    }
}

/// An event joined a room's timeline.
package struct EventAppended: FactPayload {
    package static var kind: UInt8 { 2 }
    package static var retention: Retention { .kept }
    package var roomID: String
    package var event: StoredEvent

    package init(roomID: String, event: StoredEvent) {
        self.roomID = roomID
        self.event = event
    }

    package func encode(into writer: inout ByteWriter) {
        writer.string(roomID)
        event.encode(into: &writer)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        roomID = try reader.string()
        event = try StoredEvent(from: &reader)
    }
}

/// A room was listed in, or taken off, the public directory.
package struct RoomPublished: FactPayload {
    package static var kind: UInt8 { 3 }
    package static var retention: Retention { .kept }
    package var roomID: String
    package var isPublic: Bool

    package init(roomID: String, isPublic: Bool) {
        self.roomID = roomID
        self.isPublic = isPublic
    }

    package func encode(into writer: inout ByteWriter) {
        writer.string(roomID)
        writer.bool(isPublic)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        roomID = try reader.string()
        isPublic = try reader.bool()
    }
}

/// Receipts of one room; `thread` is empty for unthreaded ones.
package struct ReceiptsSet: FactPayload {
    package static var kind: UInt8 { 20 }
    package static var retention: Retention { .passing }
    package var roomID: String
    package var receipts: [Receipt]

    package init(roomID: String, receipts: [Receipt]) {
        self.roomID = roomID
        self.receipts = receipts
    }

    package func encode(into writer: inout ByteWriter) {
        writer.string(roomID)
        writer.varint(receipts.count)
        for each in receipts { each.encode(into: &writer) }
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        roomID = try reader.string()
        receipts = []
        for _ in 0..<(try reader.count(limit: EntryBody.factsMax)) {
            receipts.append(try Receipt(from: &reader))
        }
    }
}

/// One receipt: `user` has read up to `eventID`.
package struct Receipt: Sendable, Hashable {
    package var userID: String
    /// `m.read` or `m.read.private`.
    package var type: String
    /// `main`, a thread root, or empty for unthreaded.
    package var thread: String
    package var eventID: String
    /// `StreamPosition.raw` of the event.
    package var position: UInt64
    /// Milliseconds since 1970.
    package var timestamp: UInt64

    package init(
        userID: String,
        type: String,
        thread: String,
        eventID: String,
        position: UInt64,
        timestamp: UInt64
    ) {
        self.userID = userID
        self.type = type
        self.thread = thread
        self.eventID = eventID
        self.position = position
        self.timestamp = timestamp
    }

    package func encode(into writer: inout ByteWriter) {
        writer.string(userID)
        writer.string(type)
        writer.string(thread)
        writer.string(eventID)
        writer.u64(position)
        writer.varint(timestamp)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        userID = try reader.string()
        type = try reader.string()
        thread = try reader.string()
        eventID = try reader.string()
        position = try reader.u64()
        timestamp = try reader.varint()
    }
}
