/// The room versions this server can create and serve, as values: what a rule asks, it asks a
/// property here, never the number.
package enum RoomVersion: String, Hashable, Sendable, CaseIterable, Comparable {
    case v11 = "11"
    case v12 = "12"

    /// As written in `m.room.create`.
    package var identifier: String { rawValue }

    /// How a PDU is laid out.
    package enum EventFormat: Hashable, Sendable {
        /// Event IDs are reference hashes; every event has a `room_id` (room version 4 to 11).
        case hashedEventIDs
        /// As before, but a create event has no `room_id`: its own hash is the room ID (12 on).
        case hashedRoomIDs
    }

    package var eventFormat: EventFormat {
        switch self {
        case .v11: .hashedEventIDs
        case .v12: .hashedRoomIDs
        }
    }

    package var redactionRules: RedactionRules { .v11 }

    /// The room ID is the create event's ID with `!` for `$`.
    package var roomIDIsCreateHash: Bool { eventFormat == .hashedRoomIDs }

    /// The create event's sender and its `additional_creators` stand above every power level and
    /// must not appear in `users`.
    package var creatorsAreAboveLevels: Bool { self >= .v12 }

    /// `auth_events` name the create event. In version 12 the room ID implies it instead.
    package var authEventsNameCreate: Bool { self < .v12 }

    /// State resolution begins with the unconflicted state (v2) or with nothing (v2.1).
    package var resolvesFromEmptyState: Bool { self >= .v12 }

    private var number: Int {
        switch self {
        case .v11: 11
        case .v12: 12
        }
    }

    package static func < (a: RoomVersion, b: RoomVersion) -> Bool { a.number < b.number }
}

/// Which content a redaction keeps.
package enum RedactionRules: Hashable, Sendable {
    /// Room version 11 on (rooms/v11, "Redactions").
    case v11
}
