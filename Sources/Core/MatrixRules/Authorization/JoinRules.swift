package import MatrixModel

/// How users get into a room: the word of `join_rule`.
package enum JoinRule: String, Hashable, Sendable, CaseIterable {
    case `public`
    case knock
    case invite
    case `private`
    case restricted
    case knockRestricted = "knock_restricted"

    /// Whether `membership: knock` is open to anybody.
    package var allowsKnocking: Bool { self == .knock || self == .knockRestricted }
    /// Whether members of certain rooms may join without an invitation.
    package var isRestricted: Bool { self == .restricted || self == .knockRestricted }
}

/// The content of `m.room.join_rules`, decoded once when the event becomes current.
package struct JoinRules: Equatable, Sendable {
    /// nil for a word this server does not know: nobody joins or knocks by it.
    package let rule: JoinRule?
    /// Rooms whose members may join by a restricted rule; from `allow` entries of type
    /// `m.room_membership`. Other and malformed entries are left out.
    package let allowedRooms: [RoomID]

    package init(_ rule: JoinRule?, allowedRooms: [RoomID] = []) {
        self.rule = rule
        self.allowedRooms = allowedRooms
    }

    /// What holds while a room has no `m.room.join_rules`.
    package static let absent = JoinRules(.invite)
}

extension JoinRules {
    /// Lenient: the authorization rules do not look at this content before it becomes current.
    package init(_ content: JSONView?) {
        let rule = content?["join_rule"]?.string.flatMap { JoinRule(rawValue: $0) }
        var rooms: [RoomID] = []
        if rule?.isRestricted == true, let allow = content?["allow"]?.elements {
            for entry in allow where entry["type"]?.isString("m.room_membership") == true {
                if let room = entry["room_id"]?.string.flatMap({ RoomID($0) }),
                    !rooms.contains(room)
                {
                    rooms.append(room)
                }
            }
        }
        self.init(rule, allowedRooms: rooms)
    }
}
