import MatrixModel
import MatrixRules
import Testing

@Suite("Room presets and stripped state")
struct RoomPresetTests {
    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test("The table of presets")
    func table() {
        for preset in RoomPreset.allCases {
            let isPublic = preset == .publicChat
            #expect(
                text(preset.joinRulesContent)
                    == #"{"join_rule":"\#(isPublic ? "public" : "invite")"}"#
            )
            #expect(text(preset.historyVisibilityContent) == #"{"history_visibility":"shared"}"#)
            #expect(
                text(preset.guestAccessContent)
                    == #"{"guest_access":"\#(isPublic ? "forbidden" : "can_join")"}"#
            )
        }
        #expect(RoomPreset(isPublic: true) == .publicChat)
        #expect(RoomPreset(isPublic: false) == .privateChat)
        #expect(RoomPreset(rawValue: "trusted_private_chat")?.trustsInvitees == true)
    }

    private func levels(
        _ preset: RoomPreset,
        _ version: RoomVersion,
        override: String? = nil
    ) throws -> PowerLevels {
        let bytes = preset.powerLevelsContent(
            version: version,
            creator: alice,
            invitees: [bob],
            override: override.map(json)
        )
        return try PowerLevels(JSONDocument(parsing: bytes).root)
    }

    @Test("Default power levels", arguments: RoomPreset.allCases)
    func defaults(preset: RoomPreset) throws {
        let v11 = try levels(preset, .v11)
        #expect(v11.users == (preset.trustsInvitees ? [alice: 100, bob: 100] : [alice: 100]))
        #expect(v11.events["m.room.tombstone"] == 100)
        let v12 = try levels(preset, .v12)
        #expect(v12.users.isEmpty)
        #expect(v12.events["m.room.tombstone"]! > v12.stateDefault!)
        for levels in [v11, v12] {
            #expect(levels.stateDefault == 50 && levels.eventsDefault == 0)
            #expect(levels.invite == (preset == .publicChat ? 50 : 0))
            #expect(levels.events["m.room.encryption"] == 100)
        }
    }

    @Test("An override replaces whole properties", arguments: RoomVersion.allCases)
    func overridden(version: RoomVersion) throws {
        let levels = try levels(.privateChat, version, override: #"{"events":{"x":1},"ban":7}"#)
        #expect(levels.events == ["x": 1])
        #expect(levels.ban == 7 && levels.kick == 50)
    }

    @Test("A new room passes its own rules", arguments: RoomPreset.allCases, RoomVersion.allCases)
    func newRoomIsAllowed(preset: RoomPreset, version: RoomVersion) throws {
        var room = RoomFixture(version)
        room.levels = nil
        let bytes = preset.powerLevelsContent(version: version, creator: alice)
        #expect(room.powerLevels(text(bytes), by: alice) == nil)
        room.levels = try PowerLevels(JSONDocument(parsing: bytes).root)
        for type in [
            "m.room.join_rules", "m.room.history_visibility", "m.room.guest_access",
            "m.room.canonical_alias", "m.room.name", "m.room.topic", "m.room.encryption",
        ] {
            #expect(room.send(type, by: alice, stateKey: "") == nil)
        }
        #expect(room.member("invite", of: carol, by: alice) == nil)
        #expect(room.send("m.room.tombstone", by: alice, stateKey: "") == nil)
    }

    @Test("Trusted invitees become creators from version 12 on, each once")
    func additionalCreators() {
        func creators(_ preset: RoomPreset, _ version: RoomVersion) -> [UserID] {
            preset.additionalCreators(
                version: version,
                creator: alice,
                requested: [dave, alice, bob],
                invitees: [bob, carol, carol]
            )
        }
        #expect(creators(.trustedPrivateChat, .v12) == [dave, bob, carol])
        #expect(creators(.privateChat, .v12) == [dave, bob])
        #expect(creators(.trustedPrivateChat, .v11).isEmpty)
    }

    @Test("Stripped state begins with the create event and names the inviter")
    func strippedState() {
        let slots = StrippedState.slots(inviter: alice)
        #expect(slots.first == StateSlot("m.room.create"))
        #expect(slots.last == StateSlot("m.room.member", alice.raw))
        #expect(slots.count == 8)
        #expect(StrippedState.slots().count == 7)
    }

    @Test("Join rules decode, keeping rooms of membership conditions only")
    func joinRules() {
        let rules = JoinRules(
            json(
                #"""
                {"join_rule":"restricted","allow":[
                 {"type":"m.room_membership","room_id":"!a:b"},
                 {"type":"m.room_membership","room_id":"!a:b"},
                 {"type":"m.room_membership","room_id":"nope"},
                 {"type":"x","room_id":"!c:d"}, 3]}
                """#
            )
        )
        #expect(rules.rule == .restricted)
        #expect(rules.allowedRooms == [RoomID(trusted: "!a:b")])
        #expect(JoinRules(json(#"{"join_rule":"odd"}"#)).rule == nil)
        #expect(JoinRules(nil).rule == nil)
        #expect(JoinRules(json(#"{"join_rule":"public","allow":1}"#)) == JoinRules(.public))
        for rule in JoinRule.allCases {
            #expect(JoinRules(json(#"{"join_rule":"\#(rule.rawValue)"}"#)).rule == rule)
        }
        #expect(JoinRules.absent.rule == .invite)
    }
}
