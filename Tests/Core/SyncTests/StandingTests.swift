import Gateway
import Keyspace
import MatrixModel
import Primitives
import Sync
import Testing

private let room = "!r:t"
private let alice = "@alice:t"
private let bob = "@bob:t"
private let carol = "@carol:t"

/// What somebody learns of a room's state, by what they are and were in it.
@Suite("Standing and state")
struct StandingTests {
    private func parse(_ bytes: [UInt8]) throws -> JSONView {
        try JSONDocument(parsing: bytes).root
    }

    /// A token that says more of the room's partition than any node has applied.
    private func raised(_ token: String) throws -> String {
        let known = try #require(StreamToken(token))
        let partition = SyncWorld().map.partition(of: room)
        return StreamToken(
            incarnation: known.incarnation,
            account: known.account,
            positions: known.positions + [.init(partition, LogIndex(1 << 51))],
            typing: known.typing
        ).text
    }

    private static let filters = [
        "{}", #"{"room":{"state":{"lazy_load_members":true}}}"#,
        #"{"room":{"timeline":{"limit":0}}}"#, #"{"room":{"timeline":{"types":[]}}}"#,
    ]

    @Test("Who never was in learns no state when that ends, whatever they ask", arguments: filters)
    func neverIn(filter: String) throws {
        for ends in ["leave", "ban"] {
            for begins in ["knock", "invite"] {
                let world = SyncWorld()
                world.room(room, by: alice)
                world.setState(room, alice, "m.room.topic", #"{"topic":"secret"}"#)
                let user = world.user(bob)
                let since = try world.sync(user).nextBatch
                world.member(room, bob, begins, by: begins == "knock" ? bob : alice)
                world.member(room, bob, ends, by: ends == "ban" ? alice : bob)
                for token in [since, try raised(since)] {
                    for full in [false, true] {
                        let answer = try world.sync(user, since: token, filter: filter, full: full)
                        let left = try #require(answer.at("rooms", "leave", room))
                        #expect(left.at("state", "events").types == [])
                        #expect(left.at("timeline", "events").types == ["m.room.member"])
                    }
                }
            }
        }
    }

    @Test("Who was put out learns the state as it was then, whatever they ask", arguments: filters)
    func putOut(filter: String) throws {
        for visibility in ["shared", "invited", "joined"] {
            let world = SyncWorld()
            world.room(room, by: alice, visibility: visibility)
            let user = world.user(bob)
            world.setState(room, alice, "m.room.name", #"{"name":"early"}"#)
            world.member(room, bob, "join")
            let since = try world.sync(user).nextBatch
            world.send(room, alice, "last words")
            world.member(room, bob, "leave", by: alice)
            world.setState(room, alice, "m.room.name", #"{"name":"late"}"#)
            world.setState(room, alice, "m.room.topic", #"{"topic":"late"}"#)
            world.member(room, carol, "join")
            // An event they may see, after many they may not.
            world.member(room, bob, "invite", by: alice)
            world.member(room, bob, "leave")
            for token in [since, try raised(since), nil] {
                for full in [false, true] {
                    let answer = try world.sync(
                        user,
                        since: token,
                        filter: token == nil
                            ? #"{"room":{"include_leave":true}}"# : filter,
                        full: full
                    )
                    let left = try #require(answer.at("rooms", "leave", room))
                    let told =
                        (left.at("state", "events")?.elements.map { $0 } ?? [])
                        + (left.at("timeline", "events")?.elements.map { $0 } ?? [])
                    #expect(!told.contains { $0["type"]?.string == "m.room.topic" })
                    #expect(!told.contains { $0["state_key"]?.string == carol })
                    #expect(!told.contains { $0.at("content", "name")?.string == "late" })
                    guard full, filter == "{}" else { continue }
                    #expect(told.contains { $0.at("content", "name")?.string == "early" })
                }
            }
        }
    }

    @Test("A context shows whole state to members only, others what they may read")
    func context() throws {
        let world = SyncWorld()
        world.room(room, by: alice, visibility: "invited")
        world.setState(room, alice, "m.room.topic", #"{"topic":"secret"}"#)
        let user = world.user(bob)
        world.member(room, bob, "join")
        world.member(room, bob, "leave", by: alice)
        world.setState(room, alice, "m.room.topic", #"{"topic":"more secret"}"#)
        world.member(room, carol, "join")
        world.member(room, "@dora:t", "invite", by: alice)
        world.member(room, bob, "invite", by: alice)
        let event = world.send(room, carol, "to the invited")
        func state(_ user: Requester, filter: String? = nil) throws -> [JSONView] {
            let bytes = try world.service.context(
                roomID: room,
                eventID: event,
                limit: nil,
                filter: filter,
                by: user
            )
            return try parse(bytes)["state"]?.elements.map { $0 } ?? []
        }
        func topic(_ state: [JSONView]) -> String? {
            state.first { $0["type"]?.string == "m.room.topic" }?.at("content", "topic")?.string
        }
        let lazy = #"{"lazy_load_members":true}"#
        #expect(try topic(state(world.user(alice))) == "more secret")
        #expect(try topic(state(user)) == "secret")
        #expect(try !state(user).contains { $0["state_key"]?.string == carol })
        #expect(try !state(user, filter: lazy).contains { $0["state_key"]?.string == carol })
        let dora = world.user("@dora:t")
        #expect(try state(dora).allSatisfy { $0["type"]?.string == "m.room.member" })
        #expect(try !state(dora).contains { $0["state_key"]?.string == carol })
        #expect(try !state(dora, filter: lazy).contains { $0["state_key"]?.string == carol })
        #expect(try topic(state(dora)) == nil)
        let page = try world.messages(user, room, filter: lazy)
        #expect(page["chunk"].bodies == ["to the invited"])
        #expect(page["state"]?.elements.contains { $0["state_key"]?.string == carol } == false)
    }

    @Test("Who comes in learns the state that was set while they could not see")
    func comingIn() throws {
        for filter in ["{}", #"{"room":{"state":{"lazy_load_members":true}}}"#] {
            for visibility in ["joined", "invited"] {
                let world = SyncWorld()
                world.room(room, by: alice, visibility: visibility)
                let user = world.user(bob)
                let early = try world.sync(user).nextBatch
                world.setState(room, alice, "m.room.name", #"{"name":"old"}"#)
                world.setState(room, alice, "m.room.name", #"{"name":"new"}"#)
                world.member(room, carol, "join")
                world.send(room, carol, "unheard")
                world.member(room, bob, "join")
                world.send(room, carol, "heard")
                for since in [nil, early] {
                    let answer = try world.sync(user, since: since, filter: filter)
                    let section = try #require(answer.joined(room))
                    #expect(section.at("timeline", "events").bodies == ["heard"])
                    #expect(section.at("timeline", "limited")?.bool == true)
                    let state = section.at("state", "events")?.elements.map { $0 } ?? []
                    let names = state.compactMap { $0.at("content", "name")?.string }
                    #expect(names == ["new"])
                    #expect(state.contains { $0["state_key"]?.string == carol })
                    #expect(state.contains { $0["type"]?.string == "m.room.create" })
                    // What may be read before goes on in /messages.
                    let page = try world.messages(
                        user,
                        room,
                        from: section.at("timeline", "prev_batch")?.string
                    )
                    #expect(page["chunk"].types.last == "m.room.create")
                    #expect(!page["chunk"].types.contains("m.room.name"))
                }
            }
        }
    }

    @Test("Where nothing was set meanwhile, the timeline goes on over what may not be seen")
    func comingBack() throws {
        let world = SyncWorld()
        world.room(room, by: alice, visibility: "joined")
        let user = world.user(bob)
        world.member(room, bob, "join")
        world.send(room, alice, "before")
        world.member(room, bob, "leave")
        world.send(room, alice, "unheard")
        world.member(room, bob, "join")
        let section = try #require(try world.sync(user).joined(room))
        #expect(section.at("timeline", "events").bodies == ["before"])
        #expect(section.at("timeline", "limited")?.bool != true)
    }

    @Test("What a hidden event replaced stays hidden")
    func replacedUnseen() throws {
        let world = SyncWorld()
        world.room(room, by: alice, visibility: "joined")
        let user = world.user(bob)
        world.setState(room, alice, "m.room.name", #"{"name":"unseen"}"#)
        world.setState(room, alice, "m.room.name", #"{"name":"found"}"#)
        world.member(room, bob, "join")
        func name() throws -> JSONView {
            try parse(
                world.service.stateEvent(
                    roomID: room,
                    type: "m.room.name",
                    stateKey: "",
                    format: "event",
                    by: user
                )
            )
        }
        #expect(try name().at("content", "name")?.string == "found")
        #expect(try name().at("unsigned", "prev_content") == nil)
        world.setState(room, alice, "m.room.name", #"{"name":"seen"}"#)
        #expect(try name().at("unsigned", "prev_content", "name")?.string == "found")
    }

    @Test("A stretch outside that the account has not heard of yet stays hidden too")
    func accountBehind() throws {
        let world = SyncWorld()
        world.room(room, by: alice, visibility: "joined")
        let user = world.user(bob)
        world.member(room, bob, "join")
        world.member(room, bob, "leave", isLate: true)
        world.send(room, alice, "elsewhere")
        let since = try world.sync(user).nextBatch
        world.send(room, alice, "unheard")
        world.member(room, bob, "join", isLate: true)
        world.send(room, alice, "heard")
        let answer = try world.sync(user, since: since)
        #expect(answer.joined(room)?.at("timeline", "events").bodies == ["heard"])
    }
}
