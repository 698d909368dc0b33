/// Who may read events sent while this setting was in force (Client-Server API, "Room History
/// Visibility"). It is judged at the event, so a later change hides or shows nothing that came
/// before it.
package enum HistoryVisibility: UInt8, Hashable, Sendable, CaseIterable {
    /// Members at the event, and everybody who joins at any later time. The default.
    case shared = 0
    /// Anybody with an account, member or not.
    case worldReadable = 1
    /// Members at the event, and those who held an invitation then.
    case invited = 2
    /// Members at the event only.
    case joined = 3

    /// The word in event content; nil for any other word.
    package init?(_ word: some StringProtocol) {
        switch word {
        case "shared": self = .shared
        case "world_readable": self = .worldReadable
        case "invited": self = .invited
        case "joined": self = .joined
        default: return nil
        }
    }

    /// The setting that content means: an absent or unknown word counts as `shared`.
    package init(orShared word: String?) {
        self = word.flatMap { HistoryVisibility($0) } ?? .shared
    }

    package var word: String {
        switch self {
        case .shared: "shared"
        case .worldReadable: "world_readable"
        case .invited: "invited"
        case .joined: "joined"
        }
    }

    /// Whether an event may be read by a user, given the state of the room at that event.
    /// - Parameters:
    ///   - membership: the user's membership at the event.
    ///   - joinsLater: whether the user joined at any point after the event.
    @inlinable package func permits(membership: Membership, joinsLater: Bool) -> Bool {
        if membership == .join { return true }
        return switch self {
        case .worldReadable: true
        case .shared: joinsLater
        case .invited: membership == .invite
        case .joined: false
        }
    }
}

extension HistoryVisibility: CustomStringConvertible {
    package var description: String { word }
}
