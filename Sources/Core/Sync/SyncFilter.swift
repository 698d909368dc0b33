package import MatrixModel

/// What a client wants to find in its syncs (Client-Server API, "Filtering"). `event_fields` is
/// checked and otherwise ignored: whole events are always allowed. Presence is not served yet.
package struct SyncFilter: Hashable, Sendable {
    package var accountData = EventFilter.everything
    package var presence = EventFilter.everything
    /// Rooms the whole answer is limited to.
    package var rooms: Set<String>?
    package var notRooms: Set<String> = []
    package var includeLeave = false
    package var timeline = EventFilter.everything
    package var state = EventFilter.everything
    package var ephemeral = EventFilter.everything
    package var roomAccountData = EventFilter.everything

    package static let none = SyncFilter()

    package init() {}

    package func permits(room: String) -> Bool {
        if notRooms.contains(room) { return false }
        return rooms?.contains(room) ?? true
    }

    package var lazyLoadMembers: Bool { state.lazyLoadMembers }
    /// Asked for under `timeline` by the specification, under `state` or `room` by some clients.
    package var unreadThreadNotifications: Bool {
        timeline.unreadThreadNotifications || state.unreadThreadNotifications
    }

    /// A filter as stored or given in the query.
    package init(parsing view: JSONView) throws(MatrixError) {
        guard view.isObject else { throw .badJSON("A filter must be an object") }
        _ = try texts(view["event_fields"], "event_fields")
        if let format = view["event_format"], !format.isNull {
            guard format.isString("client") || format.isString("federation") else {
                throw .badJSON("event_format must be client or federation")
            }
        }
        accountData = try EventFilter(parsing: present(view["account_data"]))
        presence = try EventFilter(parsing: present(view["presence"]))
        guard let room = present(view["room"]) else { return }
        guard room.isObject else { throw .badJSON("room must be an object") }
        rooms = try texts(room["rooms"], "rooms").map(Set.init)
        notRooms = Set(try texts(room["not_rooms"], "not_rooms") ?? [])
        includeLeave = try flag(room["include_leave"], "include_leave") ?? false
        timeline = try EventFilter(parsing: present(room["timeline"]))
        state = try EventFilter(parsing: present(room["state"]))
        ephemeral = try EventFilter(parsing: present(room["ephemeral"]))
        roomAccountData = try EventFilter(parsing: present(room["account_data"]))
    }
}

private func present(_ view: JSONView?) -> JSONView? { view.flatMap { $0.isNull ? nil : $0 } }
