import MatrixModel
import MatrixRules

func json(_ text: String) -> JSONView {
    do {
        return try JSONDocument(parsing: text).root
    } catch {
        preconditionFailure("a test's JSON must parse: \(error)")
    }
}

func user(_ name: String) -> UserID { UserID(trusted: "@\(name):example.org") }

let alice = user("alice")
let bob = user("bob")
let carol = user("carol")
let dave = user("dave")

/// A room of one version, created by alice: alice and bob are in, everything else is set by the
/// test that needs it.
struct RoomFixture {
    var version: RoomVersion
    var create: CreateContent
    var levels: PowerLevels?
    var joinRules: JoinRules = JoinRules(.invite)
    var memberships: [UserID: Membership] = [alice: .join, bob: .join]
    var thirdPartyInvites: [String: ThirdPartyInvite] = [:]

    init(_ version: RoomVersion, additionalCreators: [UserID] = [], isFederated: Bool = true) {
        self.version = version
        create = CreateContent(
            version: version,
            sender: alice,
            additionalCreators: additionalCreators,
            isFederated: isFederated
        )
        // Version 11 lists the creator; version 12 must not.
        levels = try? PowerLevels(json(version == .v11 ? #"{"users":{"\#(alice)":100}}"# : "{}"))
    }

    var state: AuthorizationSnapshot {
        AuthorizationSnapshot(
            power: RoomPower(create: create, levels: levels),
            joinRules: joinRules,
            memberships: memberships,
            thirdPartyInvites: thirdPartyInvites
        )
    }

    mutating func setLevel(_ user: UserID, _ level: Int) {
        levels?.users[user] = PowerLevel(level)
    }

    func check(_ event: AuthorizableEvent) -> AuthorizationDenial? {
        authorize(event, in: version, state: state).denial
    }

    func send(
        _ type: String,
        by sender: UserID,
        stateKey: String? = nil,
        content: String = "{}"
    ) -> AuthorizationDenial? {
        check(
            AuthorizableEvent(
                type: type,
                stateKey: stateKey,
                sender: sender,
                content: json(content)
            )
        )
    }

    func member(
        _ membership: String,
        of target: UserID,
        by sender: UserID? = nil,
        more: String = "",
        ancestry: AuthorizableEvent.Ancestry = .more,
        isSignedByAuthoriser: Bool = true
    ) -> AuthorizationDenial? {
        check(
            AuthorizableEvent(
                type: "m.room.member",
                stateKey: target.raw,
                sender: sender ?? target,
                content: json(#"{"membership":"\#(membership)"\#(more)}"#),
                ancestry: ancestry,
                isSignedByAuthoriser: isSignedByAuthoriser
            )
        )
    }

    func powerLevels(_ content: String, by sender: UserID) -> AuthorizationDenial? {
        send("m.room.power_levels", by: sender, stateKey: "", content: content)
    }
}
