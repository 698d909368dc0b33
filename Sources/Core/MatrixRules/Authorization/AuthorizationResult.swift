package import MatrixModel

/// What the authorization rules say of one event.
package enum AuthorizationResult: Equatable, Sendable {
    case allowed
    case denied(AuthorizationDenial)

    package var isAllowed: Bool { self == .allowed }

    /// The reason of a denial.
    package var denial: AuthorizationDenial? {
        if case .denied(let denial) = self { denial } else { nil }
    }
}

/// Why an event is refused. Each case is one rule, or several that refuse for the same reason;
/// numbers in comments are those of room version 11.
package enum AuthorizationDenial: Error, Hashable, Sendable {
    /// 1.1: a create event is the first of its room.
    case createHasPreviousEvents
    /// 1.2: the room ID of a create event does not fit its sender (11) or is present (12).
    case createRoomID
    /// 1.3: the room version is unknown, or not the one the rules are asked for.
    case createRoomVersion
    /// Version 12, 1.4: `additional_creators` is not a list of user IDs.
    case createAdditionalCreators
    /// 2.4, and version 12, 2: there is no room to authorize against.
    case noCreateEvent
    /// 2.1: two auth events for one type and state key.
    case duplicateAuthEvent(StateSlot)
    /// 2.2: an auth event the selection does not ask for.
    case unexpectedAuthEvent(StateSlot)
    /// 2.3: an auth event that was itself refused.
    case rejectedAuthEvent(StateSlot)
    /// 2.5: an auth event of another room.
    case foreignAuthEvent(StateSlot)
    /// 3: `m.federate` keeps other servers out.
    case notFederated

    /// 4.1: no state key, or one that is no user ID.
    case memberStateKey
    /// 4.1 and 4.8: `membership` is absent or unknown.
    case unknownMembership
    /// 4.2: not signed by the server of `join_authorised_via_users_server`.
    case missingAuthoriserSignature
    /// 4.3.2 and 4.7.2: only the user themself may join or knock.
    case notOneself
    /// 4.3.3: the user is banned.
    case banned
    /// 4.3.4 to 4.3.7: the join rule asks for an invitation.
    case notInvited
    /// 4.3.5.2: the vouching user is not a member who may invite.
    case authoriserLacksPower
    /// 4.4.1.1 and 4.4.3: the user to invite is banned.
    case targetBanned
    /// 4.4.3: the user to invite is a member already.
    case targetAlreadyJoined
    /// 4.4.1: the third-party invitation is malformed.
    case thirdPartyInviteMalformed
    /// 4.4.1.4: it was issued for somebody else.
    case thirdPartyInviteMismatch
    /// 4.4.1.5: the room holds no such invitation.
    case thirdPartyInviteUnknown
    /// 4.4.1.6: somebody else issued it.
    case thirdPartyInviteSender
    /// 4.4.1.7: no signature fits a key of the invitation.
    case thirdPartyInviteSignature
    /// 4.5.1: nothing to leave.
    case notInRoom
    /// 4.5.4 and 4.6.2: the target's level is not below the sender's.
    case targetPowerTooHigh(PowerLevel, PowerLevel)
    /// 4.7.1: the join rule does not let people knock.
    case knockingNotAllowed
    /// 4.7.3: banned, invited or joined users do not knock.
    case cannotKnock(Membership)

    /// 4.4.2, 4.5.2, 4.6.1 and 5: the sender is not joined.
    case senderNotJoined
    /// 4.4.5, 4.5.3, 4.5.5, 4.6.3, 6 and 7: the sender's level is below what this needs.
    case insufficientPower(needed: PowerLevel, has: PowerLevel)
    /// 8: state keys that begin with `@` belong to that user.
    case foreignStateKey

    /// 9.1 to 9.3: a property is not an integer, or not an object of integers, or holds a key
    /// that is no user ID. The property's name.
    case malformedPowerLevels(String)
    /// Version 12, 10.4: a creator is listed.
    case creatorInPowerLevels
    /// 9.5 to 9.9: the sender would move a level that is, or would become, higher than theirs.
    /// The property, with its inner key where it has one.
    case powerLevelChange(String)
}

extension AuthorizationDenial: CustomStringConvertible {
    /// One short sentence for people, safe to send to a client.
    package var description: String {
        switch self {
        case .createHasPreviousEvents: "A room is created only once"
        case .createRoomID: "The create event has an unfit room ID"
        case .createRoomVersion: "The room version is not supported"
        case .createAdditionalCreators: "additional_creators must be a list of user IDs"
        case .noCreateEvent: "The room does not exist"
        case .duplicateAuthEvent(let key): "Two auth events for \(key)"
        case .unexpectedAuthEvent(let key): "Unexpected auth event \(key)"
        case .rejectedAuthEvent(let key): "The auth event \(key) was refused"
        case .foreignAuthEvent(let key): "The auth event \(key) is of another room"
        case .notFederated: "The room is closed to other servers"
        case .memberStateKey: "The state key of a member event must be a user ID"
        case .unknownMembership: "The membership is missing or unknown"
        case .missingAuthoriserSignature: "The join is not signed by the authorising server"
        case .notOneself: "Nobody can do this for another user"
        case .banned: "You are banned from this room"
        case .notInvited: "You are not invited to this room"
        case .authoriserLacksPower: "The authorising user may not invite to this room"
        case .targetBanned: "The user is banned from this room"
        case .targetAlreadyJoined: "The user is already in the room"
        case .thirdPartyInviteMalformed: "The third-party invite is malformed"
        case .thirdPartyInviteMismatch: "The third-party invite is for another user"
        case .thirdPartyInviteUnknown: "There is no such third-party invite"
        case .thirdPartyInviteSender: "The third-party invite is another user's"
        case .thirdPartyInviteSignature: "The third-party invite is not validly signed"
        case .notInRoom: "You are not in this room"
        case .targetPowerTooHigh(let target, let own):
            "The user's power level \(target) is not below yours, \(own)"
        case .knockingNotAllowed: "This room does not accept knocks"
        case .cannotKnock(let membership): "Cannot knock: membership is \(membership)"
        case .senderNotJoined: "You are not joined to this room"
        case .insufficientPower(let needed, let has):
            "Needs power level \(needed), yours is \(has)"
        case .foreignStateKey: "The state key is another user's"
        case .malformedPowerLevels(let property): "Power levels: \(property) is malformed"
        case .creatorInPowerLevels: "Power levels cannot list a room creator"
        case .powerLevelChange(let property): "Power levels: you may not change \(property)"
        }
    }
}
