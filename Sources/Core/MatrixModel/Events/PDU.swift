/// An event as servers exchange it (server-server API, "PDUs"), decoded. `unsigned` is no part of
/// it. The salt is a top-level key of its own, covered by the content hash and stripped by
/// redaction, so that nobody can confirm a guess at an erased short text (architecture 2.6).
package struct PDU: Hashable, Sendable {
    package let eventID: EventID
    package let roomID: RoomID
    package let type: String
    package let stateKey: String?
    package let sender: UserID
    /// Milliseconds since 1970.
    package let originServerTimestamp: Int64
    package let depth: Int64
    package let prevEvents: [EventID]
    package let authEvents: [EventID]
    /// Canonical JSON object.
    package let content: [UInt8]
    /// SHA-256, 32 bytes.
    package let contentHash: [UInt8]
    package let signatures: [EventSignature]
    /// 16 bytes, or none for an event that was redacted or came from another server.
    package let salt: [UInt8]

    package init(
        eventID: EventID,
        roomID: RoomID,
        type: String,
        stateKey: String?,
        sender: UserID,
        originServerTimestamp: Int64,
        depth: Int64,
        prevEvents: [EventID],
        authEvents: [EventID],
        content: [UInt8],
        contentHash: [UInt8],
        signatures: [EventSignature],
        salt: [UInt8]
    ) {
        self.eventID = eventID
        self.roomID = roomID
        self.type = type
        self.stateKey = stateKey
        self.sender = sender
        self.originServerTimestamp = originServerTimestamp
        self.depth = depth
        self.prevEvents = prevEvents
        self.authEvents = authEvents
        self.content = content
        self.contentHash = contentHash
        self.signatures = signatures
        self.salt = salt
    }

    package var isState: Bool { stateKey != nil }

    /// Largest canonical PDU, signatures included.
    package static let bytesMax = 65_536
    package static let saltCount = 16
    package static let prevEventsMax = 20
    package static let authEventsMax = 10
}

/// One server's signature on an event.
package struct EventSignature: Hashable, Sendable {
    package let server: ServerName
    /// `ed25519:version`.
    package let keyID: String
    /// 64 bytes.
    package let bytes: [UInt8]

    package init(server: ServerName, keyID: String, bytes: [UInt8]) {
        self.server = server
        self.keyID = keyID
        self.bytes = bytes
    }
}

/// An event before it is hashed and signed.
package struct EventDraft: Hashable, Sendable {
    /// Nil only for a create event of a room named by its create event (room version 12 on).
    package var roomID: RoomID?
    package var type: String
    package var stateKey: String?
    package var sender: UserID
    /// Milliseconds since 1970.
    package var originServerTimestamp: Int64
    package var depth: Int64
    package var prevEvents: [EventID]
    package var authEvents: [EventID]
    /// Must be a canonical JSON object: `JSONView.canonical()` of what the client sent.
    package var content: [UInt8]

    package init(
        roomID: RoomID?,
        type: String,
        stateKey: String? = nil,
        sender: UserID,
        originServerTimestamp: Int64,
        depth: Int64,
        prevEvents: [EventID],
        authEvents: [EventID],
        content: [UInt8]
    ) {
        self.roomID = roomID
        self.type = type
        self.stateKey = stateKey
        self.sender = sender
        self.originServerTimestamp = originServerTimestamp
        self.depth = depth
        self.prevEvents = prevEvents
        self.authEvents = authEvents
        self.content = content
    }
}
