import MatrixModel
import MatrixRules
import Testing

@Suite("Auth events")
struct AuthEventsTests {
    private let create = StateSlot("m.room.create")
    private let levels = StateSlot("m.room.power_levels")
    private let rules = StateSlot("m.room.join_rules")
    private func member(_ user: UserID) -> StateSlot { StateSlot("m.room.member", user.raw) }

    private func slots(
        _ type: String,
        by sender: UserID = alice,
        stateKey: String? = nil,
        content: String = "{}"
    ) -> [StateSlot] {
        let event = AuthorizableEvent(
            type: type,
            stateKey: stateKey,
            sender: sender,
            content: json(content)
        )
        let v12 = authEventSlots(for: event, in: .v12)
        let v11 = authEventSlots(for: event, in: .v11)
        // The only difference is the create event, which version 12 leaves out.
        #expect(v11 == (type == "m.room.create" ? [] : [create] + v12))
        #expect(Set(v11).count == v11.count)
        return v12
    }

    @Test("A create event has none")
    func createEvent() {
        #expect(slots("m.room.create", stateKey: "").isEmpty)
    }

    @Test("Ordinary events: power levels and the sender's member event")
    func ordinary() {
        #expect(slots("m.room.message") == [levels, member(alice)])
        #expect(slots("m.room.name", stateKey: "") == [levels, member(alice)])
    }

    @Test("Member events: the target, and the join rules where they matter")
    func members() {
        func slots(_ membership: String, of target: UserID, more: String = "") -> [StateSlot] {
            self.slots(
                "m.room.member",
                stateKey: target.raw,
                content: #"{"membership":"\#(membership)"\#(more)}"#
            )
        }
        #expect(slots("join", of: alice) == [levels, member(alice), rules])
        #expect(slots("knock", of: alice) == [levels, member(alice), rules])
        #expect(slots("leave", of: alice) == [levels, member(alice)])
        #expect(slots("invite", of: bob) == [levels, member(alice), member(bob), rules])
        #expect(slots("ban", of: bob) == [levels, member(alice), member(bob)])
        #expect(slots("leave", of: bob) == [levels, member(alice), member(bob)])
        let voucher = #","join_authorised_via_users_server":"\#(bob)""#
        #expect(
            slots("join", of: alice, more: voucher) == [levels, member(alice), rules, member(bob)]
        )
        #expect(slots("leave", of: alice, more: voucher) == [levels, member(alice)])
        let token = #","third_party_invite":{"signed":{"token":"abc"}}"#
        #expect(
            slots("invite", of: bob, more: token)
                == [
                    levels, member(alice), member(bob), rules,
                    StateSlot("m.room.third_party_invite", "abc"),
                ]
        )
    }

    @Test("Entries of a foreign event are checked against the selection")
    func checked() {
        let event = AuthorizableEvent(type: "m.room.message", sender: alice)
        func check(
            _ references: [AuthEventReference],
            _ version: RoomVersion = .v11
        )
            -> AuthorizationDenial?
        {
            authorizeAuthEvents(references, of: event, in: version).denial
        }
        let good = [create, levels, member(alice)].map { AuthEventReference($0) }
        #expect(check(good) == nil)
        #expect(check(Array(good.dropFirst()), .v12) == nil)
        #expect(check(good, .v12) == .unexpectedAuthEvent(create))
        #expect(check(Array(good.dropFirst())) == .noCreateEvent)
        #expect(check(good + [good[1]]) == .duplicateAuthEvent(levels))
        #expect(
            check(good + [AuthEventReference(member(bob))]) == .unexpectedAuthEvent(member(bob))
        )
        #expect(
            check([good[0], AuthEventReference(levels, isRejected: true)])
                == .rejectedAuthEvent(levels)
        )
        #expect(
            check([good[0], AuthEventReference(levels, isOfSameRoom: false)])
                == .foreignAuthEvent(levels)
        )
        let first = AuthorizableEvent(type: "m.room.create", stateKey: "", sender: alice)
        #expect(authorizeAuthEvents([], of: first, in: .v12).isAllowed)
    }
}
