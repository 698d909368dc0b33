import Homeserver
import KeyValue
import Keyspace
import MatrixModel
import Partitions
import Primitives
import Projections
import Testing

/// A core may refuse a proposal at any time. Nothing may be decided on what was lost with it, and
/// what partitions owe each other may not be forgotten.
@Suite("Refused proposals")
struct RefusalTests {
    private func host() throws -> (TestHost, RoomCreation) {
        var host = try TestHost(Disks(), seed: 5)
        try RoomCreation.account(RoomCreation.alice, on: &host)
        try RoomCreation.account(RoomCreation.bob, on: &host)
        try host.settle()
        return (host, try RoomCreation(.v11, on: host))
    }

    private func message(_ text: String, _ id: UInt64, _ host: TestHost) throws -> Command {
        let alice = try RoomCreation.member(RoomCreation.alice, host)
        return Command(
            id: CommandID(high: 9, low: id),
            answerLifetime: Command.clientLifetime,
            action: .sendEvent(
                SendEvent(
                    roomID: "!room:t.example",
                    sender: alice.userID,
                    senderKeyID: alice.keyID,
                    draft: EventIntent(
                        type: "m.room.message",
                        content: Array(#"{"body":"\#(text)"}"#.utf8)
                    )
                )
            )
        )
    }

    private func messages(_ host: TestHost) throws -> [StoredEvent] {
        let reader = host.home(of: "!room:t.example")
        let room = try #require(try reader.room("!room:t.example"))
        var events: [StoredEvent] = []
        try reader.timeline(of: room, from: .zero, to: .end, reverse: false) {
            if $0.event.type == "m.room.message" { events.append($0.event) }
            return true
        }
        return events
    }

    @Test("A refusal while an entry is under way does not make the leader forget that entry")
    func underWay() throws {
        var (host, flow) = try host()
        _ = try host.perform(flow.create, in: flow.partition)
        try host.settle()
        // One turn: the first is proposed, the second refused, and the first asked for again.
        let first = try message("first", 1, host)
        let tokens = [host.submit(first, to: flow.partition)]
        host.put(.acceptProposals(false))
        let refused = host.submit(try message("second", 2, host), to: flow.partition)
        host.put(.acceptProposals(true))
        let again = host.submit(first, to: flow.partition)
        let third = host.submit(try message("third", 3, host), to: flow.partition)
        guard case .answered(.event(let id), _) = try host.outcome(of: tokens[0]),
            case .unavailable = try host.outcome(of: refused)
        else {
            Issue.record("the first is taken on, the second is not")
            return
        }
        for token in [again, third] {
            // Not decided on rows that do not hold the first yet.
            guard case .unavailable = try host.outcome(of: token) else {
                Issue.record("decided without the entry under way")
                return
            }
        }
        guard case .answered(.event(id), _) = try host.perform(first, in: flow.partition) else {
            Issue.record("another answer")
            return
        }
        _ = try host.perform(try message("third", 3, host), in: flow.partition)
        let events = try messages(host)
        #expect(events.map(\.eventID).first == id)
        #expect(events.count == 2)
        #expect(events[1].previousEvents == [id])
        #expect(events[1].depth == events[0].depth + 1)
    }

    @Test("A message between partitions that was refused is handed over again")
    func handedOverAgain() throws {
        var (host, flow) = try host()
        let token = host.submit(flow.create, to: flow.partition)
        // The room's entry is proposed; what follows from it finds every core closed.
        try host.pass()
        host.put(.acceptProposals(false))
        guard case .answered(.room(let room), _) = try host.outcome(of: token) else {
            Issue.record("no room")
            return
        }
        let half = try RoomCreation.sight(host)
        #expect(half.rooms == [room])
        #expect(half.memberships == [])
        host.put(.acceptProposals(true))
        try host.settle()
        #expect(try RoomCreation.sight(host) == RoomCreation.complete(room))
    }

    @Test("A command that changes more than an entry can hold is refused and leaves no trace")
    func tooMuch() throws {
        var (host, flow) = try host()
        guard case .answered(.room(let room), _) = try host.perform(flow.create, in: flow.partition)
        else {
            Issue.record("no room")
            return
        }
        try host.settle()
        // A member of as many rooms as an entry holds facts: each would be told.
        let keys = host.home(of: RoomCreation.alice).keys
        let one = keys.membership(RoomCreation.alice, room)
        let row = try #require(try host.disks.state.get(one, in: .state))
        var batch = WriteBatch()
        for number in 0..<EntryBody.factsMax {
            let key = keys.membership(RoomCreation.alice, "!other\(number):t.example")
            batch.put(key, row, in: .state)
        }
        try host.disks.state.write(batch, sync: false)
        let before = try host.recorded().count
        let partition = host.map.partition(of: RoomCreation.alice)
        func run(_ id: UInt64, _ action: Command.Action) throws -> CommandOutcome {
            let command = Command(
                id: CommandID(high: 7, low: id),
                answerLifetime: Command.mintedLifetime,
                action: action
            )
            return try host.perform(command, in: partition)
        }
        guard
            case .rejected(let error) = try run(
                1,
                .deactivate(userID: RoomCreation.alice, erase: false)
            )
        else {
            Issue.record("an entry that no replica could read")
            return
        }
        #expect(error.code == .tooLarge)
        #expect(try host.recorded().count == before)
        guard
            case .answered = try run(
                2,
                .storeFilter(userID: RoomCreation.alice, filterID: "1", content: Array("{}".utf8))
            )
        else {
            Issue.record("the account takes nothing more")
            return
        }
    }

    @Test("Refused commands leave no trace, and reads go on")
    func noTrace() throws {
        var (host, flow) = try host()
        let before = try host.recorded().count
        host.put(.acceptProposals(false))
        for command in [flow.create, flow.reserve] {
            let partition =
                command.id == flow.create.id
                ? flow.partition : host.map.partition(of: RoomCreation.alias)
            let token = host.submit(command, to: partition)
            guard case .unavailable = try host.outcome(of: token) else {
                Issue.record("taken on")
                return
            }
        }
        #expect(try host.recorded().count == before)
        #expect(try RoomCreation.sight(host) == RoomCreation.Sight())
        host.put(.acceptProposals(true))
        guard case .answered = try host.perform(flow.create, in: flow.partition) else {
            Issue.record("not taken on again")
            return
        }
    }
}
