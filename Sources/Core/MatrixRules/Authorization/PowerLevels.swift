package import MatrixModel

/// An event type or a kind of notification, compared byte by byte: Swift's own comparison of texts
/// takes different spellings of one character for equal.
package struct PowerLevelKey: MatrixIdentifier, ExpressibleByStringLiteral {
    package let raw: String

    package init?(_ text: String) { raw = text }
    package init(trusted text: String) { raw = text }
    package init(stringLiteral text: String) { raw = text }
}

/// The content of `m.room.power_levels`, decoded once when the event becomes current. A nil
/// property is absent: its default applies, and the rules for changes tell it from a value equal
/// to the default.
package struct PowerLevels: Equatable, Sendable {
    /// The single levels, by their key in the content.
    package enum Field: String, CaseIterable, Sendable {
        case ban
        case eventsDefault = "events_default"
        case invite
        case kick
        case redact
        case stateDefault = "state_default"
        case usersDefault = "users_default"

        /// The level that holds while the key, or the whole event, is absent.
        package var defaultLevel: PowerLevel {
            switch self {
            case .ban, .kick, .redact, .stateDefault: 50
            case .eventsDefault, .invite, .usersDefault: 0
            }
        }
    }

    package var ban: PowerLevel?
    package var eventsDefault: PowerLevel?
    package var invite: PowerLevel?
    package var kick: PowerLevel?
    package var redact: PowerLevel?
    package var stateDefault: PowerLevel?
    package var usersDefault: PowerLevel?
    package var events: [PowerLevelKey: PowerLevel] = [:]
    package var notifications: [PowerLevelKey: PowerLevel] = [:]
    package var users: [UserID: PowerLevel] = [:]

    /// No key at all: every default applies.
    package init() {}

    package subscript(_ field: Field) -> PowerLevel? {
        get {
            switch field {
            case .ban: ban
            case .eventsDefault: eventsDefault
            case .invite: invite
            case .kick: kick
            case .redact: redact
            case .stateDefault: stateDefault
            case .usersDefault: usersDefault
            }
        }
        set {
            switch field {
            case .ban: ban = newValue
            case .eventsDefault: eventsDefault = newValue
            case .invite: invite = newValue
            case .kick: kick = newValue
            case .redact: redact = newValue
            case .stateDefault: stateDefault = newValue
            case .usersDefault: usersDefault = newValue
            }
        }
    }
}

extension PowerLevels {
    /// Decodes content by rules 9.1 to 9.3: whatever is there must be integers, and the keys of
    /// `users` user IDs. Unknown properties are skipped.
    package init(_ content: JSONView?) throws(AuthorizationDenial) {
        self.init()
        guard let content, content.isObject else { throw .malformedPowerLevels("content") }
        for member in content.members {
            let key = member.key
            if let field = Field(rawValue: key) {
                self[field] = try level(member.value, of: key)
                continue
            }
            switch key {
            case "events": events = try levels(member.value, of: key)
            case "notifications": notifications = try levels(member.value, of: key)
            case "users": users = try userLevels(member.value)
            default: break
            }
        }
    }
}

private func level(
    _ value: JSONView,
    of property: String
) throws(AuthorizationDenial) -> PowerLevel {
    guard let raw = value.integer else { throw .malformedPowerLevels(property) }
    return PowerLevel(Int(raw))
}

private func levels(
    _ value: JSONView,
    of property: String
) throws(AuthorizationDenial) -> [PowerLevelKey: PowerLevel] {
    guard value.isObject else { throw .malformedPowerLevels(property) }
    var result: [PowerLevelKey: PowerLevel] = [:]
    for member in value.members {
        result[PowerLevelKey(trusted: member.key)] = try level(member.value, of: property)
    }
    return result
}

private func userLevels(
    _ value: JSONView
) throws(AuthorizationDenial) -> [UserID: PowerLevel] {
    guard value.isObject else { throw .malformedPowerLevels("users") }
    var result: [UserID: PowerLevel] = [:]
    for member in value.members {
        guard let user = UserID(member.key) else { throw .malformedPowerLevels("users") }
        result[user] = try level(member.value, of: "users")
    }
    return result
}
