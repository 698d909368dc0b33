import Homeserver
import Keyspace
import MatrixModel
import Partitions
import Primitives
import Testing

@Suite("Creating a room while the power fails")
struct RoomCreationTests {
    /// Disks of a node with two accounts, settled.
    private func disks(_ seed: UInt64) throws -> Disks {
        let disks = Disks()
        var host = try TestHost(disks, seed: seed)
        try RoomCreation.account(RoomCreation.alice, on: &host)
        try RoomCreation.account(RoomCreation.bob, on: &host)
        try host.settle()
        return disks
    }

    /// How far the client of a flow came.
    private struct Progress {
        var isReserved = false
        var room: String?
        var isFinished = false
    }

    private func go(
        _ flow: RoomCreation,
        on host: inout TestHost,
        _ progress: inout Progress
    ) throws {
        if !progress.isReserved {
            let outcome = try host.perform(
                flow.reserve,
                in: host.map.partition(of: RoomCreation.alias)
            )
            guard case .answered(.done, _) = outcome else {
                Issue.record("no alias: \(outcome)")
                return
            }
            progress.isReserved = true
        }
        let outcome = try host.perform(flow.create, in: flow.partition)
        guard case .answered(.room(let room), _) = outcome else {
            Issue.record("no room: \(outcome)")
            return
        }
        if let before = progress.room { #expect(room == before, "the same command, the same room") }
        progress.room = room
        try host.settle()
        progress.isFinished = true
    }

    /// Every event and every message of an outbox is in the logs exactly once.
    private func checkOnce(_ host: TestHost) throws {
        let facts = try host.recorded()
        var events = 0
        var received: [String: Int] = [:]
        var notes = 0
        for (partition, fact) in facts {
            switch fact {
            case .eventAppended: events += 1
            case .membershipNoted: notes += 1
            case .outboxReceived(let fact):
                received["\(fact.source) \(fact.sequence) at \(partition)", default: 0] += 1
            default: break
            }
        }
        #expect(events == RoomCreation.types.count)
        #expect(notes == 2)
        #expect(received.filter { $0.value > 1 }.keys.sorted() == [])
    }

    @Test(
        "Cut after every step, a room is whole or absent, and asked for again it is there once",
        arguments: RoomVersion.allCases,
        // A flush after every write of rows, after some, and after next to none.
        [UInt64(1), 2, 5, 1_000]
    )
    func cuts(version: RoomVersion, flushOneIn: UInt64) throws {
        let seed = flushOneIn
        let base = try disks(seed)
        var steps = 0
        var absent = 0
        while true {
            let disks = try base.copy("\(steps)")
            var host = try TestHost(disks, seed: seed + UInt64(steps), flushOneIn: flushOneIn)
            let flow = try RoomCreation(version, on: host)
            var progress = Progress()
            host.stepsLeft = steps
            do {
                try go(flow, on: &host, &progress)
            } catch is TestHost.PowerCut {}
            let isFinished = progress.isFinished

            disks.crash()
            host = try TestHost(disks, seed: seed &+ 99, milliseconds: 1_700_000_009_000)
            try host.settle()
            let sight = try RoomCreation.sight(host)
            if let room = progress.room ?? sight.rooms.first {
                #expect(sight == RoomCreation.complete(room), "after \(steps) steps")
                #expect(flow.roomID == nil || flow.roomID == room)
            } else {
                absent += 1
                #expect(sight == RoomCreation.Sight(), "after \(steps) steps")
            }

            if let room = sight.rooms.first { progress.room = room }
            try go(flow, on: &host, &progress)
            let room = try #require(progress.room)
            #expect(try RoomCreation.sight(host) == RoomCreation.complete(room))
            try checkOnce(host)
            if isFinished { break }
            steps += 1
            try #require(steps < 1_000)
        }
        // Every way it can go was gone.
        #expect(absent >= 3)
        #expect(steps - absent >= 5)
    }

    @Test("A cut during the recovery from a cut loses nothing either", arguments: UInt64(1)...3)
    func cutTwice(seed: UInt64) throws {
        let base = try disks(seed)
        var host = try TestHost(try base.copy("first"), seed: seed)
        let flow = try RoomCreation(.v11, on: host)
        var progress = Progress()
        // The room is answered for; what it owes to other partitions is on its way.
        let token = host.submit(flow.create, to: flow.partition)
        guard case .answered(.room(let room), _) = try host.outcome(of: token) else {
            Issue.record("no room")
            return
        }
        progress.room = room
        progress.isReserved = true
        let disks = host.disks
        for recovery in 0..<30 {
            disks.crash()
            host = try TestHost(
                disks,
                seed: seed + UInt64(recovery),
                milliseconds: 1_700_000_009_000 + UInt64(recovery) * 1_000
            )
            host.stepsLeft = recovery % 4
            do {
                try host.settle()
            } catch is TestHost.PowerCut {}
        }
        host.stepsLeft = .max
        try go(flow, on: &host, &progress)
        #expect(try RoomCreation.sight(host) == RoomCreation.complete(room))
        try checkOnce(host)
    }
}
