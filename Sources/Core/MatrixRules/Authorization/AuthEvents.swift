package import MatrixModel

/// The state whose events go into `auth_events` of `event`, as far as the room has them
/// (Server-Server API, "Auth events selection"). No slot occurs twice.
package func authEventSlots(
    for event: AuthorizableEvent,
    in version: RoomVersion
) -> [StateSlot] {
    guard event.type != "m.room.create" else { return [] }
    var slots: [StateSlot] = []
    slots.reserveCapacity(6)
    // From version 12 on the room ID names the create event, so it is not listed.
    if version.authEventsNameCreate { slots.append(StateSlot("m.room.create")) }
    slots.append(StateSlot("m.room.power_levels"))
    slots.append(StateSlot("m.room.member", event.sender.raw))
    guard event.type == "m.room.member", let target = event.stateKey else { return slots }

    func appendOnce(_ slot: StateSlot) {
        if !slots.contains(slot) { slots.append(slot) }
    }
    appendOnce(StateSlot("m.room.member", target))
    let content = MemberContent(event.content)
    switch content.membership {
    case .join:
        slots.append(StateSlot("m.room.join_rules"))
        if let authoriser = content.joinAuthoriser {
            appendOnce(StateSlot("m.room.member", authoriser))
        }
    case .invite:
        slots.append(StateSlot("m.room.join_rules"))
        if let token = content.thirdPartyInvite?["signed"]?["token"]?.string {
            slots.append(StateSlot("m.room.third_party_invite", token))
        }
    case .knock:
        slots.append(StateSlot("m.room.join_rules"))
    case .leave, .ban, nil:
        break
    }
    return slots
}

/// What is known of one entry of an event's `auth_events` (rule 2; rule 3 of version 12).
package struct AuthEventReference: Sendable {
    package let slot: StateSlot
    package let isRejected: Bool
    package let isOfSameRoom: Bool

    package init(_ slot: StateSlot, isRejected: Bool = false, isOfSameRoom: Bool = true) {
        self.slot = slot
        self.isRejected = isRejected
        self.isOfSameRoom = isOfSameRoom
    }
}

/// Checks the entries of `auth_events` of an event that came from elsewhere. An event this server
/// builds takes its entries from `authEventSlots` and needs no check.
package func authorizeAuthEvents(
    _ references: [AuthEventReference],
    of event: AuthorizableEvent,
    in version: RoomVersion
) -> AuthorizationResult {
    guard event.type != "m.room.create" else { return .allowed }
    let expected = authEventSlots(for: event, in: version)
    var seen: Set<StateSlot> = []
    for reference in references {
        if !seen.insert(reference.slot).inserted {
            return .denied(.duplicateAuthEvent(reference.slot))
        }
        if !expected.contains(reference.slot) {
            return .denied(.unexpectedAuthEvent(reference.slot))
        }
        if reference.isRejected { return .denied(.rejectedAuthEvent(reference.slot)) }
    }
    if version.authEventsNameCreate, !seen.contains(StateSlot("m.room.create")) {
        return .denied(.noCreateEvent)
    }
    if let foreign = references.first(where: { !$0.isOfSameRoom }) {
        return .denied(.foreignAuthEvent(foreign.slot))
    }
    return .allowed
}
