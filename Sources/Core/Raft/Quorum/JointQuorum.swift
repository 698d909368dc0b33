package import Primitives

/// A majority of the new and of the old voters (dissertation 4.3). `outgoing` is empty outside
/// of a joint configuration.
package struct JointQuorum: Hashable, Sendable {
    package let incoming: MajorityQuorum
    package let outgoing: MajorityQuorum

    package init(incoming: [ReplicaID], outgoing: [ReplicaID] = []) {
        self.incoming = MajorityQuorum(incoming)
        self.outgoing = MajorityQuorum(outgoing)
    }

    /// The highest index both majorities have acknowledged; nil if there are no voters at all.
    package func committed(_ acknowledged: (ReplicaID) -> LogIndex) -> LogIndex? {
        let new = incoming.committed(acknowledged)
        if outgoing.voters.isEmpty { return new }
        guard let old = outgoing.committed(acknowledged) else { return new }
        return new.map { min($0, old) } ?? old
    }

    package func outcome(_ vote: (ReplicaID) -> Bool?) -> VoteOutcome {
        let new = incoming.outcome(vote)
        if outgoing.voters.isEmpty { return new }
        let old = outgoing.outcome(vote)
        if new == old { return new }
        // One of them lost: nothing can be won any more.
        return new == .lost || old == .lost ? .lost : .pending
    }
}
