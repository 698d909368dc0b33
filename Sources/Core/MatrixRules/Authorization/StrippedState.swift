package import MatrixModel

/// What somebody outside a room is shown of it, in invitations, knocks and restricted rooms
/// (Client-Server API, "Stripped state").
package enum StrippedState {
    /// Event types with an empty state key, in the order they are sent. The create event is a must.
    package static let types = [
        "m.room.create",
        "m.room.name",
        "m.room.avatar",
        "m.room.topic",
        "m.room.join_rules",
        "m.room.canonical_alias",
        "m.room.encryption",
    ]

    /// The state to show: the types above and the member event of whoever invites, so that a client
    /// can say by whom. The invitation itself is the caller's to add, last.
    package static func slots(inviter: UserID? = nil) -> [StateSlot] {
        var slots = types.map { StateSlot($0) }
        if let inviter { slots.append(StateSlot("m.room.member", inviter.raw)) }
        return slots
    }
}
