import MatrixModel
import MatrixRules
import Testing

@Suite("Authorization: m.room.member")
struct MemberRulesTests {
    @Test("A member event needs a user ID as state key and a known membership")
    func shape() {
        let room = RoomFixture(.v11)
        let content = #"{"membership":"join"}"#
        #expect(room.send("m.room.member", by: bob, content: content) == .memberStateKey)
        #expect(
            room.send("m.room.member", by: bob, stateKey: "bob", content: content)
                == .memberStateKey
        )
        #expect(room.send("m.room.member", by: bob, stateKey: bob.raw) == .unknownMembership)
        #expect(room.member("dance", of: bob) == .unknownMembership)
        #expect(
            room.send("m.room.member", by: bob, stateKey: bob.raw, content: #"{"membership":1}"#)
                == .unknownMembership
        )
    }

    // MARK: Join

    @Test("The creator joins right after the create event", arguments: RoomVersion.allCases)
    func creatorJoins(version: RoomVersion) {
        var room = RoomFixture(version, additionalCreators: [bob])
        room.levels = nil
        room.memberships = [:]
        room.joinRules = .absent
        #expect(room.member("join", of: alice, ancestry: .createOnly) == nil)
        #expect(room.member("join", of: alice, ancestry: .more) == .notInvited)
        #expect(room.member("join", of: bob, ancestry: .createOnly) == .notInvited)
    }

    @Test("Nobody joins for somebody else")
    func joinForAnother() {
        var room = RoomFixture(.v11)
        room.joinRules = JoinRules(.public)
        #expect(room.member("join", of: carol, by: alice) == .notOneself)
    }

    struct JoinCase: Sendable {
        let rule: JoinRule?
        /// Memberships from which a join without a voucher is allowed.
        let from: Set<Membership>
    }

    static let joins: [JoinCase] = [
        JoinCase(rule: .public, from: [.leave, .join, .invite, .knock]),
        JoinCase(rule: .invite, from: [.join, .invite]),
        JoinCase(rule: .knock, from: [.join, .invite]),
        JoinCase(rule: .restricted, from: [.join, .invite]),
        JoinCase(rule: .knockRestricted, from: [.join, .invite]),
        JoinCase(rule: .private, from: []),
        JoinCase(rule: nil, from: []),
    ]

    @Test("Join rule × current membership", arguments: joins, RoomVersion.allCases)
    func join(row: JoinCase, version: RoomVersion) {
        var room = RoomFixture(version)
        room.joinRules = JoinRules(row.rule)
        for current in Membership.allCases {
            room.memberships[carol] = current
            let expected: AuthorizationDenial? =
                current == .ban ? .banned : row.from.contains(current) ? nil : .notInvited
            #expect(room.member("join", of: carol) == expected, "\(current)")
        }
    }

    @Test(
        "A restricted join needs a joined member who may invite",
        arguments: [JoinRule.restricted, .knockRestricted],
        RoomVersion.allCases
    )
    func restricted(rule: JoinRule, version: RoomVersion) {
        var room = RoomFixture(version)
        room.joinRules = JoinRules(rule)
        room.levels?.invite = 50
        room.setLevel(bob, 50)
        room.memberships[dave] = .join
        func join(vouchedBy voucher: String, signed: Bool = true) -> AuthorizationDenial? {
            room.member(
                "join",
                of: carol,
                more: #","join_authorised_via_users_server":"\#(voucher)""#,
                isSignedByAuthoriser: signed
            )
        }
        #expect(join(vouchedBy: bob.raw) == nil)
        #expect(join(vouchedBy: alice.raw) == nil)
        #expect(join(vouchedBy: dave.raw) == .authoriserLacksPower)
        #expect(join(vouchedBy: user("eve").raw) == .authoriserLacksPower)
        #expect(join(vouchedBy: "nonsense") == .authoriserLacksPower)
        #expect(join(vouchedBy: bob.raw, signed: false) == .missingAuthoriserSignature)
        room.memberships[bob] = .leave
        #expect(join(vouchedBy: bob.raw) == .authoriserLacksPower)
        room.memberships[carol] = .ban
        #expect(join(vouchedBy: alice.raw) == .banned)
    }

    @Test("A voucher does not open an invite-only room")
    func voucherElsewhere() {
        let room = RoomFixture(.v11)
        let more = #","join_authorised_via_users_server":"\#(alice)""#
        #expect(room.member("join", of: carol, more: more) == .notInvited)
    }

    // MARK: Invite

    @Test("Inviting needs membership, power and a target outside", arguments: RoomVersion.allCases)
    func invite(version: RoomVersion) {
        var room = RoomFixture(version)
        #expect(room.member("invite", of: carol, by: bob) == nil)
        #expect(room.member("invite", of: carol, by: dave) == .senderNotJoined)
        room.levels?.invite = 10
        #expect(
            room.member("invite", of: carol, by: bob) == .insufficientPower(needed: 10, has: 0)
        )
        #expect(room.member("invite", of: carol, by: alice) == nil)
        for (current, expected) in [
            (Membership.join, AuthorizationDenial.targetAlreadyJoined), (.ban, .targetBanned),
        ] {
            room.memberships[carol] = current
            #expect(room.member("invite", of: carol, by: alice) == expected)
        }
        for current in [Membership.leave, .invite, .knock] {
            room.memberships[carol] = current
            #expect(room.member("invite", of: carol, by: alice) == nil)
        }
    }

    @Test("Without power levels anybody joined may invite, the invite level being 0")
    func inviteWithoutLevels() {
        var room = RoomFixture(.v11)
        room.levels = nil
        #expect(room.member("invite", of: carol, by: bob) == nil)
    }

    // MARK: Leave

    @Test("One leaves from invite, join and knock only")
    func leave() {
        var room = RoomFixture(.v11)
        for (current, expected) in [
            (Membership.join, nil), (.invite, nil), (.knock, nil),
            (.leave, AuthorizationDenial.notInRoom), (.ban, .banned),
        ] {
            room.memberships[carol] = current
            #expect(room.member("leave", of: carol) == expected)
        }
    }

    @Test("Kicking needs membership, the kick level and a lower target")
    func kick() {
        var room = RoomFixture(.v11)
        room.memberships[carol] = .join
        room.memberships[dave] = .leave
        room.setLevel(bob, 50)
        room.setLevel(dave, 100)
        #expect(room.member("leave", of: carol, by: bob) == nil)
        #expect(room.member("leave", of: carol, by: dave) == .senderNotJoined)
        #expect(room.member("leave", of: alice, by: bob) == .targetPowerTooHigh(100, 50))
        room.setLevel(carol, 50)
        #expect(room.member("leave", of: carol, by: bob) == .targetPowerTooHigh(50, 50))
        room.setLevel(carol, 0)
        room.setLevel(bob, 49)
        #expect(
            room.member("leave", of: carol, by: bob) == .insufficientPower(needed: 50, has: 49)
        )
        // Taking back an invitation or turning down a knock is the same.
        room.memberships[carol] = .invite
        #expect(room.member("leave", of: carol, by: alice) == nil)
        room.memberships[carol] = .knock
        #expect(room.member("leave", of: carol, by: alice) == nil)
    }

    @Test("Unbanning needs both the kick and the ban level")
    func unban() {
        var room = RoomFixture(.v11)
        room.memberships[carol] = .ban
        room.levels?.ban = 60
        room.levels?.kick = 40
        room.setLevel(bob, 50)
        #expect(
            room.member("leave", of: carol, by: bob) == .insufficientPower(needed: 60, has: 50)
        )
        room.setLevel(bob, 60)
        #expect(room.member("leave", of: carol, by: bob) == nil)
        room.levels?.kick = 70
        #expect(
            room.member("leave", of: carol, by: bob) == .insufficientPower(needed: 70, has: 60)
        )
        room.setLevel(bob, 70)
        room.setLevel(carol, 70)
        #expect(room.member("leave", of: carol, by: bob) == .targetPowerTooHigh(70, 70))
    }

    // MARK: Ban

    @Test(
        "Banning needs membership, the ban level and a lower target",
        arguments: Membership.allCases
    )
    func ban(current: Membership) {
        var room = RoomFixture(.v11)
        room.memberships[carol] = current
        room.setLevel(bob, 50)
        #expect(room.member("ban", of: carol, by: bob) == nil)
        #expect(room.member("ban", of: carol, by: dave) == .senderNotJoined)
        #expect(room.member("ban", of: alice, by: bob) == .targetPowerTooHigh(100, 50))
        room.levels?.ban = 51
        #expect(
            room.member("ban", of: carol, by: bob) == .insufficientPower(needed: 51, has: 50)
        )
    }

    @Test("In version 12 no creator removes another, and nobody else removes one")
    func creatorsAreSafe() {
        var room = RoomFixture(.v12, additionalCreators: [bob])
        room.memberships[carol] = .join
        room.setLevel(carol, 9_007_199_254_740_991)
        for target in [alice, bob] {
            #expect(room.member("ban", of: target, by: carol)?.isTargetTooHigh == true)
            #expect(room.member("leave", of: target, by: carol)?.isTargetTooHigh == true)
        }
        #expect(room.member("ban", of: bob, by: alice)?.isTargetTooHigh == true)
        #expect(room.member("leave", of: alice, by: bob)?.isTargetTooHigh == true)
        #expect(room.member("ban", of: carol, by: bob) == nil)
        #expect(room.member("leave", of: carol, by: alice) == nil)
    }

    // MARK: Knock

    @Test("Join rule × current membership for knocks", arguments: Self.knockRules)
    func knock(rule: JoinRule?, isOpen: Bool) {
        var room = RoomFixture(.v11)
        room.joinRules = JoinRules(rule)
        for current in Membership.allCases {
            room.memberships[carol] = current
            let expected: AuthorizationDenial?
            switch current {
            case _ where !isOpen: expected = .knockingNotAllowed
            case .leave, .knock: expected = nil
            case .ban: expected = .banned
            case .join, .invite: expected = .cannotKnock(current)
            }
            #expect(room.member("knock", of: carol) == expected)
        }
    }

    static let knockRules: [(JoinRule?, Bool)] =
        JoinRule.allCases.map { ($0, $0 == .knock || $0 == .knockRestricted) } + [(nil, false)]

    @Test("Nobody knocks for somebody else")
    func knockForAnother() {
        var room = RoomFixture(.v11)
        room.joinRules = JoinRules(.knock)
        #expect(room.member("knock", of: carol, by: bob) == .notOneself)
    }
}

extension AuthorizationDenial {
    fileprivate var isTargetTooHigh: Bool {
        if case .targetPowerTooHigh = self { true } else { false }
    }
}
