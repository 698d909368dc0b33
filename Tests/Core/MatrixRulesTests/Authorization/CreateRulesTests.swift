import MatrixModel
import MatrixRules
import Testing

@Suite("Authorization: m.room.create")
struct CreateRulesTests {
    private func create(
        _ version: RoomVersion,
        content: String? = nil,
        roomID: String? = nil,
        ancestry: AuthorizableEvent.Ancestry = .none
    ) -> AuthorizationDenial? {
        let event = AuthorizableEvent(
            type: "m.room.create",
            stateKey: "",
            sender: alice,
            content: json(content ?? #"{"room_version":"\#(version.rawValue)"}"#),
            ancestry: ancestry,
            roomID: roomID ?? (version == .v11 ? "!room:example.org" : nil)
        )
        return authorize(event, in: version, state: AuthorizationSnapshot()).denial
    }

    @Test("A first create event of the right version is allowed", arguments: RoomVersion.allCases)
    func allowed(version: RoomVersion) {
        #expect(create(version) == nil)
    }

    @Test("A create event with previous events is denied", arguments: RoomVersion.allCases)
    func previousEvents(version: RoomVersion) {
        #expect(create(version, ancestry: .createOnly) == .createHasPreviousEvents)
        #expect(create(version, ancestry: .more) == .createHasPreviousEvents)
        let again = RoomFixture(version).check(
            AuthorizableEvent(type: "m.room.create", stateKey: "", sender: alice, ancestry: .none)
        )
        #expect(again == .createHasPreviousEvents)
    }

    @Test("In version 11 the room ID is of the sender's server")
    func roomIDDomain() {
        #expect(create(.v11, roomID: "!room:elsewhere.org") == .createRoomID)
        #expect(create(.v11, roomID: "!room") == .createRoomID)
        #expect(create(.v11, roomID: "!room:example.org:8448") == .createRoomID)
    }

    @Test("In version 12 a create event has no room ID")
    func roomIDAbsent() {
        #expect(create(.v12, roomID: "!room:example.org") == .createRoomID)
    }

    @Test("An unknown, missing or other room version is denied", arguments: RoomVersion.allCases)
    func roomVersion(version: RoomVersion) {
        #expect(create(version, content: #"{"room_version":"nope"}"#) == .createRoomVersion)
        #expect(create(version, content: "{}") == .createRoomVersion)
        #expect(create(version, content: #"{"room_version":12}"#) == .createRoomVersion)
        let other = version == .v11 ? "12" : "11"
        #expect(create(version, content: #"{"room_version":"\#(other)"}"#) == .createRoomVersion)
    }

    @Test(
        "additional_creators is a list of user IDs in version 12 and ignored in 11",
        arguments: [
            (#"[]"#, true), (#"["@bob:example.org"]"#, true), (#""@bob:example.org""#, false),
            (#"[1]"#, false), (#"["bob"]"#, false), (#"["@bob"]"#, false), (#"{}"#, false),
            (#"null"#, false), (#"["@bob:example.org","!room:example.org"]"#, false),
        ]
    )
    func additionalCreators(list: String, isValid: Bool) {
        let v12 = #"{"room_version":"12","additional_creators":\#(list)}"#
        #expect(create(.v12, content: v12) == (isValid ? nil : .createAdditionalCreators))
        let v11 = #"{"room_version":"11","additional_creators":\#(list)}"#
        #expect(create(.v11, content: v11) == nil)
    }

    @Test("Decoding keeps creators, federation, type and predecessor")
    func decoding() throws {
        let content = json(
            #"""
            {"room_version":"12","m.federate":false,"type":"m.space",
             "additional_creators":["@bob:example.org","@alice:example.org","@bob:example.org"],
             "predecessor":{"room_id":"!old:example.org"}}
            """#
        )
        let create = try CreateContent(content, sender: alice)
        #expect(create.additionalCreators == [bob])
        #expect(create.isCreator(alice) && create.isCreator(bob) && !create.isCreator(carol))
        #expect(!create.isFederated)
        #expect(create.roomType == "m.space")
        #expect(create.predecessor == RoomID("!old:example.org"))
    }

    @Test("Nothing but a create event stands in an empty room", arguments: RoomVersion.allCases)
    func noRoom(version: RoomVersion) {
        let message = AuthorizableEvent(type: "m.room.message", sender: alice)
        let result = authorize(message, in: version, state: AuthorizationSnapshot())
        #expect(result == .denied(.noCreateEvent))
    }

    @Test("m.federate=false keeps other servers out", arguments: RoomVersion.allCases)
    func federation(version: RoomVersion) {
        let stranger = UserID(trusted: "@eve:elsewhere.org")
        var room = RoomFixture(version, isFederated: false)
        room.memberships[stranger] = .join
        room.joinRules = JoinRules(.public)
        #expect(room.send("m.room.message", by: stranger) == .notFederated)
        #expect(room.member("join", of: stranger) == .notFederated)
        #expect(room.send("m.room.message", by: bob) == nil)
        var open = RoomFixture(version)
        open.memberships[stranger] = .join
        #expect(open.send("m.room.message", by: stranger) == nil)
    }
}
