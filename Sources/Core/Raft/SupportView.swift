package import Primitives

/// What store liveness knows about the members of this group: which nodes this node has promised
/// to treat as alive, and which have promised the same to it. Replaced whole at each change.
///
/// Time is counted by `tick()`: a replica that is not ticked takes promises to last for ever, so
/// one that serves lease reads must be ticked even while it is quiet.
package struct SupportView: Hashable, Sendable {
    /// A promise this node made to another.
    package struct Given: Hashable, Sendable {
        package var to: ReplicaID
        /// Grows with every restart of that node and with every withdrawal. A leader heard in one
        /// epoch is not trusted to lead in the next.
        package var epoch: UInt64

        package init(to: ReplicaID, epoch: UInt64) {
            self.to = to
            self.epoch = epoch
        }
    }

    /// A promise another node made to this one, in this node's present incarnation.
    package struct Received: Hashable, Sendable {
        package var by: ReplicaID
        /// Ticks from now, counted from when this node asked, so that delay shortens it.
        package var remainingTicks: UInt64

        package init(by: ReplicaID, remainingTicks: UInt64) {
            self.by = by
            self.remainingTicks = remainingTicks
        }
    }

    package var given: [Given]
    package var received: [Received]

    package init(given: [Given], received: [Received]) {
        self.given = given
        self.received = received
    }

    func epoch(givenTo member: ReplicaID) -> UInt64? {
        given.first { $0.to == member }?.epoch
    }
}
