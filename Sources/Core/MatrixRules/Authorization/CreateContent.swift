package import MatrixModel

/// What the rules need of a room's `m.room.create` event. Decoded once: it never changes.
package struct CreateContent: Equatable, Sendable {
    package let version: RoomVersion
    package let sender: UserID
    /// Creators beside the sender. Empty before room version 12, where the key means nothing.
    package let additionalCreators: [UserID]
    /// `m.federate`. When false, only users of the creator's server may take part.
    package let isFederated: Bool
    /// `type`, such as `m.space`.
    package let roomType: String?
    /// The room this one replaces.
    package let predecessor: RoomID?

    package init(
        version: RoomVersion,
        sender: UserID,
        additionalCreators: [UserID] = [],
        isFederated: Bool = true,
        roomType: String? = nil,
        predecessor: RoomID? = nil
    ) {
        self.version = version
        self.sender = sender
        self.additionalCreators = version.creatorsAreAboveLevels ? additionalCreators : []
        self.isFederated = isFederated
        self.roomType = roomType
        self.predecessor = predecessor
    }

    /// Whether the user created the room or was named beside its creator.
    package func isCreator(_ user: UserID) -> Bool {
        user == sender || additionalCreators.contains(user)
    }

    package func hasInfinitePower(_ user: UserID) -> Bool {
        version.creatorsAreAboveLevels && isCreator(user)
    }
}

extension CreateContent {
    /// Decodes the content of a create event by rules 1.3 and, from version 12 on, 1.4.
    package init(_ content: JSONView?, sender: UserID) throws(AuthorizationDenial) {
        // Without the key a room has version 1, which this server does not know.
        guard let word = content?["room_version"]?.string, let version = RoomVersion(rawValue: word)
        else {
            throw .createRoomVersion
        }
        var creators: [UserID] = []
        if version.creatorsAreAboveLevels, let list = content?["additional_creators"] {
            guard list.isArray else { throw .createAdditionalCreators }
            for entry in list.elements {
                guard let text = entry.string, let user = UserID(text) else {
                    throw .createAdditionalCreators
                }
                if user != sender, !creators.contains(user) { creators.append(user) }
            }
        }
        self.init(
            version: version,
            sender: sender,
            additionalCreators: creators,
            isFederated: content?["m.federate"]?.bool ?? true,
            roomType: content?["type"]?.string,
            predecessor: content?["predecessor"]?["room_id"]?.string.flatMap { RoomID($0) }
        )
    }
}
