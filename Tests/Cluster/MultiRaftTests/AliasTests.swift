import Homeserver
import Keyspace
import MatrixModel
import Partitions
import Primitives
import Projections
import Testing

import MultiRaft

@Suite("Aliases reserved and confirmed")
struct AliasTests {
    private let alias = "#tea:test.example"
    private let anna = "@anna:test.example"
    private let ben = "@ben:test.example"
    private let annasRoom = "!annas:test.example"
    private let bensRoom = "!bens:test.example"

    /// Answers, and settles the turn.
    private func run(
        _ action: Command.Action,
        _ number: UInt64,
        in world: inout TurnWorld
    ) throws -> CommandOutcome {
        let command = Command(
            id: CommandID(high: 9, low: number),
            answerLifetime: 1_000,
            action: action
        )
        var answers = try world.run([
            .command(TurnWorld.partition, command, token: number)
        ]).answers
        while !world.unwritten.isEmpty { answers += try world.sync().answers }
        for case .command(number, let outcome) in answers { return outcome }
        Issue.record("command \(number) was not answered")
        return .outcomeUnknown
    }

    private func reserve(
        _ room: String,
        by user: String,
        _ number: UInt64,
        in world: inout TurnWorld
    ) throws {
        let outcome = try run(
            .reserveAlias(alias: alias, roomID: room, creator: user, confirm: false),
            number,
            in: &world
        )
        guard case .answered = outcome else {
            Issue.record("\(user) got no reservation: \(outcome)")
            return
        }
    }

    /// As the outbox of the room's partition delivers it.
    private func confirm(
        _ room: String,
        by user: String,
        from source: UInt16,
        _ number: UInt64,
        in world: inout TurnWorld
    ) throws {
        let fact = AliasConfirmed(alias: alias, roomID: room, creator: user)
        let outcome = try run(
            .deliver(
                source: PartitionID(source),
                sequence: 1,
                after: nil,
                message: .aliasConfirmed(fact)
            ),
            number,
            in: &world
        )
        guard case .answered = outcome else {
            Issue.record("a message of an outbox must not be refused: \(outcome)")
            return
        }
        let reader = StateReader(TurnWorld.partition, world.memory.state)
        #expect(
            try reader.counter(reader.keys.inboxSequence(PartitionID(source))) == 1,
            "what is not wanted is received all the same, or it would block the rest"
        )
    }

    private func owner(in world: TurnWorld) throws -> (room: String, isConfirmed: Bool)? {
        try StateReader(TurnWorld.partition, world.memory.state).alias(alias)
            .map { ($0.roomID, $0.isConfirmed) }
    }

    @Test("Confirmed late, an alias stays with whoever owns it by then")
    func lateAfterOwner() throws {
        var world = try TurnWorld()
        try reserve(annasRoom, by: anna, 1, in: &world)
        world.wall += 61_000
        try reserve(bensRoom, by: ben, 2, in: &world)
        try confirm(bensRoom, by: ben, from: 2, 3, in: &world)
        try confirm(annasRoom, by: anna, from: 3, 4, in: &world)
        let owner = try #require(try owner(in: world))
        #expect(owner == (bensRoom, true))
    }

    @Test("Confirmed late, an alias stays with whoever has reserved it by then")
    func lateAfterReservation() throws {
        var world = try TurnWorld()
        try reserve(annasRoom, by: anna, 1, in: &world)
        world.wall += 61_000
        try reserve(bensRoom, by: ben, 2, in: &world)
        try confirm(annasRoom, by: anna, from: 3, 3, in: &world)
        #expect(try #require(try owner(in: world)) == (bensRoom, false))
        try confirm(bensRoom, by: ben, from: 2, 4, in: &world)
        #expect(try #require(try owner(in: world)) == (bensRoom, true))
    }

    @Test("Confirmed late, an alias that nobody wanted is taken")
    func lateAndFree() throws {
        var world = try TurnWorld()
        try reserve(annasRoom, by: anna, 1, in: &world)
        world.wall += 61_000
        try confirm(annasRoom, by: anna, from: 3, 2, in: &world)
        #expect(try #require(try owner(in: world)) == (annasRoom, true))
        // Delivered once more under another number: the same owner.
        try confirm(annasRoom, by: anna, from: 4, 3, in: &world)
        #expect(try #require(try owner(in: world)) == (annasRoom, true))
    }

    @Test("The reservation of a room whose ID comes later names a placeholder")
    func placeholder() throws {
        var world = try TurnWorld()
        try reserve("!placeholder", by: anna, 1, in: &world)
        try confirm("!hashed", by: anna, from: 3, 2, in: &world)
        #expect(try #require(try owner(in: world)) == ("!hashed", true))
    }

    @Test("While a reservation holds, nobody else gets one")
    func held() throws {
        var world = try TurnWorld()
        try reserve(annasRoom, by: anna, 1, in: &world)
        let outcome = try run(
            .reserveAlias(alias: alias, roomID: bensRoom, creator: ben, confirm: false),
            2,
            in: &world
        )
        guard case .rejected = outcome else {
            Issue.record("reserved twice")
            return
        }
    }
}
