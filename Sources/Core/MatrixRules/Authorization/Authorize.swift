package import MatrixModel

/// The authorization rules of room versions 11 and 12 for one event against the state before it
/// (room version 11, "Authorisation rules"). Rule 2, on the entries of `auth_events`, is
/// `authorizeAuthEvents`.
///
/// - Parameters:
///   - version: of the room; a create event must ask for the same.
///   - state: the room's state before the event.
package func authorize(
    _ event: AuthorizableEvent,
    in version: RoomVersion,
    state: some AuthorizationState
) -> AuthorizationResult {
    if event.type == "m.room.create" { return authorizeCreate(event, in: version, state: state) }
    guard let power = state.power else { return .denied(.noCreateEvent) }
    if !power.create.isFederated, event.sender.serverName != power.create.sender.serverName {
        return .denied(.notFederated)
    }
    if event.type == "m.room.member" {
        return authorizeMember(event, power: power, state: state)
    }
    guard state.membership(of: event.sender) == .join else { return .denied(.senderNotJoined) }

    let own = power.level(of: event.sender)
    if event.type == "m.room.third_party_invite" {
        return require(power.level(for: .invite), own)
    }
    let needed = power.levelToSend(event.type, isState: event.stateKey != nil)
    guard own >= needed else { return .denied(.insufficientPower(needed: needed, has: own)) }
    if let key = event.stateKey, key.utf8.first == UInt8(ascii: "@"),
        UserID(trusted: key) != event.sender
    {
        return .denied(.foreignStateKey)
    }
    if event.type == "m.room.power_levels" {
        return authorizePowerLevels(event, power: power, own: own)
    }
    return .allowed
}

/// Allowed if `own` reaches `needed`.
func require(_ needed: PowerLevel, _ own: PowerLevel) -> AuthorizationResult {
    own >= needed ? .allowed : .denied(.insufficientPower(needed: needed, has: own))
}

/// Rule 1.
private func authorizeCreate(
    _ event: AuthorizableEvent,
    in version: RoomVersion,
    state: some AuthorizationState
) -> AuthorizationResult {
    guard event.ancestry == .none, state.power == nil else {
        return .denied(.createHasPreviousEvents)
    }
    if !version.roomIDIsCreateHash {
        // An ID without a server cannot have the sender's.
        guard let id = event.roomID, let colon = id.utf8.firstIndex(of: UInt8(ascii: ":")),
            id[id.index(after: colon)...] == event.sender.serverName
        else { return .denied(.createRoomID) }
    } else if event.roomID != nil {
        return .denied(.createRoomID)
    }
    do {
        let content = try CreateContent(event.content, sender: event.sender)
        guard content.version == version else { return .denied(.createRoomVersion) }
        return .allowed
    } catch {
        return .denied(error)
    }
}
