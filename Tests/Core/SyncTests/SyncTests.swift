import Gateway
import MatrixModel
import MultiRaft
import Synchronization
import Testing

private let room = "!r:t"
private let alice = "@alice:t"
private let bob = "@bob:t"

@Suite("Sync")
struct SyncTests {
    @Test("A first sync has the room's state, its newest events and the push rules")
    func first() throws {
        let world = SyncWorld()
        let user = world.user(alice)
        world.room(room, by: alice)
        for number in 0..<30 { world.send(room, alice, "m\(number)") }
        let answer = try world.sync(user, filter: #"{"room":{"timeline":{"limit":4}}}"#)
        let section = try #require(answer.joined(room))
        #expect(section.at("timeline", "events").bodies == ["m26", "m27", "m28", "m29"])
        #expect(section.at("timeline", "limited")?.bool == true)
        #expect(
            section.at("state", "events").types.sorted() == [
                "m.room.create", "m.room.history_visibility", "m.room.join_rules", "m.room.member",
                "m.room.power_levels",
            ]
        )
        #expect(answer.at("account_data", "events").types == ["m.push_rules"])
        #expect(section.at("summary", "m.joined_member_count")?.integer == 1)
        #expect(section.at("unread_notifications", "notification_count")?.integer == 0)
    }

    @Test("State in the timeline is not in the state before it")
    func stateBeforeTimeline() throws {
        let world = SyncWorld()
        let user = world.user(alice)
        world.room(room, by: alice)
        world.setState(room, alice, "m.room.name", #"{"name":"one"}"#)
        world.send(room, alice, "m")
        world.setState(room, alice, "m.room.name", #"{"name":"two"}"#)
        world.setState(room, alice, "m.room.topic", #"{"topic":"new"}"#)
        let answer = try world.sync(user, filter: #"{"room":{"timeline":{"limit":2}}}"#)
        let section = try #require(answer.joined(room))
        #expect(section.at("timeline", "events").types == ["m.room.name", "m.room.topic"])
        let state = try #require(section.at("state", "events"))
        #expect(!state.types.contains("m.room.topic"))
        let name = state.elements.first { $0["type"]?.string == "m.room.name" }
        #expect(name?.at("content", "name")?.string == "one")
        let newest = section.at("timeline", "events")?.elements.first { _ in true }
        #expect(newest?.at("unsigned", "prev_content", "name")?.string == "one")
    }

    @Test("Batches joined to one another hold every event once, whatever comes in between")
    func union() throws {
        let world = SyncWorld()
        let user = world.user(alice)
        world.room(room, by: alice)
        world.room("!other:t", by: alice)
        world.member(room, bob, "join")
        var since = try world.sync(user).nextBatch
        var seen: [String] = []
        var sent: [String] = []
        for step in 0..<60 {
            for number in 0..<(step % 4) {
                sent.append(world.send(room, step % 2 == 0 ? alice : bob, "\(step).\(number)"))
            }
            if step % 5 == 0 { world.send("!other:t", alice, "x") }
            if step % 7 == 0 { world.setAccountData(alice, "m.x", #"{"n":\#(step)}"#) }
            if step % 3 == 0 { continue }
            let answer = try world.sync(user, since: since)
            #expect(answer.joined(room)?.at("timeline", "limited")?.bool != true)
            seen += answer.joined(room)?.at("timeline", "events").ids ?? []
            since = answer.nextBatch
        }
        seen += try world.sync(user, since: since).joined(room)?.at("timeline", "events").ids ?? []
        #expect(seen == sent)
    }

    @Test(
        "A limited timeline goes on in /messages without a gap or a repeat",
        arguments: [1, 3, 7]
    )
    func limited(limit: Int) throws {
        let world = SyncWorld()
        let user = world.user(alice)
        world.room(room, by: alice)
        let since = try world.sync(user).nextBatch
        var sent: [String] = []
        for number in 0..<40 { sent.append(world.send(room, alice, "\(number)")) }
        let answer = try world.sync(
            user,
            since: since,
            filter: #"{"room":{"timeline":{"limit":\#(limit)}}}"#
        )
        let timeline = try #require(answer.joined(room)?["timeline"])
        #expect(timeline["limited"]?.bool == true)
        var all = Array(timeline["events"].ids.reversed())
        var from = timeline["prev_batch"]?.string
        while let token = from {
            let page = try world.messages(user, room, from: token, to: since, limit: 6)
            all += page["chunk"].ids
            from = page["end"]?.string
        }
        #expect(all.reversed() == sent)
    }

    @Test("A gap carries the state that changed in it")
    func gapState() throws {
        let world = SyncWorld()
        let user = world.user(alice)
        world.room(room, by: alice)
        let since = try world.sync(user).nextBatch
        world.setState(room, alice, "m.room.name", #"{"name":"a"}"#)
        world.setState(room, alice, "m.room.name", #"{"name":"b"}"#)
        world.member(room, bob, "join")
        for number in 0..<5 { world.send(room, alice, "\(number)") }
        let answer = try world.sync(
            user,
            since: since,
            filter: #"{"room":{"timeline":{"limit":2}}}"#
        )
        let state = try #require(answer.joined(room)?.at("state", "events"))
        #expect(state.types == ["m.room.name", "m.room.member"])
        let name = state.elements.first { _ in true }
        #expect(name?.at("content", "name")?.string == "b")
        #expect(answer.joined(room)?.at("summary", "m.joined_member_count")?.integer == 2)
    }

    @Test("State that the timeline's filter leaves out still arrives, as state")
    func filteredState() throws {
        let world = SyncWorld()
        let user = world.user(alice)
        world.room(room, by: alice)
        let filter = #"{"room":{"timeline":{"types":["m.room.message"]}}}"#
        let since = try world.sync(user, filter: filter).nextBatch
        world.send(room, alice, "a")
        world.setState(room, alice, "m.room.name", #"{"name":"n"}"#)
        let section = try world.sync(user, since: since, filter: filter).joined(room)
        #expect(section?.at("timeline", "events").bodies == ["a"])
        #expect(section?.at("state", "events").types == ["m.room.name"])
    }

    @Test("Nothing new gives no rooms and a token that works")
    func quiet() throws {
        let world = SyncWorld()
        let user = world.user(alice)
        world.room(room, by: alice)
        let first = try world.sync(user).nextBatch
        let second = try world.sync(user, since: first)
        #expect(second["rooms"] == nil && second["account_data"] == nil)
        world.send(room, alice, "x")
        for token in [first, second.nextBatch] {
            let answer = try world.sync(user, since: token)
            #expect(answer.joined(room)?.at("timeline", "events").bodies == ["x"])
        }
    }

    @Test("A full state beside a token has all rooms, with the events since it")
    func fullState() throws {
        let world = SyncWorld()
        let user = world.user(alice)
        world.room(room, by: alice)
        world.room("!quiet:t", by: alice)
        let since = try world.sync(user).nextBatch
        world.send(room, alice, "x")
        let answer = try world.sync(user, since: since, full: true)
        #expect(answer.joined(room)?.at("timeline", "events").bodies == ["x"])
        #expect(answer.joined(room)?.at("state", "events").types.count == 5)
        #expect(answer.joined("!quiet:t")?.at("timeline", "events").ids == [])
        #expect(answer.joined("!quiet:t")?.at("state", "events").types.count == 5)
    }

    @Test("A room joined after the token comes whole, whatever the token says of its partition")
    func joinedLater() throws {
        let world = SyncWorld()
        world.room(room, by: alice)
        let user = world.user(bob)
        // A room in the same partition, so that the token has a position there.
        world.room(world.neighbour(of: room), by: bob)
        world.send(room, alice, "before")
        let position = world.member(room, bob, "join", isLate: true)
        let early = try world.sync(user)
        #expect(early.joined(room) == nil)
        world.note(room, bob, "join", at: position, event: "$j")
        let answer = try world.sync(user, since: early.nextBatch)
        let section = try #require(answer.joined(room))
        #expect(section.at("timeline", "events").bodies == ["before"])
        #expect(section.at("timeline", "events").types.contains("m.room.create"))
        let later = try world.sync(user, since: answer.nextBatch)
        #expect(later.joined(room) == nil)
    }

    @Test("A join the account knew before the room was applied waits, and nothing is lost")
    func accountAhead() throws {
        let world = SyncWorld()
        world.room(room, by: alice)
        let user = world.user(bob)
        world.room("!home:t", by: bob)
        let since = try world.sync(user).nextBatch
        world.note(room, bob, "join", at: world.nextPosition(of: room), event: "$j")
        let early = try world.sync(user, since: since)
        #expect(early.joined(room) == nil)
        world.member(room, bob, "join", isLate: true)
        let answer = try world.sync(user, since: early.nextBatch)
        #expect(answer.joined(room) != nil)
    }

    @Test("Who leaves sees the room once more, up to the leave")
    func leave() throws {
        let world = SyncWorld()
        world.room(room, by: alice)
        let user = world.user(bob)
        world.member(room, bob, "join")
        let since = try world.sync(user).nextBatch
        world.send(room, alice, "last words")
        world.member(room, bob, "leave", by: alice)
        world.send(room, alice, "behind his back")
        let answer = try world.sync(user, since: since)
        #expect(answer.joined(room) == nil)
        let left = try #require(answer.at("rooms", "leave", room))
        #expect(left.at("timeline", "events").bodies == ["last words"])
        #expect(left.at("timeline", "events").types == ["m.room.message", "m.room.member"])
        let next = try world.sync(user, since: answer.nextBatch)
        #expect(next["rooms"] == nil)
        #expect(try world.sync(user).at("rooms", "leave", room) == nil)
        let all = try world.sync(user, filter: #"{"room":{"include_leave":true}}"#)
        let archived = try #require(all.at("rooms", "leave", room))
        #expect(!archived.at("timeline", "events").bodies.contains("behind his back"))
        world.forget(room, bob)
        let forgotten = try world.sync(user, filter: #"{"room":{"include_leave":true}}"#)
        #expect(forgotten.at("rooms", "leave", room) == nil)
    }

    @Test("An invitation shows the room's stripped state, and its refusal ends it")
    func invite() throws {
        let world = SyncWorld()
        world.room(room, by: alice)
        world.setState(room, alice, "m.room.name", #"{"name":"den"}"#)
        let user = world.user(bob)
        let since = try world.sync(user).nextBatch
        world.member(room, bob, "invite", by: alice)
        let answer = try world.sync(user, since: since)
        let events = try #require(answer.at("rooms", "invite", room, "invite_state", "events"))
        #expect(
            events.types == ["m.room.create", "m.room.join_rules", "m.room.name", "m.room.member"]
        )
        #expect(events.elements.allSatisfy { $0["event_id"] == nil })
        let name = events.elements.first { $0["type"]?.string == "m.room.name" }
        #expect(name?.at("content", "name")?.string == "den")
        #expect(try world.sync(user).at("rooms", "invite", room) != nil)
        world.member(room, bob, "leave")
        let gone = try world.sync(user, since: answer.nextBatch)
        let left = try #require(gone.at("rooms", "leave", room))
        #expect(left.at("timeline", "events").types == ["m.room.member"])
        #expect(left.at("state", "events").ids == [])
    }

    @Test("With lazy members a room introduces whoever speaks, and the reader")
    func lazy() throws {
        let world = SyncWorld()
        let user = world.user(alice)
        world.room(room, by: alice)
        for number in 0..<20 { world.member(room, "@u\(number):t", "join") }
        world.send(room, "@u3:t", "hi")
        let filter = #"{"room":{"timeline":{"limit":1},"state":{"lazy_load_members":true}}}"#
        let answer = try world.sync(user, filter: filter)
        let section = try #require(answer.joined(room))
        let members = section.at("state", "events")!.elements
            .filter { $0["type"]?.string == "m.room.member" }
            .compactMap { $0["state_key"]?.string }
        #expect(members.sorted() == [alice] + (0..<5).map { "@u\($0):t" })
        #expect(section.at("summary", "m.heroes")?.elements.compactMap(\.string).count == 5)
        #expect(section.at("summary", "m.joined_member_count")?.integer == 21)
        world.send(room, "@u9:t", "hello")
        let next = try world.sync(user, since: answer.nextBatch, filter: filter)
        #expect(
            next.joined(room)?.at("state", "events")?.elements.compactMap {
                $0["state_key"]?.string
            } == ["@u9:t"]
        )
    }

    @Test("Heroes are for rooms without a name")
    func heroes() throws {
        let world = SyncWorld()
        let user = world.user(alice)
        world.room(room, by: alice)
        world.member(room, bob, "join")
        let heroes = try world.sync(user).joined(room)?.at("summary", "m.heroes")
        #expect(heroes?.elements.compactMap(\.string) == [bob])
        world.setState(room, alice, "m.room.name", #"{"name":"n"}"#)
        #expect(try world.sync(user).joined(room)?.at("summary", "m.heroes") == nil)
    }

    @Test("Account data comes once, where it belongs")
    func accountData() throws {
        let world = SyncWorld()
        let user = world.user(alice)
        world.room(room, by: alice)
        world.setAccountData(alice, "m.direct", #"{"a":1}"#)
        world.setAccountData(alice, "m.tag", #"{"tags":{}}"#, in: room)
        let answer = try world.sync(user)
        #expect(answer.at("account_data", "events").types.sorted() == ["m.direct", "m.push_rules"])
        #expect(answer.joined(room)?.at("account_data", "events").types == ["m.tag"])
        world.setAccountData(alice, "m.fully_read", #"{"event_id":"$x"}"#, in: room)
        let next = try world.sync(user, since: answer.nextBatch)
        #expect(next["account_data"] == nil)
        #expect(next.joined(room)?.at("account_data", "events").types == ["m.fully_read"])
        #expect(next.joined(room)?.at("timeline", "events").ids == [])
        #expect(try world.sync(user, since: next.nextBatch)["rooms"] == nil)
    }

    @Test("Only the sending device is told its transaction")
    func transactions() throws {
        let world = SyncWorld()
        let user = world.user(alice)
        world.room(room, by: alice)
        let since = try world.sync(user).nextBatch
        world.append(
            world.draft(
                room,
                alice,
                "m.room.message",
                #"{"body":"x"}"#,
                device: user.deviceID,
                transaction: "t1"
            ),
            to: room
        )
        func transaction(_ requester: Requester) throws -> String? {
            try world.sync(requester, since: since).joined(room)?
                .at("timeline", "events")?.elements.first { _ in true }?
                .at("unsigned", "transaction_id")?.string
        }
        #expect(try transaction(user) == "t1")
        #expect(try transaction(Requester(userID: alice, deviceID: "OTHER")) == nil)
    }

    @Test("Stored filters are found by their ID; an unknown one is refused")
    func storedFilter() throws {
        let world = SyncWorld()
        let user = world.user(alice)
        world.room(room, by: alice)
        world.send(room, alice, "x")
        world.storeFilter(alice, "1", #"{"room":{"timeline":{"limit":1}}}"#)
        let answer = try world.sync(user, filter: "1")
        #expect(answer.joined(room)?.at("timeline", "events").ids.count == 1)
        #expect(throws: MatrixError.self) { try world.sync(user, filter: "2") }
        #expect(throws: MatrixError.self) { try world.sync(user, filter: "{") }
        #expect(throws: MatrixError.self) { try world.sync(user, since: "nonsense") }
    }

    @Test("A node that just started answers old tokens alike")
    func restart() throws {
        let world = SyncWorld()
        let user = world.user(alice)
        world.room(room, by: alice)
        world.room("!quiet:t", by: alice)
        let since = try world.sync(user).nextBatch
        world.send(room, alice, "x")
        let (service, _) = world.restarted()
        let bytes = try service.sync(SyncRequest(requester: user, since: since))
        let answer = try JSONDocument(parsing: bytes).root
        #expect(answer.joined(room)?.at("timeline", "events").bodies == ["x"])
        #expect(answer.joined("!quiet:t") == nil)
    }

    @Test("A room whose key is not here yet waits; the others come, and nothing is lost")
    func absentKey() throws {
        let world = SyncWorld()
        let user = world.user(alice)
        world.room(room, by: alice)
        let other = world.neighbour(of: room, apart: true)
        world.room(other, by: alice)
        let since = try world.sync(user).nextBatch
        world.send(room, alice, "hidden")
        world.send(other, alice, "plain")
        world.service.forgetOpenedContent()
        let show = world.hideKey(of: room)
        let answer = try world.sync(user, since: since)
        #expect(answer.joined(room) == nil)
        #expect(answer.joined(other)?.at("timeline", "events").bodies == ["plain"])
        show()
        let next = try world.sync(user, since: answer.nextBatch)
        #expect(next.joined(room)?.at("timeline", "events").bodies == ["hidden"])
        #expect(next.joined(other) == nil)
    }

    @Test("What an ignored user says is left out")
    func ignored() throws {
        let world = SyncWorld()
        let user = world.user(alice)
        world.room(room, by: alice)
        world.member(room, bob, "join")
        world.setAccountData(
            alice,
            "m.ignored_user_list",
            #"{"ignored_users":{"@bob:t":{}}}"#
        )
        let since = try world.sync(user).nextBatch
        world.send(room, bob, "noise")
        world.send(room, alice, "voice")
        let answer = try world.sync(user, since: since)
        #expect(answer.joined(room)?.at("timeline", "events").bodies == ["voice"])
    }

    @Test("Who was put out hears nothing more, before the account knows of it too")
    func putOut() throws {
        let world = SyncWorld()
        world.room(room, by: alice)
        let user = world.user(bob)
        world.member(room, bob, "join")
        world.storeFilter(bob, "1", #"{"room":{"timeline":{"limit":1}}}"#)
        let since = try world.sync(user).nextBatch
        world.send(room, alice, "last words")
        let position = world.member(room, bob, "leave", by: alice, isLate: true)
        let behind = world.send(room, alice, "behind his back")
        world.setState(room, alice, "m.room.topic", #"{"topic":"gossip"}"#)
        world.receipt(room, alice, behind)
        let early = try world.sync(user, since: since)
        let timeline = early.joined(room)?.at("timeline", "events")
        #expect(timeline.types == ["m.room.message", "m.room.member"])
        #expect(early.joined(room)?.at("ephemeral", "events")?.count == 0)
        world.send(room, alice, "and again")
        world.setState(room, alice, "m.room.topic", #"{"topic":"more"}"#)
        for full in [false, true] {
            let next = try world.sync(user, since: early.nextBatch, filter: "1", full: full)
            #expect(next.joined(room) == nil)
        }
        let first = try world.sync(user)
        #expect(!first.joined(room)!.at("timeline", "events").bodies.contains("and again"))
        #expect(!first.joined(room)!.at("state", "events").types.contains("m.room.topic"))
        world.note(room, bob, "leave", at: position, event: "$l")
        let answer = try world.sync(user, since: early.nextBatch)
        #expect(answer.at("rooms", "leave", room)?.at("timeline", "events").bodies == [])
    }

    @Test("With lazy members a room's heroes are introduced")
    func lazyHeroes() throws {
        let world = SyncWorld()
        let user = world.user(alice)
        world.room(room, by: alice)
        for number in 0..<8 { world.member(room, "@u\(number):t", "join") }
        world.send(room, "@u7:t", "hi")
        let filter = #"{"room":{"timeline":{"limit":1},"state":{"lazy_load_members":true}}}"#
        let section = try #require(try world.sync(user, filter: filter).joined(room))
        let heroes = section.at("summary", "m.heroes")!.elements.compactMap(\.string)
        #expect(heroes == (0..<5).map { "@u\($0):t" })
        let members = section.at("state", "events")!.elements
            .filter { $0["type"]?.string == "m.room.member" }
            .compactMap { $0["state_key"]?.string }
        #expect(Set(members) == Set(heroes + [alice, "@u7:t"]))
        #expect(members.count == 7)
    }

    @Test("A timeline nobody wants still tells of the gap: its state, and where to page from")
    func noTimeline() throws {
        let world = SyncWorld()
        let user = world.user(alice)
        world.room(room, by: alice)
        let since = try world.sync(user).nextBatch
        world.setState(room, alice, "m.room.name", #"{"name":"n"}"#)
        world.send(room, alice, "a")
        world.send(room, alice, "b")
        let answer = try world.sync(
            user,
            since: since,
            filter: #"{"room":{"timeline":{"limit":0}}}"#
        )
        let section = try #require(answer.joined(room))
        #expect(section.at("timeline", "events").ids == [])
        #expect(section.at("timeline", "limited")?.bool == true)
        #expect(section.at("state", "events").types == ["m.room.name"])
        let page = try world.messages(
            user,
            room,
            from: section.at("timeline", "prev_batch")?.string,
            to: since
        )
        #expect(page["chunk"].bodies == ["b", "a"])
    }

    @Test("Who leaves while typing types no longer")
    func leavingStopsTyping() throws {
        let world = SyncWorld()
        let user = world.user(alice)
        world.room(room, by: alice)
        world.member(room, bob, "join")
        let now = world.clock.withLock { $0 }
        world.feed.setTyping(roomID: room, userID: bob, until: now + 30_000, now: now)
        func typing(_ answer: JSONView) -> [String]? {
            answer.joined(room)?.at("ephemeral", "events")?.elements
                .first { $0["type"]?.string == "m.typing" }?
                .at("content", "user_ids")?.elements.compactMap(\.string)
        }
        let answer = try world.sync(user)
        #expect(typing(answer) == [bob])
        world.member(room, bob, "leave")
        #expect(typing(try world.sync(user, since: answer.nextBatch)) == [])
    }
}
