import Primitives

extension RaftCore {
    /// Offers a member a snapshot. False if it was not heard of lately or none is ready that
    /// counts it as a member: it would refuse one taken before it joined.
    mutating func sendSnapshot(to position: Int) -> Bool {
        guard tracker.members[position].isRecentlyActive, let snapshot = log.source.snapshot(),
            snapshot.configuration.contains(tracker.members[position].id)
        else { return false }
        precondition(snapshot.index > .zero, "an empty snapshot helps nobody")
        tracker.members[position].becomeSnapshot(at: snapshot.index)
        var message = Message(.snapshot, to: tracker.members[position].id)
        message.snapshot = snapshot
        send(message)
        return true
    }

    mutating func handleSnapshot(_ message: Message) {
        var answer = Message(.appendResponse, to: message.from)
        if let snapshot = message.snapshot, restore(snapshot) {
            answer.index = log.lastIndex
        } else {
            answer.index = log.committed
        }
        if settings.usesStoreLiveness { answer.commit = log.committed }
        send(answer)
    }

    /// Takes over a snapshot's position and members. False if it brings nothing new.
    private mutating func restore(_ snapshot: SnapshotMetadata) -> Bool {
        guard snapshot.index > log.committed, role == .follower else { return false }
        // A snapshot for others: much here relies on this replica being a member.
        guard snapshot.configuration.contains(id), snapshot.configuration.inconsistency == nil
        else { return false }
        if log.matches(snapshot.id) {
            // The log already reaches that far: it only has to learn that it is committed.
            log.commit(to: snapshot.index)
            return false
        }
        log.restore(snapshot)
        let members = ConfigurationChanger.members(
            of: snapshot.configuration,
            lastIndex: log.lastIndex,
            emptyWindow: tracker.emptyWindow
        )
        tracker.votes.reset()
        _ = install(snapshot.configuration, members: members)
        return true
    }

    /// News about a peer from outside of the protocol.
    mutating func report(_ event: PeerEvent) {
        guard role == .leader else { return }
        switch event {
        case .unreachable(let peer):
            guard let position = tracker.position(of: peer) else { return }
            // What is under way was most likely lost.
            if tracker.members[position].state == .replicate {
                tracker.members[position].becomeProbe()
            }
        case .snapshotDone(let peer): endSnapshot(of: peer, succeeded: true)
        case .snapshotFailed(let peer): endSnapshot(of: peer, succeeded: false)
        }
    }

    private mutating func endSnapshot(of peer: ReplicaID, succeeded: Bool) {
        guard let position = tracker.position(of: peer),
            tracker.members[position].state == .snapshot
        else { return }
        // A failed one brought the follower nowhere: probe from the last match.
        if !succeeded { tracker.members[position].pendingSnapshot = .zero }
        tracker.members[position].becomeProbe()
        // Wait for its acknowledgement, or for a heartbeat before the next try.
        tracker.members[position].isFlowPaused = true
    }
}
