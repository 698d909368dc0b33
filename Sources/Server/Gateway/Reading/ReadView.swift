package import KeyValue
package import Keyspace
package import MultiRaft
package import Primitives
package import Projections

/// One consistent look at all partitions of this node, as the reading functions take it.
package struct ReadView<Store: KeyValueReader>: Sendable {
    package let store: Store
    package let map: PartitionMap
    private let positions: @Sendable (PartitionID) -> LogIndex

    /// - Parameter applied: positions taken before the look, so that it holds at least these.
    package init(
        store: Store,
        map: PartitionMap,
        applied: @escaping @Sendable (PartitionID) -> LogIndex
    ) {
        self.store = store
        self.map = map
        positions = applied
    }

    package init(_ view: NodeView<Store>, map: PartitionMap) {
        self.init(store: view.reader(.control).store, map: map, applied: { view.applied($0) })
    }

    package func reader(_ partition: PartitionID) -> StateReader<Store> {
        StateReader(partition, store)
    }

    /// The partition of a room, a user or an alias.
    package func home(of id: String) -> StateReader<Store> { reader(map.partition(of: id)) }

    package func applied(_ partition: PartitionID) -> LogIndex { positions(partition) }
}

/// Who asks.
package struct Requester: Sendable, Hashable {
    package let userID: String
    package let deviceID: String
    package init(userID: String, deviceID: String) {
        self.userID = userID
        self.deviceID = deviceID
    }
}
