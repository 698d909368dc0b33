import Primitives

/// A host's replicas in the order of their partitions. They are large values, so they are only
/// looked at and changed in place: handing one out would copy all it holds.
struct ReplicaTable<Replica: Sendable>: Sendable {
    private(set) var ids: [PartitionID] = []
    private var replicas: [Replica] = []
    private var places: [PartitionID: Int] = [:]

    func contains(_ id: PartitionID) -> Bool { places[id] != nil }

    mutating func add(_ replica: Replica, as id: PartitionID) {
        precondition(places[id] == nil, "a node has one replica of a partition")
        let place = ids.firstIndex { id < $0 } ?? ids.count
        ids.insert(id, at: place)
        replicas.insert(replica, at: place)
        for (place, id) in ids.enumerated() { places[id] = place }
    }

    /// Nil when there is no such replica.
    mutating func with<Result>(
        _ id: PartitionID,
        _ body: (inout Replica) throws -> Result
    ) rethrows -> Result? {
        guard let place = places[id] else { return nil }
        return try body(&replicas[place])
    }
}
