package import KeyValue
package import Primitives
package import Projections

/// One consistent look at the rows of every partition of this node.
package struct NodeView<View: KeyValueReader>: Sendable {
    package let store: View
    private let positions: [PartitionID: LogIndex]

    init(view: View, positions: [PartitionID: LogIndex]) {
        store = view
        self.positions = positions
    }

    package func reader(_ partition: PartitionID) -> StateReader<View> {
        StateReader(partition, store)
    }

    /// Up to where the view holds a partition's facts, at least.
    package func applied(_ partition: PartitionID) -> LogIndex { positions[partition] ?? .zero }
}
