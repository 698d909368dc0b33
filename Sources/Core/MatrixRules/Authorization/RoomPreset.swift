package import MatrixModel

/// The presets of `createRoom`: what state a new room starts with. Contents are JSON texts, ready
/// to become events.
package enum RoomPreset: String, Hashable, Sendable, CaseIterable {
    case privateChat = "private_chat"
    case trustedPrivateChat = "trusted_private_chat"
    case publicChat = "public_chat"

    /// The preset of a request that names none.
    package init(isPublic: Bool) { self = isPublic ? .publicChat : .privateChat }

    package var joinRule: JoinRule { self == .publicChat ? .public : .invite }
    package var historyVisibility: HistoryVisibility { .shared }
    package var allowsGuests: Bool { self != .publicChat }

    /// Whether those invited at creation get the creator's power: listed at its level up to room
    /// version 11, named in `additional_creators` from 12 on.
    package var trustsInvitees: Bool { self == .trustedPrivateChat }

    /// Who goes into `additional_creators` of the create event: those the request names and, where
    /// the preset trusts them, the invitees; each once, without the creator. Empty before room
    /// version 12, where invitees are listed in the power levels instead.
    package func additionalCreators(
        version: RoomVersion,
        creator: UserID,
        requested: [UserID],
        invitees: [UserID]
    ) -> [UserID] {
        guard version.creatorsAreAboveLevels else { return [] }
        var seen: Set<UserID> = [creator]
        return (requested + (trustsInvitees ? invitees : [])).filter { seen.insert($0).inserted }
    }

    /// Content of `m.room.join_rules`.
    package var joinRulesContent: [UInt8] { object("join_rule", joinRule.rawValue) }
    /// Content of `m.room.history_visibility`.
    package var historyVisibilityContent: [UInt8] {
        object("history_visibility", historyVisibility.word)
    }
    /// Content of `m.room.guest_access`.
    package var guestAccessContent: [UInt8] {
        object("guest_access", allowsGuests ? "can_join" : "forbidden")
    }

    /// Content of the first `m.room.power_levels`.
    /// - Parameters:
    ///   - invitees: those invited at creation; heeded where `trustsInvitees` says so.
    ///   - override: `power_level_content_override`; each of its properties replaces the default
    ///     one whole.
    package func powerLevelsContent(
        version: RoomVersion,
        creator: UserID,
        invitees: [UserID] = [],
        override: JSONView? = nil
    ) -> [UInt8] {
        let creatorsAreListed = !version.creatorsAreAboveLevels
        var users: [JSONValue.Member] = []
        if creatorsAreListed {
            users.append(.init(creator.raw, 100))
            if trustsInvitees {
                for user in invitees where !users.contains(where: { $0.key == user.raw }) {
                    users.append(.init(user.raw, 100))
                }
            }
        }
        var content: JSONValue = [
            "ban": 50,
            "events": [
                "m.room.avatar": 50,
                "m.room.canonical_alias": 50,
                "m.room.encryption": 100,
                "m.room.history_visibility": 100,
                "m.room.name": 50,
                "m.room.power_levels": 100,
                "m.room.server_acl": 100,
                // Above every listed level from version 12 on: only creators replace the room.
                "m.room.tombstone": creatorsAreListed ? 100 : 150,
            ],
            "events_default": 0,
            "invite": self == .publicChat ? 50 : 0,
            "kick": 50,
            "redact": 50,
            "state_default": 50,
            "users": .object(users),
            "users_default": 0,
        ]
        for member in JSONView.members(of: override) {
            content[member.key] = JSONValue(member.value)
        }
        return content.serialized()
    }

    private func object(_ key: StaticString, _ value: String) -> [UInt8] {
        var writer = JSONWriter(reserving: 40)
        writer.object { $0.member(key, value) }
        return writer.finish()
    }
}

extension JSONView {
    fileprivate static func members(of view: JSONView?) -> [JSONMember] {
        view.map { Array($0.members) } ?? []
    }
}
