package import MatrixRules
package import Primitives

/// A user's relation to a room as their account's partition recorded it: what decides whether
/// and how the room appears in a sync.
package struct RoomStanding: Hashable, Sendable {
    package let roomID: String
    /// Where the room lives.
    package let partition: PartitionID
    package let membership: Membership
    /// Log index of the account's partition that recorded this.
    package let index: LogIndex
    /// Log index of the account's partition that recorded how the user last came in; zero for
    /// never. Kept after they left.
    package let entered: LogIndex
    /// Position in the room's partition of the member event this rests on.
    package let position: UInt64
    package let isForgotten: Bool

    package init(
        roomID: String,
        partition: PartitionID,
        membership: Membership,
        index: LogIndex,
        entered: LogIndex,
        position: UInt64,
        isForgotten: Bool
    ) {
        self.roomID = roomID
        self.partition = partition
        self.membership = membership
        self.index = index
        self.entered = entered
        self.position = position
        self.isForgotten = isForgotten
    }
}

/// What this node knows of a room's events and receipts since a token, without a read.
package enum RoomActivity: Sendable {
    case quiet
    case changed
    /// Ask the room's head row.
    case unknown
}
