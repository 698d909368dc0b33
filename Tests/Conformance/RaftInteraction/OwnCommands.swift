import Primitives
import Raft

/// Commands that the data of etcd-io/raft do not have: reads, crashes, an unruly network, store
/// liveness. Used by the files in `Scenarios`.
extension InteractionEnvironment {
    mutating func performOwn(_ data: DataCase) throws {
        let numbers = data.words.compactMap { UInt64($0) }
        guard let first = numbers.first, nodes.indices.contains(Int(first) - 1) else {
            throw CommandError(text: "no node given")
        }
        let node = Int(first) - 1
        switch data.command {
        // crash n: what was not on disk is gone; the node starts again from what is.
        case "crash": try crash(node)
        // duplicate-msgs n: whatever is under way to n from others arrives twice.
        case "duplicate-msgs":
            for flight in flights where flight.to == nodes[node].id && !flight.isLocal {
                flights.append(flight)
            }
        // reverse-msgs n: whatever is under way to n from others arrives in reverse order.
        case "reverse-msgs":
            let id = nodes[node].id
            let places = flights.indices.filter { flights[$0].to == id && !flights[$0].isLocal }
            let reversed = places.reversed().map { flights[$0] }
            for (place, flight) in zip(places, reversed) { flights[place] = flight }
        // read-index n token
        case "read-index": nodes[node].raft.readIndex(token: numbers[1])
        // tick n count=k
        case "tick":
            for _ in 0..<(Int(data.values("count").first ?? "1") ?? 1) { nodes[node].raft.tick() }
        // support n given=(a,b) received=(c,d) ticks=k epoch=e
        case "support":
            func ids(_ key: String) -> [ReplicaID] {
                data.values(key).compactMap { UInt64($0).map { ReplicaID($0) } }
            }
            let ticks = UInt64(data.values("ticks").first ?? "10")!
            let epoch = UInt64(data.values("epoch").first ?? "1")!
            nodes[node].raft.support(
                SupportView(
                    given: ids("given").map { .init(to: $0, epoch: epoch) },
                    received: ids("received").map { .init(by: $0, remainingTicks: ticks) }
                )
            )
        default: throw CommandError(text: "unknown command \(data.command)")
        }
    }

    /// The state machine is taken to be as durable as the log.
    private mutating func crash(_ node: Int) throws {
        let old = nodes[node]
        let id = old.id
        flights.removeAll { $0.to == id && $0.isLocal }
        let newest = old.history.last!
        let log = old.raft.reader
        let raft = try RaftNode(
            settings: old.raft.settings,
            hardState: log.hardState,
            configuration: newest.configuration,
            applied: newest.index,
            log: log
        )
        nodes[node] = Node(raft: raft, history: old.history)
    }
}
