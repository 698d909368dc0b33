import Gateway
import MatrixModel
import Testing

private let room = "!r:t"
private let alice = "@alice:t"
private let bob = "@bob:t"

/// The table of setting × membership × endpoint stands in `GatewayTests/Rooms`.
@Suite("History visibility")
struct VisibilityTests {
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
