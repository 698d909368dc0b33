extension PDU {
    private func layout(_ version: RoomVersion) -> EventLayout {
        let namesItsRoom = version.roomIDIsCreateHash && type == "m.room.create"
        return EventLayout(
            draft: EventDraft(
                roomID: namesItsRoom ? nil : roomID,
                type: type,
                stateKey: stateKey,
                sender: sender,
                originServerTimestamp: originServerTimestamp,
                depth: depth,
                prevEvents: prevEvents,
                authEvents: authEvents,
                content: content
            ),
            writesRoomID: !namesItsRoom
        )
    }

    /// The federation format in canonical JSON, signatures included.
    package func canonicalBytes(version: RoomVersion) -> [UInt8] {
        layout(version).write(
            content: content,
            contentHash: contentHash,
            salt: salt,
            signatures: signatures
        )
    }

    /// What signatures and the event ID cover.
    package func redactedBytes(version: RoomVersion) throws(JSONError) -> [UInt8] {
        layout(version).redacted(
            content: try version.redactedContent(type: type, content: content),
            contentHash: contentHash
        )
    }

    /// True when content, salt and the other fields are what the content hash was made of.
    /// False for a redacted event: its ID and signatures still hold.
    package func isContentIntact(version: RoomVersion) -> Bool {
        sha256(layout(version).hashed(salt: salt)) == contentHash
    }

    /// True when the event ID (and in version 12 a create event's room ID) is the reference hash.
    package func isIdentifiedRightly(version: RoomVersion) -> Bool {
        guard let bytes = try? redactedBytes(version: version) else { return false }
        let expected = EventID(referenceHash: sha256(bytes))
        let namesItsRoom = version.roomIDIsCreateHash && type == "m.room.create"
        return eventID == expected && (!namesItsRoom || roomID == RoomID(create: expected))
    }

    /// True when `server` signed the event with `keyID` and `key` is its public half.
    package func isSigned(
        by server: ServerName,
        keyID: String,
        key: VerifyKey,
        version: RoomVersion
    ) -> Bool {
        guard
            let signature = signatures.first(where: {
                $0.server == server && $0.keyID.sameBytes(as: keyID)
            }),
            let bytes = try? redactedBytes(version: version)
        else { return false }
        return key.isValid(signature.bytes, of: bytes)
    }

    /// The event as it stands after a redaction: stripped content, no salt, the same ID, hash
    /// and signatures.
    package func redacted(version: RoomVersion) throws(JSONError) -> PDU {
        PDU(
            eventID: eventID,
            roomID: roomID,
            type: type,
            stateKey: stateKey,
            sender: sender,
            originServerTimestamp: originServerTimestamp,
            depth: depth,
            prevEvents: prevEvents,
            authEvents: authEvents,
            content: try version.redactedContent(type: type, content: content),
            contentHash: contentHash,
            signatures: signatures,
            salt: []
        )
    }
}
