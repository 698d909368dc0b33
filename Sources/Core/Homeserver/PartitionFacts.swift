package import Primitives

/// A message for another partition: the encoded fact it shall fold.
package struct OutboxQueued: FactPayload {
    package static var kind: UInt8 { 60 }
    package static var retention: Retention { .kept }
    package var target: UInt16
    package var message: [UInt8]

    package init(target: UInt16, message: [UInt8]) {
        self.target = target
        self.message = message
    }

    package func encode(into writer: inout ByteWriter) {
        writer.u16(target)
        writer.blob(message)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        target = try reader.u16()
        message = Array(try reader.blob())
    }
}

/// The message with this number from `source` is in this entry.
package struct OutboxReceived: FactPayload {
    package static var kind: UInt8 { 61 }
    package static var retention: Retention { .kept }
    package var source: UInt16
    package var sequence: UInt64

    package init(source: UInt16, sequence: UInt64) {
        self.source = source
        self.sequence = sequence
    }

    package func encode(into writer: inout ByteWriter) {
        writer.u16(source)
        writer.varint(sequence)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        source = try reader.u16()
        sequence = try reader.varint()
    }
}

/// `target` has folded all messages up to this number.
package struct OutboxAcknowledged: FactPayload {
    package static var kind: UInt8 { 62 }
    package static var retention: Retention { .passing }
    package var target: UInt16
    package var upTo: UInt64

    package init(target: UInt16, upTo: UInt64) {
        self.target = target
        self.upTo = upTo
    }

    package func encode(into writer: inout ByteWriter) {
        writer.u16(target)
        writer.varint(upTo)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        target = try reader.u16()
        upTo = try reader.varint()
    }
}

/// Key IDs `first ..< first + count` are durable and belong to this partition.
package struct KeyBlockGranted: FactPayload {
    package static var kind: UInt8 { 63 }
    package static var retention: Retention { .kept }
    package var first: UInt64
    package var count: UInt64

    package init(first: UInt64, count: UInt64) {
        self.first = first
        self.count = count
    }

    package func encode(into writer: inout ByteWriter) {
        writer.varint(first)
        writer.varint(count)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        first = try reader.varint()
        count = try reader.varint()
    }
}

/// Asks a room to show a member's new profile: becomes a member event there.
package struct ProfileSpread: FactPayload {
    package static var kind: UInt8 { 64 }
    package static var retention: Retention { .kept }
    package var userID: String
    package var roomID: String
    package var sealedProfile: [UInt8]
    package var userKeyID: UInt64

    package init(userID: String, roomID: String, sealedProfile: [UInt8], userKeyID: UInt64) {
        self.userID = userID
        self.roomID = roomID
        self.sealedProfile = sealedProfile
        self.userKeyID = userKeyID
    }

    package func encode(into writer: inout ByteWriter) {
        writer.string(userID)
        writer.string(roomID)
        writer.blob(sealedProfile)
        writer.varint(userKeyID)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        userID = try reader.string()
        roomID = try reader.string()
        sealedProfile = Array(try reader.blob())
        userKeyID = try reader.varint()
    }
}

/// Asks a room to let a deactivated user leave.
package struct DepartureAsked: FactPayload {
    package static var kind: UInt8 { 65 }
    package static var retention: Retention { .kept }
    package var userID: String
    package var roomID: String
    package var userKeyID: UInt64

    package init(userID: String, roomID: String, userKeyID: UInt64) {
        self.userID = userID
        self.roomID = roomID
        self.userKeyID = userKeyID
    }

    package func encode(into writer: inout ByteWriter) {
        writer.string(userID)
        writer.string(roomID)
        writer.varint(userKeyID)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        userID = try reader.string()
        roomID = try reader.string()
        userKeyID = try reader.varint()
    }
}

/// What the command that made this entry was answered.
package struct CommandAnswered: FactPayload {
    package static var kind: UInt8 { 80 }
    package static var retention: Retention { .passing }
    package var command: CommandID
    package var expiresAt: UInt64
    package var answer: [UInt8]

    package init(command: CommandID, expiresAt: UInt64, answer: [UInt8]) {
        self.command = command
        self.expiresAt = expiresAt
        self.answer = answer
    }

    package func encode(into writer: inout ByteWriter) {
        writer.u64(command.high)
        writer.u64(command.low)
        writer.varint(expiresAt)
        writer.blob(answer)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        command = CommandID(high: try reader.u64(), low: try reader.u64())
        expiresAt = try reader.varint()
        answer = Array(try reader.blob())
    }
}
