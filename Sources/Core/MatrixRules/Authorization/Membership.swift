/// A user's standing in a room, from `membership` of the `m.room.member` event whose state key is
/// that user. A user without such an event stands as `leave`: no rule of room versions 11 and 12
/// tells the two apart.
package enum Membership: UInt8, Hashable, Sendable, CaseIterable {
    case leave = 0
    case join = 1
    case invite = 2
    case ban = 3
    case knock = 4

    /// The word in event content; nil for any other word.
    @inlinable package init?(_ word: some StringProtocol) {
        switch word {
        case "join": self = .join
        case "leave": self = .leave
        case "invite": self = .invite
        case "ban": self = .ban
        case "knock": self = .knock
        default: return nil
        }
    }

    /// The word in event content.
    @inlinable package var word: String {
        switch self {
        case .join: "join"
        case .leave: "leave"
        case .invite: "invite"
        case .ban: "ban"
        case .knock: "knock"
        }
    }
}

extension Membership: CustomStringConvertible {
    package var description: String { word }
}
