import Primitives

extension RaftCore {
    /// Why a change must not enter the log now, or nil.
    func refusal(of entry: Entry) -> ChangeRefusal? {
        let leaves = (try? ConfigurationChange(entry))?.leavesJoint ?? false
        // One change at a time: the next may only follow when the last is applied here.
        if pendingChangeIndex > log.applied { return .unappliedChange(upTo: pendingChangeIndex) }
        let isJoint = tracker.configuration.isJoint
        if isJoint, !leaves { return .mustLeaveJointFirst }
        if !isJoint, entry.kind == .changeV2, leaves { return .notJoint }
        return nil
    }

    /// Puts a change in force. To be called when its entry is applied, in log order.
    ///
    /// - Throws: if the change cannot be applied to the present configuration. The entry then has
    ///   no effect, on this replica as on every other.
    @discardableResult
    mutating func applyConfigurationChange(
        _ change: ConfigurationChange
    ) throws(ChangeError) -> VoterConfiguration {
        var changer = ConfigurationChanger(
            tracker.configuration,
            members: tracker.members,
            lastIndex: log.lastIndex,
            emptyWindow: tracker.emptyWindow
        )
        try changer.apply(change)
        return install(changer.configuration, members: changer.members)
    }

    /// Takes over a configuration and does what follows from it.
    mutating func install(
        _ configuration: VoterConfiguration,
        members: [Progress]
    ) -> VoterConfiguration {
        tracker.install(configuration, members: members)
        guard role == .leader else { return configuration }
        let own = tracker.position(of: id)
        if own == nil || tracker.members[own!].isLearner {
            // Removed or demoted. It may lead on until the others know, but not for ever.
            if settings.stepDownOnRemoval { becomeFollower(term: term, leader: .none) }
            return configuration
        }
        if configuration.voters.isEmpty { return configuration }
        if advanceCommit() {
            // A smaller quorum may have more in common.
            broadcastAppend()
        } else {
            // Newcomers need not wait for the next heartbeat.
            for position in tracker.members.indices where tracker.members[position].id != id {
                sendAppend(to: position, evenIfEmpty: false)
            }
        }
        if transferee != .none, !configuration.isVoter(transferee) { transferee = .none }
        return configuration
    }

    /// Ends a joint configuration that is to end by itself, once the change that began it is
    /// applied. Retried with every applied entry: a transfer under way may refuse it.
    mutating func leaveJointIfDue() {
        guard role == .leader, tracker.configuration.autoLeave,
            log.applied >= pendingChangeIndex
        else { return }
        _ = try? propose(ConfigurationChange.leaveJoint)
    }
}
