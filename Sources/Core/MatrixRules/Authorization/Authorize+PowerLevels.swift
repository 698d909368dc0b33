import MatrixModel

/// Rule 9 (rule 10 of version 12): a new `m.room.power_levels`.
func authorizePowerLevels(
    _ event: AuthorizableEvent,
    power: RoomPower,
    own: PowerLevel
) -> AuthorizationResult {
    let new: PowerLevels
    do {
        new = try PowerLevels(event.content)
    } catch {
        return .denied(error)
    }
    if power.create.version.creatorsAreAboveLevels,
        new.users[power.create.sender] != nil
            || power.create.additionalCreators.contains(where: { new.users[$0] != nil })
    {
        return .denied(.creatorInPowerLevels)
    }
    guard let old = power.levels else { return .allowed }
    if let property = forbiddenChange(from: old, to: new, sender: event.sender, own: own) {
        return .denied(.powerLevelChange(property))
    }
    return .allowed
}

/// 9.5 to 9.9. The first property the sender may not change so, or nil.
private func forbiddenChange(
    from old: PowerLevels,
    to new: PowerLevels,
    sender: UserID,
    own: PowerLevel
) -> String? {
    for field in PowerLevels.Field.allCases where old[field] != new[field] {
        // An absent value is none: the rule compares what is written.
        if let was = old[field], was > own { return field.rawValue }
        if let becomes = new[field], becomes > own { return field.rawValue }
    }
    if let key = forbiddenEntry(from: old.events, to: new.events, own: own) {
        return "events.\(key)"
    }
    if let key = forbiddenEntry(from: old.notifications, to: new.notifications, own: own) {
        return "notifications.\(key)"
    }
    for (user, was) in old.users where new.users[user] != was {
        // Oneself may step down from any level; others only from below one's own.
        if user != sender, was >= own { return "users.\(user)" }
    }
    for (user, becomes) in new.users where old.users[user] != becomes {
        if becomes > own { return "users.\(user)" }
    }
    return nil
}

private func forbiddenEntry(
    from old: [PowerLevelKey: PowerLevel],
    to new: [PowerLevelKey: PowerLevel],
    own: PowerLevel
) -> PowerLevelKey? {
    for (key, was) in old where new[key] != was && was > own { return key }
    for (key, becomes) in new where old[key] != becomes && becomes > own { return key }
    return nil
}
