/// Turns drafts into hashed, identified and signed events of one server.
package struct EventBuilder: Sendable {
    package let server: ServerName
    package let signingKey: SigningKey

    package init(server: ServerName, signingKey: SigningKey) {
        self.server = server
        self.signingKey = signingKey
    }

    /// - Parameter salt: 16 random bytes, never used for another event.
    package func build(
        _ draft: EventDraft,
        version: RoomVersion,
        salt: [UInt8]
    ) throws(EventError) -> PDU {
        precondition(salt.count == PDU.saltCount, "a salt is 16 bytes")
        try Self.check(draft, version)
        let layout = EventLayout(draft: draft, writesRoomID: draft.roomID != nil)
        let hashed = layout.hashed(salt: salt)
        let byteCount =
            hashed.count + EventLayout.closingCount(server: server, keyID: signingKey.keyID)
        guard byteCount <= PDU.bytesMax else { throw .tooLarge(bytes: byteCount) }

        let contentHash = sha256(hashed)
        let redacted = layout.redacted(
            content: try Self.redactedContent(of: draft, version),
            contentHash: contentHash
        )
        let eventID = EventID(referenceHash: sha256(redacted))
        let signature = EventSignature(
            server: server,
            keyID: signingKey.keyID,
            bytes: try signingKey.sign(redacted)
        )
        return PDU(
            eventID: eventID,
            roomID: draft.roomID ?? RoomID(create: eventID),
            type: draft.type,
            stateKey: draft.stateKey,
            sender: draft.sender,
            originServerTimestamp: draft.originServerTimestamp,
            depth: draft.depth,
            prevEvents: draft.prevEvents,
            authEvents: draft.authEvents,
            content: draft.content,
            contentHash: contentHash,
            signatures: [signature],
            salt: salt
        )
    }

    /// The ID a create event would get, without signing: to search a salt whose room ID falls
    /// into a wanted partition.
    package static func eventID(
        of draft: EventDraft,
        version: RoomVersion,
        salt: [UInt8]
    ) throws(EventError) -> EventID {
        try check(draft, version)
        let layout = EventLayout(draft: draft, writesRoomID: draft.roomID != nil)
        let redacted = layout.redacted(
            content: try redactedContent(of: draft, version),
            contentHash: sha256(layout.hashed(salt: salt))
        )
        return EventID(referenceHash: sha256(redacted))
    }

    private static func redactedContent(
        of draft: EventDraft,
        _ version: RoomVersion
    ) throws(EventError) -> [UInt8] {
        do {
            return try version.redactedContent(type: draft.type, content: draft.content)
        } catch {
            throw .badContent(error)
        }
    }

    private static func check(_ draft: EventDraft, _ version: RoomVersion) throws(EventError) {
        let namesItsRoom = version.roomIDIsCreateHash && draft.type == "m.room.create"
        guard (draft.roomID == nil) == namesItsRoom else { throw .roomIDMismatch }
        guard draft.type.utf8.count <= 255 else { throw .fieldTooLong(.type) }
        guard (draft.stateKey?.utf8.count ?? 0) <= 255 else { throw .fieldTooLong(.stateKey) }
        guard draft.sender.raw.utf8.count <= 255 else { throw .fieldTooLong(.sender) }
        guard (draft.roomID?.raw.utf8.count ?? 0) <= 255 else { throw .fieldTooLong(.roomID) }
        guard draft.prevEvents.count <= PDU.prevEventsMax else { throw .tooManyEvents(.prevEvents) }
        guard draft.authEvents.count <= PDU.authEventsMax else { throw .tooManyEvents(.authEvents) }
        guard (0...jsonIntegerMax).contains(draft.depth) else { throw .outOfRange(.depth) }
        guard (0...jsonIntegerMax).contains(draft.originServerTimestamp) else {
            throw .outOfRange(.timestamp)
        }
    }
}

extension PDU {
    /// Builds and signs in one call; `EventBuilder` when there are many.
    package static func build(
        _ draft: EventDraft,
        version: RoomVersion,
        salt: [UInt8],
        server: ServerName,
        signingKey: SigningKey
    ) throws(EventError) -> PDU {
        try EventBuilder(server: server, signingKey: signingKey)
            .build(draft, version: version, salt: salt)
    }
}
