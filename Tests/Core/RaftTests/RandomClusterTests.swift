import Foundation
import Primitives
import Raft
import Testing

/// Many short lives of small clusters under loss, delay, repetition, crashes, cuts, membership
/// changes and snapshots. `WARBLER_RAFT_SEEDS` sets how many.
@Suite("Random clusters")
struct RandomClusterTests {
    static let seeds = Int(ProcessInfo.processInfo.environment["WARBLER_RAFT_SEEDS"] ?? "") ?? 150

    private func run(_ seed: UInt64, _ options: RandomCluster.Options) throws -> RandomCluster {
        let cluster = try RandomCluster(seed: seed, options: options)
        do {
            try cluster.run()
        } catch let violation as Violation {
            throw Violation(description: "seed \(seed), \(options): \(violation)")
        }
        return cluster
    }

    @Test("All claims of Raft hold, whatever happens", arguments: [1, 2, 3, 5])
    func safety(replicas: Int) throws {
        var entries = 0
        var crashes = 0
        var changes = 0
        var snapshots = 0
        var reads = 0
        for seed in 0..<UInt64(Self.seeds) {
            var options = RandomCluster.Options()
            options.replicas = replicas
            options.loss = Int(seed % 4) * 6
            options.duplication = Int(seed % 3) * 8
            options.changesMembers = seed % 2 == 0
            options.showsWritesEarly = seed % 5 < 2
            options.checkQuorum = seed / 3 % 4 != 0
            options.ticks = 1 + Int(seed / 11 % 4)
            let cluster = try run(seed &* 0x9E37_79B9 &+ UInt64(replicas), options)
            entries += cluster.committed.count
            crashes += cluster.crashes
            changes += cluster.changes
            snapshots += cluster.snapshots
            reads += cluster.readsAnswered
        }
        // A run in which nothing happens proves nothing.
        #expect(entries > Self.seeds * 10)
        #expect(crashes > Self.seeds * 5)
        #expect(reads > Self.seeds)
        #expect(replicas < 3 || snapshots > Self.seeds / 10)
        #expect(changes > Self.seeds / 4)
    }

    @Test(
        "A planted fault is found",
        arguments: [
            PlantedFault.commitsOldTerms, .acknowledgesBeforeAppend, .votesBeforeAppend,
            .readsWithoutQuorum,
        ]
    )
    func findsFaults(fault: PlantedFault) {
        var found: UInt64?
        for seed in 0..<4_000 where found == nil {
            var options = RandomCluster.Options()
            options.plantedFault = fault
            options.changesMembers = false
            options.replicas = seed % 2 == 0 ? 3 : 5
            options.loss = seed % 3 * 5
            options.checkQuorum = seed % 5 < 2
            options.ticks = 1 + seed % 4
            if (try? run(UInt64(seed), options)) == nil { found = UInt64(seed) }
        }
        #expect(found != nil, "\(fault) went unnoticed")
    }
}
