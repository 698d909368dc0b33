package import MatrixModel

/// The room state the rules ask about: the state before the event. Everything comes decoded, so
/// that an ordinary message costs a few look-ups.
package protocol AuthorizationState {
    /// nil before the create event.
    var power: RoomPower? { get }
    /// `JoinRules.absent` while the room has none.
    var joinRules: JoinRules { get }
    /// `leave` for somebody without a member event.
    func membership(of user: UserID) -> Membership
    /// The `m.room.third_party_invite` with this state key.
    func thirdPartyInvite(token: String) -> ThirdPartyInvite?
}

extension AuthorizationState {
    package func thirdPartyInvite(token: String) -> ThirdPartyInvite? { nil }
}

/// An open invitation to somebody known only by an address, from `m.room.third_party_invite`.
package struct ThirdPartyInvite: Equatable, Sendable {
    /// Who issued it.
    package let sender: UserID
    /// `public_key` and those of `public_keys`.
    package let publicKeys: [String]

    package init(sender: UserID, publicKeys: [String]) {
        self.sender = sender
        self.publicKeys = publicKeys
    }

    package init(sender: UserID, content: JSONView) {
        var keys: [String] = []
        if let key = content["public_key"]?.string { keys.append(key) }
        if let entries = content["public_keys"]?.elements {
            keys.append(contentsOf: entries.compactMap { $0["public_key"]?.string })
        }
        // No more of them are tried, and none that is longer is a key.
        let tried = keys.prefix(Self.triesMax).filter { $0.utf8.count <= Self.keyBytesMax }
        self.init(sender: sender, publicKeys: Array(tried))
    }

    /// Whether any signature in `signed` fits any of the keys. Tries at most `triesMax` of each:
    /// both come from clients.
    package func isSigned(_ signed: JSONView) -> Bool {
        guard let signatures = signed["signatures"] else { return false }
        let keys = publicKeys.prefix(Self.triesMax).compactMap { text in
            (Base64.decode(text) ?? Base64.decode(text, urlSafe: true)).flatMap { VerifyKey($0) }
        }
        var left = Self.triesMax
        for server in signatures.members {
            for signature in server.value.members {
                guard left > 0 else { return false }
                left -= 1
                if keys.contains(where: { key in
                    JSONSigning.isSigned(signed, by: server.key, keyID: signature.key, key: key)
                }) {
                    return true
                }
            }
        }
        return false
    }

    private static let triesMax = 8
    private static let keyBytesMax = 64
}

/// Room state as a plain value, for a room that is being created and for tests.
package struct AuthorizationSnapshot: AuthorizationState, Sendable {
    package var power: RoomPower?
    package var joinRules: JoinRules
    package var memberships: [UserID: Membership]
    package var thirdPartyInvites: [String: ThirdPartyInvite]

    package init(
        power: RoomPower? = nil,
        joinRules: JoinRules = .absent,
        memberships: [UserID: Membership] = [:],
        thirdPartyInvites: [String: ThirdPartyInvite] = [:]
    ) {
        self.power = power
        self.joinRules = joinRules
        self.memberships = memberships
        self.thirdPartyInvites = thirdPartyInvites
    }

    package func membership(of user: UserID) -> Membership { memberships[user] ?? .leave }
    package func thirdPartyInvite(token: String) -> ThirdPartyInvite? { thirdPartyInvites[token] }
}
