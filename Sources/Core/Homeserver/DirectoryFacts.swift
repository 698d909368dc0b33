package import Primitives

/// An alias is held for a room until `expiresAt` (ms) unless confirmed.
package struct AliasReserved: FactPayload {
    package static var kind: UInt8 { 50 }
    package static var retention: Retention { .kept }
    package var alias: String
    package var roomID: String
    package var creator: String
    package var expiresAt: UInt64

    package init(alias: String, roomID: String, creator: String, expiresAt: UInt64) {
        self.alias = alias
        self.roomID = roomID
        self.creator = creator
        self.expiresAt = expiresAt
    }

    package func encode(into writer: inout ByteWriter) {
        writer.string(alias)
        writer.string(roomID)
        writer.string(creator)
        writer.varint(expiresAt)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        alias = try reader.string()
        roomID = try reader.string()
        creator = try reader.string()
        expiresAt = try reader.varint()
    }
}

/// An alias points to a room.
package struct AliasConfirmed: FactPayload {
    package static var kind: UInt8 { 51 }
    package static var retention: Retention { .kept }
    package var alias: String
    package var roomID: String
    package var creator: String

    package init(alias: String, roomID: String, creator: String) {
        self.alias = alias
        self.roomID = roomID
        self.creator = creator
    }

    package func encode(into writer: inout ByteWriter) {
        writer.string(alias)
        writer.string(roomID)
        writer.string(creator)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        alias = try reader.string()
        roomID = try reader.string()
        creator = try reader.string()
    }
}

/// An alias is free again.
package struct AliasRemoved: FactPayload {
    package static var kind: UInt8 { 52 }
    package static var retention: Retention { .kept }
    package var alias: String

    package init(alias: String) {
        self.alias = alias
    }

    package func encode(into writer: inout ByteWriter) {
        writer.string(alias)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        alias = try reader.string()
    }
}
