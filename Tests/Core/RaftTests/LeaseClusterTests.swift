import Primitives
import Raft
import Testing

/// Three nodes whose clocks run at the same rate, store liveness between them, and lease reads:
/// no read may miss what was committed before it was asked for.
private struct LeaseCluster {
    static let promiseTicks: UInt64 = 6
    private let ids = TestGroup.ids(3)
    private var random: SeededGenerator
    private var group: TestGroup
    private var isUp = [true, true, true]
    /// Links that are down: two bits, one per end.
    private var cuts: Set<Int> = []
    /// Messages that take their time, with the tick at which they arrive.
    private var delayed: [(due: UInt64, message: Message)] = []
    private var now: UInt64 = 0
    /// Until when node `i` has promised to support node `j`, and in which epoch. On disk.
    private var given = Array(
        repeating: Array(repeating: (end: UInt64(0), epoch: UInt64(1)), count: 3),
        count: 3
    )
    /// Until when node `i` may count on node `j`, as far as `i` knows. Forgotten by a crash.
    private var received = Array(repeating: Array(repeating: UInt64(0), count: 3), count: 3)
    private var nextToken: UInt64 = 0
    private var known: [UInt64: LogIndex] = [:]
    private(set) var leaseReads = 0
    private(set) var elections: Set<Term> = []

    init(seed: UInt64) throws {
        random = SeededGenerator(seed: seed)
        group = try TestGroup(3) {
            $0.seed = seed &* 31 &+ $0.id.raw
            $0.preVote = true
            $0.checkQuorum = true
            $0.usesStoreLiveness = true
            $0.readMode = .lease
            $0.voteGraceTicks = Int(LeaseCluster.promiseTicks) + 1
        }
    }

    private mutating func chance(_ percent: UInt64) -> Bool { random.next() % 100 < percent }

    private func areConnected(_ a: Int, _ b: Int) -> Bool {
        isUp[a] && isUp[b] && !cuts.contains(1 << a | 1 << b)
    }

    mutating func run(rounds: Int) throws {
        for _ in 0..<rounds {
            now += 1
            // Single links fail: one follower may hear the leader while the other does not.
            for link in [0b011, 0b101, 0b110] where chance(4) {
                if cuts.remove(link) == nil { cuts.insert(link) }
            }
            for node in 0..<3 where chance(isUp[node] ? 2 : 60) { try crashOrStart(node) }
            exchangePromises()
            for node in 0..<3 where isUp[node] {
                view(node)
                group[node + 1].tick()
                if chance(1) { group[node + 1].transferLeadership(to: ids[Int(random.next() % 3)]) }
                if group[node + 1].isLeader {
                    elections.insert(group[node + 1].term)
                    if chance(60) { _ = try? group[node + 1].propose([[1]]) }
                }
            }
            for _ in 0..<2 { try exchangeMessages() }
            for node in 0..<3 where isUp[node] { try read(node) }
        }
    }

    /// Half a tick of the network is too short to matter: a promise is asked for and given at once.
    private mutating func exchangePromises() {
        for asker in 0..<3 where isUp[asker] && now % 2 == 0 {
            for giver in 0..<3 where giver != asker && areConnected(asker, giver) && !chance(20) {
                // Withdrawn support begins a new epoch.
                if given[giver][asker].end < now { given[giver][asker].epoch += 1 }
                given[giver][asker].end = now + Self.promiseTicks
                received[asker][giver] = now + Self.promiseTicks
            }
        }
    }

    private mutating func view(_ node: Int) {
        let others = (0..<3).filter { $0 != node }
        group[node + 1].support(
            SupportView(
                given: others.filter { given[node][$0].end >= now }.map {
                    .init(to: ids[$0], epoch: given[node][$0].epoch)
                },
                received: others.filter { received[node][$0] > now }.map {
                    .init(by: ids[$0], remainingTicks: received[node][$0] - now)
                }
            )
        )
    }

    private mutating func exchangeMessages() throws {
        for node in 0..<3 where isUp[node] { group.work(node + 1) }
        for message in group.network {
            let from = Int(message.from.raw) - 1
            let to = Int(message.to.raw) - 1
            guard areConnected(from, to), !chance(5) else { continue }
            let isSlow = chance(message.kind == .timeoutNow ? 70 : 5)
            delayed.append((now + (isSlow ? random.next() % 25 : 0), message))
        }
        group.network = []
        let arriving = delayed.filter { $0.due <= now }
        delayed.removeAll { $0.due <= now }
        for (_, message) in arriving where isUp[Int(message.to.raw) - 1] { group.hand(message) }
        for node in 0..<3 where isUp[node] { group.work(node + 1) }
    }

    private mutating func read(_ node: Int) throws {
        let committed = (0..<3).map { group[$0 + 1].commitIndex }.max()!
        nextToken += 1
        known[nextToken] = committed
        group[node + 1].readIndex(token: nextToken)
        let before = group.reads[node].count
        group.work(node + 1)
        // Answered within the same turn: by a lease.
        leaseReads += group.reads[node].count - before
        for answers in group.reads {
            for answer in answers {
                guard let known = known.removeValue(forKey: answer.token) else { continue }
                guard answer.index >= known else {
                    throw Violation(description: "read at \(answer.index), known \(known)")
                }
            }
        }
        for node in 0..<3 { group.reads[node] = [] }
    }

    private mutating func crashOrStart(_ node: Int) throws {
        isUp[node].toggle()
        guard isUp[node] else { return }
        received[node] = [0, 0, 0]
        // A new incarnation: promises given to the old one end with it.
        for giver in 0..<3 where giver != node { given[giver][node].epoch += 1 }
        try group.restart(node + 1)
    }
}

@Suite("Lease reads")
struct LeaseClusterTests {
    @Test("No lease read is stale, over cuts, crashes and transfers")
    func linearizable() throws {
        var reads = 0
        var terms = 0
        for seed in 0..<60 as Range<UInt64> {
            var cluster = try LeaseCluster(seed: seed)
            do {
                try cluster.run(rounds: 1_500)
            } catch let violation as Violation {
                throw Violation(description: "seed \(seed): \(violation)")
            }
            reads += cluster.leaseReads
            terms += cluster.elections.count
        }
        // It must have been worth the trouble: leases held, and leaders changed.
        #expect(reads > 60 * 300)
        #expect(terms > 60 * 5)
    }
}
