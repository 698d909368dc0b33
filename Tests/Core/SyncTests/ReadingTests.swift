import Gateway
import Homeserver
import MatrixModel
import Testing

private let room = "!r:t"
private let alice = "@alice:t"
private let bob = "@bob:t"

@Suite("Reading")
struct ReadingTests {
    private func parse(_ bytes: [UInt8]) throws -> JSONView {
        try JSONDocument(parsing: bytes).root
    }

    @Test("Pages in both directions hold every event once", arguments: [1, 4, 100])
    func pages(limit: Int) throws {
        let world = SyncWorld()
        let user = world.user(alice)
        world.room(room, by: alice)
        for number in 0..<23 { world.send(room, alice, "\(number)") }
        func walk(_ dir: String) throws -> [String] {
            var found: [String] = []
            var from: String? = ""
            while let token = from {
                let page = try world.messages(user, room, from: token, dir: dir, limit: limit)
                found += page["chunk"].ids
                from = page["end"]?.string
            }
            return found
        }
        let backwards = try walk("b")
        #expect(backwards.count == 28 && Set(backwards).count == 28)
        #expect(try walk("f") == backwards.reversed())
    }

    @Test("A filtered page passes over what it leaves out and goes on behind it")
    func filteredPages() throws {
        let world = SyncWorld()
        let user = world.user(alice)
        world.room(room, by: alice)
        world.member(room, bob, "join")
        for number in 0..<20 { world.send(room, number % 5 == 0 ? bob : alice, "\(number)") }
        let filter = #"{"senders":["@bob:t"],"types":["m.room.message"],"lazy_load_members":true}"#
        let first = try world.messages(user, room, limit: 3, filter: filter)
        #expect(first["chunk"].bodies == ["15", "10", "5"])
        #expect(first["state"]?.elements.compactMap { $0["state_key"]?.string } == [bob])
        let second = try world.messages(
            user,
            room,
            from: first["end"]?.string,
            limit: 3,
            filter: filter
        )
        #expect(second["chunk"].bodies == ["0"])
        let third = try world.messages(
            user,
            room,
            from: second["end"]?.string,
            limit: 3,
            filter: filter
        )
        #expect(third["chunk"].bodies == [])
        #expect(third["end"] == nil)
    }

    @Test("A redacted event is stripped on every path at once")
    func redaction() throws {
        let world = SyncWorld()
        let user = world.user(alice)
        world.room(room, by: alice)
        let since = try world.sync(user).nextBatch
        let event = world.send(room, alice, "regret")
        _ = try world.sync(user, since: since)
        world.redact(room, alice, event)
        let whole = try parse(world.service.event(roomID: room, eventID: event, by: user))
        #expect(whole["content"]?.count == 0)
        #expect(
            whole.at("unsigned", "redacted_because", "content", "redacts")?.string == event
        )
        #expect(whole.at("unsigned", "redacted_because", "redacts")?.string == event)
        let timeline = try world.sync(user, since: since).joined(room)?.at("timeline", "events")
        #expect(timeline.bodies == [])
        #expect(try world.messages(user, room)["chunk"].bodies == [])
    }

    @Test("A destroyed room key leaves what redaction leaves, and says so")
    func shredded() throws {
        let world = SyncWorld()
        let user = world.user(alice)
        world.room(room, by: alice)
        let event = world.send(room, alice, "secret")
        world.setState(room, alice, "m.room.name", #"{"name":"secret"}"#)
        _ = try world.messages(user, room)
        world.destroyKey(of: room)
        let whole = try parse(world.service.event(roomID: room, eventID: event, by: user))
        #expect(whole["content"]?.count == 0)
        #expect(whole.at("unsigned", "io.warbler.erased")?.bool == true)
        let page = try world.messages(user, room, limit: 100)["chunk"]
        #expect(page.bodies == [])
        let member = page?.elements.first { $0["type"]?.string == "m.room.member" }
        #expect(member?.at("content", "membership")?.string == "join")
        #expect(member?.at("content", "displayname") == nil)
    }

    @Test("A lost key blanks what it sealed, and holds no sync back")
    func lostKey() throws {
        let world = SyncWorld()
        let user = world.user(alice)
        world.room(room, by: alice)
        world.member(room, bob, "join", by: alice)
        world.send(room, alice, "kept")
        let event = world.send(room, bob, "lost")
        world.loseKey(of: bob)
        world.service.forgetOpenedContent()
        #expect(try world.messages(user, room)["chunk"].bodies == ["kept"])
        let whole = try parse(world.service.event(roomID: room, eventID: event, by: user))
        #expect(whole.at("unsigned", "io.warbler.erased")?.bool == true)
        let since = try world.sync(user).nextBatch
        world.send(room, alice, "after")
        let answer = try world.sync(user, since: since)
        #expect(answer.joined(room)?["timeline"]?["events"].bodies == ["after"])
        world.loseKey(of: room)
        world.service.forgetOpenedContent()
        #expect(try world.messages(user, room)["chunk"].bodies == [])
    }

    @Test("A key that is not here yet is a 503, not a blank")
    func absent() throws {
        let world = SyncWorld()
        let user = world.user(alice)
        world.room(room, by: alice)
        world.send(room, alice, "x")
        let show = world.hideKey(of: room)
        world.service.forgetOpenedContent()
        let error = #expect(throws: MatrixError.self) { try world.messages(user, room) }
        #expect(error?.status == 503)
        show()
        #expect(try world.messages(user, room)["chunk"].bodies == ["x"])
    }

    @Test("An invited member's name is sealed under their key and shown with the rest")
    func mergedContent() throws {
        let world = SyncWorld()
        let user = world.user(alice)
        world.room(room, by: alice)
        world.member(room, bob, "invite", by: alice)
        let content = try parse(
            world.service.stateEvent(
                roomID: room,
                type: "m.room.member",
                stateKey: bob,
                format: nil,
                by: user
            )
        )
        #expect(content["displayname"]?.string == bob)
        #expect(content["membership"]?.string == "invite")
        #expect(content.isCanonical)
        world.destroyKey(of: bob)
        let whole = try parse(
            world.service.stateEvent(
                roomID: room,
                type: "m.room.member",
                stateKey: bob,
                format: "event",
                by: user
            )
        )
        #expect(whole["content"]?["displayname"] == nil)
        #expect(whole.at("unsigned", "io.warbler.erased")?.bool == true)
    }

    @Test("Context has half before and the rest after, and tokens that go on")
    func context() throws {
        let world = SyncWorld()
        let user = world.user(alice)
        world.room(room, by: alice)
        let ids = (0..<20).map { world.send(room, alice, "\($0)") }
        let answer = try parse(
            world.service.context(
                roomID: room,
                eventID: ids[10],
                limit: "5",
                filter: nil,
                by: user
            )
        )
        #expect(answer["events_before"].bodies == ["9", "8"])
        #expect(answer["event"]?["event_id"]?.string == ids[10])
        #expect(answer["events_after"].bodies == ["11", "12", "13"])
        #expect(answer["state"]?.count == 5)
        let older = try world.messages(user, room, from: answer["start"]?.string, limit: 1)
        #expect(older["chunk"].bodies == ["7"])
        let newer = try world.messages(
            user,
            room,
            from: answer["end"]?.string,
            dir: "f",
            limit: 1
        )
        #expect(newer["chunk"].bodies == ["14"])
    }

    @Test("Members now, by membership, and as of a token")
    func members() throws {
        let world = SyncWorld()
        let user = world.user(alice)
        world.room(room, by: alice)
        let before = try world.sync(user).nextBatch
        world.member(room, bob, "join")
        world.member(room, "@carol:t", "invite", by: alice)
        func names(
            at: String? = nil,
            _ membership: String? = nil,
            not: String? = nil
        ) throws
            -> [String]
        {
            try parse(
                world.service.members(
                    roomID: room,
                    at: at,
                    membership: membership,
                    notMembership: not,
                    by: user
                )
            )["chunk"]!.elements.compactMap { $0["state_key"]?.string }
        }
        #expect(try names() == [alice, bob, "@carol:t"])
        #expect(try names("join") == [alice, bob])
        #expect(try names(not: "join") == ["@carol:t"])
        #expect(try names(at: before) == [alice])
        #expect(throws: MatrixError.self) { try names("present") }
        let joined = try parse(world.service.joinedMembers(roomID: room, by: user))
        #expect(joined.at("joined", bob, "display_name")?.string == bob)
        #expect(joined["joined"]?.count == 2)
    }

    @Test("The public directory lists, searches and pages")
    func publicRooms() throws {
        let world = SyncWorld()
        let user = world.user(alice)
        for number in 0..<5 {
            world.room("!p\(number):t", by: alice)
            world.setState("!p\(number):t", alice, "m.room.name", #"{"name":"Room \#(number)"}"#)
            world.publishRoom("!p\(number):t")
        }
        world.room(room, by: alice)
        world.member("!p3:t", bob, "join")
        let all = try parse(world.service.publicRooms(PublicRoomsRequest(), by: user))
        #expect(all["chunk"]?.count == 5)
        let first = all["chunk"]?.elements.first { _ in true }
        #expect(first?["name"]?.string == "Room 3")
        #expect(first?["num_joined_members"]?.integer == 2)
        #expect(first?["join_rule"]?.string == "public")
        let found = try parse(
            world.service.publicRooms(PublicRoomsRequest(searchTerm: "ROOM 4"), by: user)
        )
        #expect(found["chunk"]?.count == 1)
        var since: String?
        var names: Set<String> = []
        repeat {
            let page = try parse(
                world.service.publicRooms(PublicRoomsRequest(limit: 2, since: since), by: user)
            )
            names.formUnion(page["chunk"]!.elements.compactMap { $0["name"]?.string })
            since = page["next_batch"]?.string
        } while since != nil
        #expect(names.count == 5)
        let spaces = try parse(
            world.service.publicRooms(PublicRoomsRequest(roomTypes: ["m.space"]), by: user)
        )
        #expect(spaces["chunk"]?.count == 0)
    }

    @Test(
        "Nonsense in parameters is refused",
        arguments: [
            MessagesRequest(roomID: room, dir: "x"), MessagesRequest(roomID: room, limit: "-1"),
            MessagesRequest(roomID: room, limit: "ten"), MessagesRequest(roomID: room, from: "?"),
            MessagesRequest(roomID: room, to: "s"), MessagesRequest(roomID: room, filter: "{"),
            MessagesRequest(roomID: room, filter: "[]"),
        ]
    )
    func nonsense(request: MessagesRequest) {
        let world = SyncWorld()
        let user = world.user(alice)
        world.room(room, by: alice)
        let error = #expect(throws: MatrixError.self) {
            try world.service.messages(request, by: user)
        }
        #expect(error?.status == 400)
    }

    @Test("The directory shows what a room is called now, each time it is asked")
    func directoryChanges() throws {
        let world = SyncWorld()
        let user = world.user(alice)
        world.room(room, by: alice)
        world.publishRoom(room)
        func found(_ term: String) throws -> Int {
            let request = PublicRoomsRequest(searchTerm: term)
            return try parse(world.service.publicRooms(request, by: user))["chunk"]?.count ?? 0
        }
        let first = world.setState(room, alice, "m.room.name", #"{"name":"Tea"}"#)
        #expect(try (found("tea"), found("coffee")) == (1, 0))
        world.setState(room, alice, "m.room.name", #"{"name":"Coffee"}"#)
        #expect(try (found("tea"), found("coffee")) == (0, 1))
        let second = world.setState(room, alice, "m.room.topic", #"{"topic":"cocoa"}"#)
        #expect(try found("cocoa") == 1)
        world.redact(room, alice, second)
        #expect(try found("cocoa") == 0)
        world.redact(room, alice, first)
        world.destroyKey(of: room)
        #expect(try found("coffee") == 0)
    }

    @Test("A room's state says why an event is empty, and a gap's what it replaced")
    func stateExtras() throws {
        let world = SyncWorld()
        let user = world.user(alice)
        world.room(room, by: alice)
        world.setState(room, alice, "m.room.name", #"{"name":"one"}"#)
        let since = try world.sync(user).nextBatch
        world.setState(room, alice, "m.room.name", #"{"name":"two"}"#)
        let topic = world.setState(room, alice, "m.room.topic", #"{"topic":"x"}"#)
        world.redact(room, alice, topic)
        world.send(room, alice, "m")
        let filter = #"{"room":{"timeline":{"limit":1}}}"#
        func state(_ answer: JSONView, _ type: String) -> JSONView? {
            answer.joined(room)?.at("state", "events")?.elements
                .first { $0["type"]?.string == type }?["unsigned"]
        }
        let gap = try world.sync(user, since: since, filter: filter)
        #expect(state(gap, "m.room.name")?.at("prev_content", "name")?.string == "one")
        #expect(state(gap, "m.room.topic")?.at("redacted_because", "sender")?.string == alice)
        let whole = try world.sync(user, filter: filter)
        #expect(state(whole, "m.room.topic")?.at("redacted_because", "sender")?.string == alice)
        #expect(state(whole, "m.room.name") == nil)
        let events = try parse(world.service.state(roomID: room, by: user))
        let own = events.elements.first { $0["type"]?.string == "m.room.topic" }
        #expect(own?.at("unsigned", "redacted_because", "type")?.string == "m.room.redaction")
    }

    @Test("Who left is not told what was taken back after")
    func redactedLater() throws {
        let world = SyncWorld()
        world.room(room, by: alice)
        let user = world.user(bob)
        world.member(room, bob, "join")
        let (early, late) = (world.send(room, alice, "a"), world.send(room, alice, "b"))
        world.redact(room, alice, early)
        world.member(room, bob, "leave")
        world.redact(room, alice, late)
        func because(_ event: String) throws -> JSONView? {
            try parse(world.service.event(roomID: room, eventID: event, by: user))
                .at("unsigned", "redacted_because")
        }
        #expect(try because(early) != nil)
        #expect(try because(late) == nil)
    }

    @Test("A token from before one had a room in the partition leaves nothing out")
    func tokenWithoutRoom() throws {
        let world = SyncWorld()
        world.room(room, by: alice)
        let user = world.user(bob)
        let early = try world.sync(user).nextBatch
        world.member(room, bob, "join")
        world.send(room, alice, "hello")
        let section = try #require(try world.sync(user).joined(room))
        let since = section.at("timeline", "prev_batch")?.string
        let count = 7
        let forwards = try world.messages(user, room, from: early, dir: "f")
        #expect(forwards["chunk"].ids.count == count)
        #expect(forwards["chunk"].bodies == ["hello"])
        let backwards = try world.messages(user, room, from: early, dir: "b")
        #expect(backwards["chunk"].ids.count == count)
        let back = try world.messages(user, room, from: "", to: early, dir: "b")
        #expect(back["chunk"].ids.count == count)
        let forth = try world.messages(user, room, from: since, to: early, dir: "f")
        #expect(forth["chunk"].ids.count == count)
    }

    @Test("State keys are told apart by their bytes")
    func equivalentKeys() throws {
        let world = SyncWorld()
        let user = world.user(alice)
        world.room(room, by: alice)
        let since = try world.sync(user).nextBatch
        let keys = ["e\u{301}", "\u{e9}"]
        #expect(keys[0] == keys[1])
        world.setState(room, alice, "x", #"{"n":0}"#, key: keys[0])
        world.send(room, alice, "in between")
        world.setState(room, alice, "x", #"{"n":1}"#, key: keys[1])
        func numbers(_ since: String?, _ filter: String) throws -> [Int64] {
            try #require(try world.sync(user, since: since, filter: filter).joined(room))
                .at("state", "events")?.elements.filter { $0["type"]?.string == "x" }
                .compactMap { $0.at("content", "n")?.integer }.sorted() ?? []
        }
        #expect(try numbers(since, #"{"room":{"timeline":{"limit":0}}}"#) == [0, 1])
        // One is in the state before the timeline, the other was left out of it.
        let hiding = #"{"room":{"timeline":{"limit":1,"not_types":["x"]}}}"#
        world.send(room, alice, "last")
        #expect(try numbers(nil, hiding) == [0, 1])
    }
}
