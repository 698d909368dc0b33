/// What the specification says of who may read, as tables: nothing here asks the code.
enum VisibilityTable {
    static let settings = ["world_readable", "shared", "invited", "joined"]

    /// A reader's membership when the event was sent.
    enum Then: String, CaseIterable, Sendable {
        case never, invited, joined, left, banned
    }

    /// What became of the reader after the event.
    enum Now: String, CaseIterable, Sendable {
        case same, invited, joined, left, kicked, banned
        /// Invited and declined, or banned without having come in.
        case declined, shutOut
    }

    /// What happens to the reader, one event each.
    enum Step: Sendable {
        case invite, join, leave, kick, ban, unban

        /// The membership after it.
        var then: Then {
            switch self {
            case .invite: .invited
            case .join: .joined
            case .leave, .kick, .unban: .left
            case .ban: .banned
            }
        }
    }

    struct Row: Sendable, CustomStringConvertible {
        let setting: String
        let then: Then
        let now: Now
        /// From the start to `then`.
        let before: [Step]
        /// From `then` to `now`.
        let after: [Step]

        var description: String { "\(setting), \(then) then, \(now) now" }
    }

    /// Every setting with every way from one membership to another that the rules allow.
    static func rows(_ setting: String) -> [Row] {
        Then.allCases.flatMap { then in
            Now.allCases.compactMap { now in
                steps(from: then, to: now).map {
                    Row(setting: setting, then: then, now: now, before: steps(to: then), after: $0)
                }
            }
        }
    }

    private static func steps(to then: Then) -> [Step] {
        switch then {
        case .never: []
        case .invited: [.invite]
        case .joined: [.join]
        case .left: [.join, .leave]
        case .banned: [.join, .ban]
        }
    }

    private static func steps(from then: Then, to now: Now) -> [Step]? {
        let back: [Step] = then == .banned ? [.unban] : []
        let comesIn: [Step] = then == .joined ? [] : back + [.join]
        switch now {
        case .same: return []
        case .invited:
            return then == .invited ? nil : then == .joined ? [.leave, .invite] : back + [.invite]
        case .joined: return then == .joined ? [.leave, .join] : comesIn
        case .left: return comesIn + [.leave]
        case .kicked: return comesIn + [.kick]
        case .banned: return comesIn + [.ban]
        case .declined:
            return then == .invited ? [.leave] : then == .never ? [.invite, .leave] : nil
        case .shutOut: return then == .never ? [.ban] : then == .invited ? [.kick, .ban] : nil
        }
    }

    /// Client-Server API, "Room History Visibility", server behaviour, rules 1 to 5. For each
    /// membership at the event: `-` hidden, `+` shown, `j` shown to who joined at any later time.
    private static let rules: [String: [Then: Character]] = [
        "world_readable": [.never: "+", .invited: "+", .joined: "+", .left: "+", .banned: "+"],
        "shared": [.never: "j", .invited: "j", .joined: "+", .left: "j", .banned: "j"],
        "invited": [.never: "-", .invited: "+", .joined: "+", .left: "-", .banned: "-"],
        "joined": [.never: "-", .invited: "-", .joined: "+", .left: "-", .banned: "-"],
    ]

    static func shows(_ setting: String, _ membership: Then, joinsLater: Bool) -> Bool {
        switch rules[setting]?[membership] {
        case "+": true
        case "j": joinsLater
        default: false
        }
    }
}

extension VisibilityTable.Row {
    var steps: [VisibilityTable.Step] { before + after }
    var membership: VisibilityTable.Then { steps.last?.then ?? .never }
    var isIn: Bool { membership == .joined }
    /// "A member of the room, or previously a member of the room" (`/state`, `/members`).
    var wasEverIn: Bool {
        steps.contains { $0.then == .joined }
    }

    /// The event between `before` and `after`.
    var showsEvent: Bool {
        VisibilityTable.shows(
            setting,
            then,
            joinsLater: after.contains { $0.then == .joined }
        )
    }

    /// An event sent when all was done.
    var showsLast: Bool { VisibilityTable.shows(setting, membership, joinsLater: false) }

    /// 403 "You aren't a member of the room" otherwise (`/messages`, `/state`, `/members`); whoever
    /// may see a world-readable room may look at it from outside.
    var mayAsk: Bool { wasEverIn || setting == "world_readable" }

    /// The room's topic when the reader looks: 0 before the event, 1 after it, 2 at the end. Who
    /// left sees the state as it was then.
    var topic: Int {
        guard wasEverIn, !isIn else { return 2 }
        let out = steps.indices.last { index in
            index > 0 && steps[index - 1].then == .joined && steps[index].then != .joined
        }
        return (out ?? 0) < before.count ? 0 : 1
    }

    /// Whether the event came before the reader was out for the last time.
    var leavesAfterEvent: Bool { topic > 0 }
}
