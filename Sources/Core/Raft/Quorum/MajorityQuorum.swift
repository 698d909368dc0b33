package import Primitives

/// How an election stands.
package enum VoteOutcome: UInt8, Sendable {
    case pending
    case won
    case lost
}

/// Any majority of a set of voters. The empty set agrees with everything, so that half a joint
/// quorum can stand for a whole one.
package struct MajorityQuorum: Hashable, Sendable {
    /// In ascending order, no duplicates.
    package let voters: [ReplicaID]

    package init(_ voters: [ReplicaID]) { self.voters = voters }

    package var size: Int { voters.count / 2 + 1 }

    /// The highest index that a majority has acknowledged; nil if there are no voters.
    package func committed(_ acknowledged: (ReplicaID) -> LogIndex) -> LogIndex? {
        let count = voters.count
        if count == 0 { return nil }
        return withUnsafeTemporaryAllocation(of: LogIndex.self, capacity: count) { sorted in
            for (position, voter) in voters.enumerated() {
                let index = acknowledged(voter)
                var slot = position
                while slot > 0, index < sorted[slot - 1] {
                    sorted[slot] = sorted[slot - 1]
                    slot -= 1
                }
                sorted[slot] = index
            }
            return sorted[count - size]
        }
    }

    /// Won or lost as soon as the missing votes cannot change it.
    package func outcome(_ vote: (ReplicaID) -> Bool?) -> VoteOutcome {
        if voters.isEmpty { return .won }
        var granted = 0
        var missing = 0
        for voter in voters {
            switch vote(voter) {
            case true?: granted += 1
            case nil: missing += 1
            case false?: break
            }
        }
        if granted >= size { return .won }
        return granted + missing >= size ? .pending : .lost
    }
}
