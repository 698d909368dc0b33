import Primitives

extension RaftCore {
    /// Hands leadership to a voter (dissertation 3.10). Proposals are refused until it is done or
    /// has taken an election timeout. A follower passes the wish on to the leader.
    mutating func transferLeadership(to target: ReplicaID) {
        guard role == .leader else {
            guard role == .follower, leader != .none else { return }
            var message = Message(.transferLeader, to: leader)
            message.context = target.raw
            send(message)
            return
        }
        guard let position = tracker.position(of: target), !tracker.members[position].isLearner,
            transferee != target
        else { return }
        transferee = .none
        if target == id { return }
        electionElapsed = 0
        transferee = target
        if tracker.members[position].match == log.lastIndex {
            sendTimeoutNow(to: target)
        } else {
            sendAppend(to: position, evenIfEmpty: true)
        }
    }

    mutating func sendTimeoutNow(to target: ReplicaID) {
        hasForfeitedLease = true
        send(Message(.timeoutNow, to: target))
    }

    /// Makes a follower forget its leader, so that it helps to elect another at once: somebody
    /// knows that the leader is gone. Not with lease reads, which rest on followers' memory.
    ///
    /// - Returns: whether it was allowed.
    @discardableResult
    mutating func forgetLeader() -> Bool {
        guard settings.readMode != .lease else { return false }
        if role == .follower { leader = .none }
        return true
    }
}
