import MatrixModel
import MatrixRules
import Testing

@Suite("Authorization: third-party invites")
struct ThirdPartyInviteTests {
    private let key = SigningKey(version: "0", seed: [UInt8](repeating: 7, count: 32))!
    private let otherKey = SigningKey(version: "0", seed: [UInt8](repeating: 8, count: 32))!

    private func room(urlSafeKey: Bool = false) -> RoomFixture {
        var room = RoomFixture(.v11)
        room.thirdPartyInvites["abc"] = ThirdPartyInvite(
            sender: alice,
            content: json(
                #"""
                {"display_name":"c...", "public_key":"\#(Base64.encode(otherKey.publicKey))",
                 "public_keys":[{"public_key":
                 "\#(Base64.encode(key.publicKey, urlSafe: urlSafeKey))"}, {"public_key":"?"}, 7]}
                """#
            )
        )
        return room
    }

    private func signed(
        mxid: String = carol.raw,
        token: String = "abc",
        by key: SigningKey? = nil
    ) throws -> String {
        let object = #"{"mxid":"\#(mxid)","token":"\#(token)"}"#
        let signature = try (key ?? self.key).sign(json(object).canonical())
        return object.dropLast()
            + #","signatures":{"id.example":{"ed25519:0":"\#(Base64.encode(signature))"}}}"#
    }

    private func invite(
        _ room: RoomFixture,
        _ thirdParty: String,
        by sender: UserID = alice
    ) -> AuthorizationDenial? {
        room.member("invite", of: carol, by: sender, more: #","third_party_invite":\#(thirdParty)"#)
    }

    @Test("A signed invitation of the same sender is allowed, whichever key fits")
    func valid() throws {
        #expect(try invite(room(), #"{"signed":\#(signed())}"#) == nil)
        #expect(try invite(room(), #"{"signed":\#(signed(by: otherKey))}"#) == nil)
        #expect(try invite(room(urlSafeKey: true), #"{"signed":\#(signed())}"#) == nil)
    }

    @Test("A banned target stays out")
    func banned() throws {
        var room = room()
        room.memberships[carol] = .ban
        #expect(try invite(room, #"{"signed":\#(signed())}"#) == .targetBanned)
    }

    @Test(
        "The invitation must be whole",
        arguments: [
            "{}", #"{"signed":{}}"#, "1",
            #"{"signed":{"mxid":"@carol:example.org"}}"#, #"{"signed":{"token":"abc"}}"#,
        ]
    )
    func malformed(thirdParty: String) {
        #expect(invite(room(), thirdParty) == .thirdPartyInviteMalformed)
    }

    @Test("It must be for the target, known to the room and issued by the sender")
    func bindings() throws {
        #expect(
            try invite(room(), #"{"signed":\#(signed(mxid: dave.raw))}"#)
                == .thirdPartyInviteMismatch
        )
        #expect(
            try invite(room(), #"{"signed":\#(signed(token: "xyz"))}"#) == .thirdPartyInviteUnknown
        )
        #expect(
            try invite(room(), #"{"signed":\#(signed())}"#, by: bob) == .thirdPartyInviteSender
        )
    }

    @Test("A missing or wrong signature is denied")
    func signature() throws {
        let stranger = SigningKey(version: "0", seed: [UInt8](repeating: 9, count: 32))!
        #expect(
            try invite(room(), #"{"signed":\#(signed(by: stranger))}"#)
                == .thirdPartyInviteSignature
        )
        let unsigned = #"{"signed":{"mxid":"\#(carol)","token":"abc"}}"#
        #expect(invite(room(), unsigned) == .thirdPartyInviteSignature)
    }

    @Test("Issuing one needs the invite level, not the state level")
    func issuing() {
        var room = RoomFixture(.v11)
        #expect(room.send("m.room.third_party_invite", by: bob, stateKey: "t") == nil)
        room.levels?.invite = 30
        #expect(
            room.send("m.room.third_party_invite", by: bob, stateKey: "t")
                == .insufficientPower(needed: 30, has: 0)
        )
        room.levels?.events["m.room.third_party_invite"] = 0
        #expect(
            room.send("m.room.third_party_invite", by: bob, stateKey: "t")
                == .insufficientPower(needed: 30, has: 0)
        )
        #expect(
            room.send("m.room.third_party_invite", by: carol, stateKey: "t") == .senderNotJoined
        )
    }
}
