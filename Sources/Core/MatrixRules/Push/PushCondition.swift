import MatrixModel

/// One condition of a push rule, made ready for judging many events. Anything unknown or malformed
/// is `never`: such a rule must not match.
enum PushCondition: Sendable {
    case matches(PushPath, Glob)
    /// `event_match` without wildcards, in lower case: most conditions there are.
    case equals(PushPath, String)
    /// `event_match` on `content.body`: some words of it.
    case bodyMatches(Glob)
    case stateKeyIsOwner
    case mentionsOwner
    case mentionsRoom
    case has(PushPath, PushScalar)
    case contains(PushPath, PushScalar)
    case containsDisplayName
    case memberCount(Comparison, Int)
    case senderMayNotify(String)
    case isInRoom(RoomID)
    case isFrom(UserID)
    /// The event does not name its mentions, so a rule that guesses them may look.
    case mentionsAreUnknown
    case never

    enum Comparison: Sendable {
        case equal, less, more, atMost, atLeast

        func holds(_ a: Int, _ b: Int) -> Bool {
            switch self {
            case .equal: a == b
            case .less: a < b
            case .more: a > b
            case .atMost: a <= b
            case .atLeast: a >= b
            }
        }
    }

    /// - Parameter owner: whose rule it is. Conditions on the owner's ID become conditions on
    ///   "the owner", so that all users share one compiled copy of the defaults.
    init(_ condition: JSONValue, owner: UserID) {
        let key = condition["key"]?.string
        switch condition["kind"]?.string {
        case "event_match":
            guard let key, let pattern = condition["pattern"]?.string else { break }
            let path = PushPath(key)
            if path == .stateKey, UserID(trusted: pattern) == owner {
                self = .stateKeyIsOwner
            } else if path == .body {
                self = .bodyMatches(Glob(pattern))
            } else if !Glob.hasWildcards(pattern) {
                self = .equals(path, pattern.lowercased())
            } else {
                self = .matches(path, Glob(pattern))
            }
            return
        case "event_property_is":
            guard let key, let value = condition["value"].flatMap(PushScalar.init) else { break }
            let path = PushPath(key)
            let isRoomMention = path == .content(["m.mentions", "room"]) && value == .bool(true)
            self = isRoomMention ? .mentionsRoom : .has(path, value)
            return
        case "event_property_contains":
            guard let key, let value = condition["value"].flatMap(PushScalar.init) else { break }
            let path = PushPath(key)
            let isMention =
                path == .content(["m.mentions", "user_ids"]) && value == .text(owner.raw)
            self = isMention ? .mentionsOwner : .contains(path, value)
            return
        case "contains_display_name":
            self = .containsDisplayName
            return
        case "room_member_count":
            guard let text = condition["is"]?.string, let (how, count) = parseCount(text) else {
                break
            }
            self = .memberCount(how, count)
            return
        case "sender_notification_permission":
            guard let key else { break }
            self = .senderMayNotify(key)
            return
        default:
            break
        }
        self = .never
    }

    /// Whether it may read a text that is as long as the sender likes.
    var readsText: Bool {
        switch self {
        case .matches, .equals, .bodyMatches, .has, .contains, .containsDisplayName: true
        case .stateKeyIsOwner, .mentionsOwner, .mentionsRoom, .memberCount, .senderMayNotify,
            .isInRoom, .isFrom, .mentionsAreUnknown, .never:
            false
        }
    }

    func holds(_ event: PushEvent, _ room: PushRoom, _ owner: PushRecipient) -> Bool {
        switch self {
        case .matches(let path, let glob):
            event.text(at: path).map(glob.matches) ?? false
        case .equals(let path, let lowercased):
            event.text(at: path).map { equalsIgnoringCase($0, lowercased: lowercased) } ?? false
        case .bodyMatches(let glob):
            event.body.map { glob.matchesWord(in: $0) } ?? false
        case .stateKeyIsOwner:
            event.stateKey.map { UserID(trusted: $0) == owner.user } ?? false
        case .mentionsOwner:
            event.mentionedUsers?.contains(owner.user) ?? false
        case .mentionsRoom:
            event.mentionsRoom
        case .has(let path, let value):
            event.scalar(at: path) == value
        case .contains(let path, let value):
            event.elements(at: path)?.contains { PushScalar($0) == value } ?? false
        case .containsDisplayName:
            owner.containsName(event.body)
        case .memberCount(let how, let count):
            how.holds(room.memberCount, count)
        case .senderMayNotify(let key):
            room.power.map { $0.level(of: event.sender) >= $0.levelToNotify(key) } ?? false
        case .isInRoom(let room):
            event.roomID == room
        case .isFrom(let user):
            event.sender == user
        case .mentionsAreUnknown:
            event.mentionedUsers == nil
        case .never:
            false
        }
    }
}

/// Reads `is` of `room_member_count`: a decimal with an optional `==`, `<`, `>`, `<=` or `>=`.
private func parseCount(_ text: String) -> (PushCondition.Comparison, Int)? {
    let forms: [(String, PushCondition.Comparison)] = [
        ("==", .equal), ("<=", .atMost), (">=", .atLeast), ("<", .less), (">", .more),
    ]
    let form = forms.first { text.hasPrefix($0.0) }
    let digits = text.dropFirst(form?.0.count ?? 0)
    guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39) ~= $0 }), let count = Int(digits)
    else { return nil }
    return (form?.1 ?? .equal, count)
}
