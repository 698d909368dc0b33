import MatrixModel

/// Rule 4 (rule 5 of version 12): changes of membership.
func authorizeMember(
    _ event: AuthorizableEvent,
    power: RoomPower,
    state: some AuthorizationState
) -> AuthorizationResult {
    guard let key = event.stateKey else { return .denied(.memberStateKey) }
    let target: UserID
    if UserID(trusted: key) == event.sender {
        target = event.sender
    } else if let user = UserID(key) {
        target = user
    } else {
        return .denied(.memberStateKey)
    }
    let content = MemberContent(event.content)
    guard let membership = content.membership else { return .denied(.unknownMembership) }
    if content.joinAuthoriser != nil, !event.isSignedByAuthoriser {
        return .denied(.missingAuthoriserSignature)
    }
    let change = MembershipChange(sender: event.sender, target: target, power: power)
    return switch membership {
    case .join: change.join(event, content, state)
    case .invite: change.invite(content, state)
    case .leave: change.leave(state)
    case .ban: change.ban(state)
    case .knock: change.knock(state)
    }
}

/// Who does it to whom, and the levels of the room.
private struct MembershipChange {
    let sender: UserID
    let target: UserID
    let power: RoomPower

    /// 4.3
    func join(
        _ event: AuthorizableEvent,
        _ content: MemberContent,
        _ state: some AuthorizationState
    ) -> AuthorizationResult {
        if event.ancestry == .createOnly, target == power.create.sender { return .allowed }
        guard sender == target else { return .denied(.notOneself) }
        let current = state.membership(of: sender)
        if current == .ban { return .denied(.banned) }
        let isExpected = current == .join || current == .invite
        switch state.joinRules.rule {
        case .public:
            return .allowed
        case .invite, .knock:
            return isExpected ? .allowed : .denied(.notInvited)
        case .restricted, .knockRestricted:
            if isExpected { return .allowed }
            guard let authoriser = content.joinAuthoriser else { return .denied(.notInvited) }
            guard let user = UserID(authoriser), state.membership(of: user) == .join,
                power.permitsAuthorisingJoins(user)
            else { return .denied(.authoriserLacksPower) }
            return .allowed
        case .private, nil:
            return .denied(.notInvited)
        }
    }

    /// 4.4
    func invite(
        _ content: MemberContent,
        _ state: some AuthorizationState
    ) -> AuthorizationResult {
        if let invite = content.thirdPartyInvite { return redeem(invite, state) }
        guard state.membership(of: sender) == .join else { return .denied(.senderNotJoined) }
        switch state.membership(of: target) {
        case .join: return .denied(.targetAlreadyJoined)
        case .ban: return .denied(.targetBanned)
        case .leave, .invite, .knock: break
        }
        return require(power.level(for: .invite), power.level(of: sender))
    }

    /// 4.4.1: an invitation to an address becomes one to the user who proved to own it.
    private func redeem(
        _ invite: JSONView,
        _ state: some AuthorizationState
    ) -> AuthorizationResult {
        if state.membership(of: target) == .ban { return .denied(.targetBanned) }
        guard let signed = invite["signed"],
            let user = signed["mxid"]?.string.map(UserID.init(trusted:)),
            let token = signed["token"]?.string
        else { return .denied(.thirdPartyInviteMalformed) }
        guard user == target else { return .denied(.thirdPartyInviteMismatch) }
        guard let issued = state.thirdPartyInvite(token: token) else {
            return .denied(.thirdPartyInviteUnknown)
        }
        guard issued.sender == sender else { return .denied(.thirdPartyInviteSender) }
        return issued.isSigned(signed) ? .allowed : .denied(.thirdPartyInviteSignature)
    }

    /// 4.5: leaving, declining, kicking, taking an invitation back, unbanning.
    func leave(_ state: some AuthorizationState) -> AuthorizationResult {
        if sender == target {
            return switch state.membership(of: sender) {
            case .invite, .join, .knock: .allowed
            case .ban: .denied(.banned)
            case .leave: .denied(.notInRoom)
            }
        }
        guard state.membership(of: sender) == .join else { return .denied(.senderNotJoined) }
        let own = power.level(of: sender)
        let toBan = power.level(for: .ban)
        if state.membership(of: target) == .ban, own < toBan {
            return .denied(.insufficientPower(needed: toBan, has: own))
        }
        return overpower(own, needed: power.level(for: .kick))
    }

    /// 4.6
    func ban(_ state: some AuthorizationState) -> AuthorizationResult {
        guard state.membership(of: sender) == .join else { return .denied(.senderNotJoined) }
        return overpower(power.level(of: sender), needed: power.level(for: .ban))
    }

    /// 4.7
    func knock(_ state: some AuthorizationState) -> AuthorizationResult {
        guard state.joinRules.rule?.allowsKnocking == true else {
            return .denied(.knockingNotAllowed)
        }
        guard sender == target else { return .denied(.notOneself) }
        return switch state.membership(of: sender) {
        case .ban: .denied(.banned)
        case .invite: .denied(.cannotKnock(.invite))
        case .join: .denied(.cannotKnock(.join))
        case .leave, .knock: .allowed
        }
    }

    private func overpower(_ own: PowerLevel, needed: PowerLevel) -> AuthorizationResult {
        guard own >= needed else { return .denied(.insufficientPower(needed: needed, has: own)) }
        let theirs = power.level(of: target)
        return theirs < own ? .allowed : .denied(.targetPowerTooHigh(theirs, own))
    }
}
