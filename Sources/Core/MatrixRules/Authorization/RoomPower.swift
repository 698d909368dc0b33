package import MatrixModel

/// Who may do how much in a room right now: its creators and its current power levels together.
/// Keep one per room and make a new one when either event changes; asking costs a dictionary look-up.
package struct RoomPower: Sendable {
    /// Shared, so that handing it out costs one reference and not a dozen.
    private final class Storage: Sendable {
        let create: CreateContent
        let levels: PowerLevels?

        init(_ create: CreateContent, _ levels: PowerLevels?) {
            self.create = create
            self.levels = levels
        }
    }

    private let storage: Storage

    package init(create: CreateContent, levels: PowerLevels?) {
        storage = Storage(create, levels)
    }

    package var create: CreateContent { storage.create }
    /// nil while the room has no `m.room.power_levels`.
    package var levels: PowerLevels? { storage.levels }

    /// The level of a user, member or not.
    package func level(of user: UserID) -> PowerLevel {
        if create.hasInfinitePower(user) { return .infinite }
        guard let levels else {
            // Up to version 11 a room without power levels belongs to whoever created it.
            return !create.version.creatorsAreAboveLevels && user == create.sender ? 100 : 0
        }
        return levels.users[user] ?? level(for: .usersDefault)
    }

    /// The level an action asks for.
    package func level(for field: PowerLevels.Field) -> PowerLevel {
        levels?[field] ?? field.defaultLevel
    }

    /// The level needed to send an event of this type. Not for `m.room.member`, which has rules
    /// of its own.
    package func levelToSend(_ type: String, isState: Bool) -> PowerLevel {
        levels?.events[PowerLevelKey(trusted: type)]
            ?? level(for: isState ? .stateDefault : .eventsDefault)
    }

    /// The level needed to notify by `key` of `notifications`, such as `room`.
    package func levelToNotify(_ key: String) -> PowerLevel {
        levels?.notifications[PowerLevelKey(trusted: key)] ?? 50
    }

    /// Whether `user` is allowed to do what `field` guards.
    package func permits(_ user: UserID, _ field: PowerLevels.Field) -> Bool {
        level(of: user) >= level(for: field)
    }

    /// Whether `user` may send an event of this type, membership aside.
    package func permits(_ user: UserID, sending type: String, isState: Bool) -> Bool {
        level(of: user) >= levelToSend(type, isState: isState)
    }

    /// Whether a redaction by `redactor` takes effect on an event of `author`. The authorization
    /// rules let any redaction event pass; this is the check at the moment it would be applied.
    ///
    /// The Client-Server API's reading: one's own events, or anybody's from the redact level on.
    /// The specification of room versions lets two users of one *server* redact each other, which
    /// is a rule for servers that trust their own users' requests to have been checked like this.
    package func permitsRedaction(by redactor: UserID, of author: UserID) -> Bool {
        redactor == author || permits(redactor, .redact)
    }

    /// Whether `user`, being joined, may vouch for joins under `restricted` join rules by
    /// `join_authorised_via_users_server`.
    package func permitsAuthorisingJoins(_ user: UserID) -> Bool { permits(user, .invite) }
}
