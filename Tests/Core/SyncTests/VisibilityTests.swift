import Gateway
import MatrixModel
import Testing

private let room = "!r:t"
private let alice = "@alice:t"
private let bob = "@bob:t"

/// Setting × membership when the event was sent × membership now × endpoint.
@Suite("History visibility")
struct VisibilityTests {
    enum Then: String, CaseIterable {
        case outside, invited, joined, left
    }
    enum Now: String, CaseIterable {
        case outside, invited, joined, left, banned
    }
    struct Case: CustomStringConvertible {
        let setting: String
        let then: Then
        let now: Now
        var description: String { "\(setting), \(then) then, \(now) now" }

        /// What the specification says of the event between the two memberships.
        var isVisible: Bool {
            if then == .joined { return true }
            switch setting {
            case "world_readable": return true
            case "shared": return now == .joined || wasInAfter
            case "invited": return then == .invited && (now == .joined || wasInAfter)
            default: return false
            }
        }
        /// Those who are out now went through a join in between, except the ones never in.
        var wasInAfter: Bool { now == .left || now == .banned }
        var isMember: Bool { now == .joined }
        /// Whether the reader may ask at all.
        var mayEnter: Bool {
            isMember || wasInAfter || then == .joined || then == .left
                || setting == "world_readable"
        }
    }

    static let cases: [Case] = ["shared", "world_readable", "invited", "joined"].flatMap {
        setting in
        Then.allCases.flatMap { then in
            Now.allCases.map { Case(setting: setting, then: then, now: $0) }
        }
    }

    @Test("Every endpoint shows and hides the same events", arguments: cases)
    func table(row: Case) throws {
        let world = SyncWorld()
        let user = world.user(bob)
        world.room(room, by: alice, visibility: row.setting)
        switch row.then {
        case .outside: break
        case .invited: world.member(room, bob, "invite", by: alice)
        case .joined: world.member(room, bob, "join")
        case .left:
            world.member(room, bob, "join")
            world.member(room, bob, "leave")
        }
        let event = world.send(room, alice, "secret")
        switch row.now {
        case .outside:
            if row.then == .joined || row.then == .invited { world.member(room, bob, "leave") }
        case .invited:
            if row.then == .joined { world.member(room, bob, "leave") }
            if row.then != .invited { world.member(room, bob, "invite", by: alice) }
        case .joined: if row.then != .joined { world.member(room, bob, "join") }
        case .left, .banned:
            if row.then != .joined { world.member(room, bob, "join") }
            world.member(room, bob, row.now == .left ? "leave" : "ban", by: alice)
        }
        let after = world.send(room, alice, "afterwards")
        let isVisible = row.mayEnter && isExpected(row)
        let seesAfter = row.mayEnter && (row.isMember || row.setting == "world_readable")

        #expect(
            isShown { try world.service.event(roomID: room, eventID: event, by: user) } == isVisible
        )
        #expect(
            isShown { try world.service.event(roomID: room, eventID: after, by: user) } == seesAfter
        )
        #expect(
            isShown {
                try world.service.context(
                    roomID: room,
                    eventID: event,
                    limit: nil,
                    filter: nil,
                    by: user
                )
            } == isVisible
        )
        for dir in ["b", "f"] {
            let page = try? world.messages(user, room, dir: dir, limit: 100)
            #expect((page != nil) == row.mayEnter)
            #expect((page?["chunk"].ids.contains(event) ?? false) == isVisible)
            #expect((page?["chunk"].ids.contains(after) ?? false) == seesAfter)
        }
        let context = try? world.service.context(
            roomID: room,
            eventID: after,
            limit: "50",
            filter: nil,
            by: user
        )
        if let context {
            let before = try JSONDocument(parsing: context).root["events_before"]
            #expect(before.ids.contains(event) == isVisible)
        }
        let sync = try world.sync(
            user,
            filter: #"{"room":{"include_leave":true,"timeline":{"limit":100}}}"#
        )
        let section = sync.joined(room) ?? sync.at("rooms", "leave", room)
        if let section {
            #expect(section.at("timeline", "events").ids.contains(event) == isVisible)
            #expect(section.at("timeline", "events").ids.contains(after) == row.isMember)
        } else {
            #expect(!row.isMember && !row.wasInAfter)
        }
        let state = isShown { try world.service.state(roomID: room, by: user) }
        #expect(state == row.mayEnter)
    }

    /// The table's own reading, apart from the code's: by rules, not by ranges.
    private func isExpected(_ row: Case) -> Bool {
        if row.then == .joined || row.setting == "world_readable" { return true }
        let joinsLater = row.now == .joined || row.wasInAfter
        return switch row.setting {
        case "shared": joinsLater
        case "invited": row.then == .invited
        default: false
        }
    }

    private func isShown(_ body: () throws -> [UInt8]) -> Bool { (try? body()) != nil }

    @Test("State, members and a state event are shown as of the leave")
    func stateAtLeave() throws {
        let world = SyncWorld()
        world.room(room, by: alice)
        let user = world.user(bob)
        world.setState(room, alice, "m.room.name", #"{"name":"before"}"#)
        world.member(room, bob, "join")
        world.member(room, bob, "leave")
        world.setState(room, alice, "m.room.name", #"{"name":"after"}"#)
        world.setState(room, alice, "m.room.topic", #"{"topic":"new"}"#)
        world.member(room, "@carol:t", "join")
        let service = world.service!
        let name = try service.stateEvent(
            roomID: room,
            type: "m.room.name",
            stateKey: "",
            format: nil,
            by: user
        )
        #expect(String(decoding: name, as: UTF8.self) == #"{"name":"before"}"#)
        #expect(throws: MatrixError.self) {
            try service.stateEvent(
                roomID: room,
                type: "m.room.topic",
                stateKey: "",
                format: nil,
                by: user
            )
        }
        let members = try JSONDocument(
            parsing: service.members(
                roomID: room,
                at: nil,
                membership: nil,
                notMembership: nil,
                by: user
            )
        ).root["chunk"]
        #expect(members?.elements.compactMap { $0["state_key"]?.string } == [alice, bob])
        #expect(throws: MatrixError.self) { try service.joinedMembers(roomID: room, by: user) }
        world.forget(room, bob)
        #expect(throws: MatrixError.self) { try service.state(roomID: room, by: user) }
    }
}
