import MatrixModel
import MatrixRules
import Testing

@Suite("Authorization: sending")
struct SendRulesTests {
    @Test("Only joined users send", arguments: Membership.allCases)
    func joinedOnly(membership: Membership) {
        var room = RoomFixture(.v11)
        room.memberships[carol] = membership
        let expected: AuthorizationDenial? = membership == .join ? nil : .senderNotJoined
        #expect(room.send("m.room.message", by: carol) == expected)
        #expect(room.send("m.room.redaction", by: carol) == expected)
    }

    @Test("A v12 creator who is not joined does not send")
    func absentCreator() {
        var room = RoomFixture(.v12)
        room.memberships[alice] = .leave
        #expect(room.send("m.room.message", by: alice) == .senderNotJoined)
    }

    struct LevelCase: Sendable {
        let levels: String
        let type: String
        let isState: Bool
        let needed: PowerLevel
    }

    static let levelCases: [LevelCase] = [
        LevelCase(levels: "{}", type: "m.room.message", isState: false, needed: 0),
        LevelCase(levels: "{}", type: "m.room.name", isState: true, needed: 50),
        LevelCase(levels: #"{"events_default":7}"#, type: "m.reaction", isState: false, needed: 7),
        LevelCase(levels: #"{"events_default":7}"#, type: "m.reaction", isState: true, needed: 50),
        LevelCase(levels: #"{"state_default":9}"#, type: "m.room.name", isState: true, needed: 9),
        LevelCase(levels: #"{"state_default":9}"#, type: "m.room.name", isState: false, needed: 0),
        LevelCase(
            levels: #"{"state_default":9,"events":{"m.room.name":3}}"#,
            type: "m.room.name",
            isState: true,
            needed: 3
        ),
        LevelCase(
            levels: #"{"events":{"m.room.message":-5}}"#,
            type: "m.room.message",
            isState: false,
            needed: -5
        ),
        LevelCase(
            levels: #"{"events":{"m.room.redaction":60}}"#,
            type: "m.room.redaction",
            isState: false,
            needed: 60
        ),
        // The redact level says nothing about sending a redaction event.
        LevelCase(
            levels: #"{"redact":100}"#,
            type: "m.room.redaction",
            isState: false,
            needed: 0
        ),
    ]

    @Test("Each type has its required level", arguments: levelCases, RoomVersion.allCases)
    func levels(row: LevelCase, version: RoomVersion) throws {
        var room = RoomFixture(version)
        room.levels = try PowerLevels(json(row.levels))
        let key: String? = row.isState ? "" : nil
        room.setLevel(bob, row.needed.raw)
        #expect(room.send(row.type, by: bob, stateKey: key) == nil)
        room.setLevel(bob, row.needed.raw - 1)
        #expect(
            room.send(row.type, by: bob, stateKey: key)
                == .insufficientPower(needed: row.needed, has: PowerLevel(row.needed.raw - 1))
        )
    }

    @Test("users_default is the level of everybody not listed")
    func usersDefault() {
        var room = RoomFixture(.v11)
        room.levels?.usersDefault = 50
        #expect(room.send("m.room.name", by: bob, stateKey: "") == nil)
        room.setLevel(bob, 0)
        #expect(
            room.send("m.room.name", by: bob, stateKey: "")
                == .insufficientPower(needed: 50, has: 0)
        )
    }

    @Test("Without power levels the creator stands above the rest", arguments: RoomVersion.allCases)
    func noPowerLevels(version: RoomVersion) {
        var room = RoomFixture(version, additionalCreators: [carol])
        room.levels = nil
        room.memberships[carol] = .join
        let power = RoomPower(create: room.create, levels: nil)
        #expect(power.level(of: alice) == (version == .v11 ? 100 : .infinite))
        #expect(power.level(of: carol) == (version == .v11 ? 0 : .infinite))
        #expect(power.level(of: bob) == 0)
        #expect(room.send("m.room.name", by: alice, stateKey: "") == nil)
        #expect(
            room.send("m.room.name", by: bob, stateKey: "")
                == .insufficientPower(needed: 50, has: 0)
        )
        #expect(room.send("m.room.message", by: bob) == nil)
    }

    @Test("Creators need not be listed in version 12 and are in no way special in 11")
    func creatorPower() throws {
        var old = RoomFixture(.v11)
        old.levels = try PowerLevels(json(#"{"state_default":500}"#))
        #expect(
            old.send("m.room.name", by: alice, stateKey: "")
                == .insufficientPower(needed: 500, has: 0)
        )
        var new = RoomFixture(.v12, additionalCreators: [bob])
        new.levels = try PowerLevels(json(#"{"state_default":9007199254740991}"#))
        #expect(new.send("m.room.name", by: alice, stateKey: "") == nil)
        #expect(new.send("m.room.name", by: bob, stateKey: "") == nil)
    }

    @Test("State keys that begin with @ belong to that user")
    func foreignStateKey() {
        let room = RoomFixture(.v11)
        #expect(room.send("x.custom", by: alice, stateKey: alice.raw) == nil)
        #expect(room.send("x.custom", by: alice, stateKey: bob.raw) == .foreignStateKey)
        #expect(room.send("x.custom", by: alice, stateKey: "@") == .foreignStateKey)
        #expect(room.send("x.custom", by: alice, stateKey: "_\(bob)") == nil)
        // Two spellings of one letter are two users.
        var spelled = room
        let composed = UserID(trusted: "@\u{E9}:example.org")
        spelled.memberships[composed] = .join
        spelled.setLevel(composed, 50)
        #expect(spelled.send("x.custom", by: composed, stateKey: composed.raw) == nil)
        #expect(
            spelled.send("x.custom", by: composed, stateKey: "@e\u{301}:example.org")
                == .foreignStateKey
        )
    }

    @Test("A redaction takes effect on one's own events, or with the redact level")
    func redactions() {
        var room = RoomFixture(.v11)
        room.setLevel(bob, 50)
        let power = RoomPower(create: room.create, levels: room.levels)
        #expect(power.permitsRedaction(by: carol, of: carol))
        #expect(!power.permitsRedaction(by: carol, of: bob))
        #expect(power.permitsRedaction(by: bob, of: carol))
        #expect(power.permitsRedaction(by: alice, of: bob))
        room.levels?.redact = 51
        let stricter = RoomPower(create: room.create, levels: room.levels)
        #expect(!stricter.permitsRedaction(by: bob, of: carol))
        #expect(stricter.permitsRedaction(by: bob, of: bob))
    }

    @Test("Notification levels default to 50")
    func notifications() throws {
        var room = RoomFixture(.v11)
        #expect(RoomPower(create: room.create, levels: room.levels).levelToNotify("room") == 50)
        #expect(RoomPower(create: room.create, levels: nil).levelToNotify("room") == 50)
        room.levels = try PowerLevels(json(#"{"notifications":{"room":20}}"#))
        let power = RoomPower(create: room.create, levels: room.levels)
        #expect(power.levelToNotify("room") == 20)
        #expect(power.levelToNotify("other") == 50)
    }

    @Test("Every denial has a sentence")
    func sentences() {
        let denials: [AuthorizationDenial] = [
            .senderNotJoined, .insufficientPower(needed: 50, has: 0), .notInvited,
            .targetPowerTooHigh(.infinite, .infinite), .powerLevelChange("users.@a:b"),
        ]
        for denial in denials { #expect(!"\(denial)".isEmpty) }
        #expect("\(denials[1])" == "Needs power level 50, yours is 0")
        #expect("\(denials[3])".contains("infinite"))
    }
}
