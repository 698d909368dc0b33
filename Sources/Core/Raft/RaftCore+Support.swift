import Primitives

extension RaftCore {
    /// Takes over what store liveness knows. Needs `usesStoreLiveness`.
    ///
    /// While this node supports the leader's, the election timer stands still. When it withdraws
    /// support, only the random part of the timeout is left to wait. A leader needs promises from
    /// a quorum to campaign, to pass the quorum check, and for lease reads.
    mutating func support(_ view: SupportView) {
        precondition(settings.usesStoreLiveness, "store liveness is switched off")
        let wasParked = isElectionParked
        let isFirst = support == nil
        var absolute = view
        for position in absolute.received.indices {
            absolute.received[position].remainingTicks += now
        }
        support = absolute
        // The leader was heard before there was a view to note its epoch from.
        if isFirst, leader != .none, electionElapsed < settings.electionTicks {
            leaderEpoch = view.epoch(givenTo: leader)
        }
        if wasParked, !isElectionParked {
            electionElapsed = settings.electionTicks
        }
    }

    /// Whether this replica must not campaign because its node supports the leader's.
    var isElectionParked: Bool {
        guard role == .follower, leader != .none, let leaderEpoch else { return false }
        return support?.epoch(givenTo: leader) == leaderEpoch
    }

    private func isSupported(by member: ReplicaID) -> Bool {
        if member == id { return true }
        guard let support else { return false }
        return support.received.contains { $0.by == member && $0.remainingTicks > now }
    }

    /// Without store liveness nobody is asked.
    var hasSupportToLead: Bool {
        guard settings.usesStoreLiveness, support != nil else { return true }
        return tracker.hasQuorum { isSupported(by: $0.id) }
    }

    var hasActiveQuorum: Bool {
        if settings.usesStoreLiveness, support != nil { return hasSupportToLead }
        return tracker.hasQuorum { $0.isRecentlyActive }
    }

    /// Whether reads may be served on the strength of promises alone.
    var hasLease: Bool {
        settings.readMode == .lease && settings.usesStoreLiveness && support != nil
            && !hasForfeitedLease && transferee == .none && hasSupportToLead
    }

    mutating func confirm(_ commit: LogIndex, by position: Int) {
        guard settings.usesStoreLiveness else { return }
        tracker.members[position].confirmedCommit = max(
            tracker.members[position].confirmedCommit,
            commit
        )
    }

    /// Whether this leader has nothing to say: every member has confirmed that all is committed,
    /// and its node is known to be alive. It then sends no heartbeats; its ticks still count.
    var isQuiet: Bool { mutating get { hasNothingToSay } }

    private var hasNothingToSay: Bool {
        guard role == .leader, settings.usesStoreLiveness, support != nil,
            log.committed == log.lastIndex, reads.isEmpty, transferee == .none
        else { return false }
        return tracker.members.allSatisfy { member in
            member.id == id
                || (member.state == .replicate && member.match == log.lastIndex
                    && member.confirmedCommit == log.committed && isSupported(by: member.id))
        }
    }

    /// Makes a quiet leader speak again: a digest showed that somebody missed something.
    mutating func wake() {
        for position in tracker.members.indices {
            tracker.members[position].confirmedCommit = .zero
        }
    }
}
