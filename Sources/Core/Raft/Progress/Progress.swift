package import Primitives

/// What the leader knows about one member, and what it may send next.
///
/// Invariant: match < next. In `snapshot`, next is one above the pending snapshot.
package struct Progress: Sendable {
    package enum State: UInt8, Sendable {
        /// One append at a time, to find where the logs agree.
        case probe
        /// Appends as fast as the window allows.
        case replicate
        /// Waits until a snapshot has brought the follower into reach of the log.
        case snapshot
    }

    package let id: ReplicaID
    package internal(set) var isLearner: Bool
    package internal(set) var state = State.probe
    /// Heard from since the last check for a quorum.
    package internal(set) var isRecentlyActive = false
    /// No append before a heartbeat response or an acknowledgement.
    package internal(set) var isFlowPaused = false
    /// Known to be durable there.
    package internal(set) var match: LogIndex
    package internal(set) var next: LogIndex
    package internal(set) var pendingSnapshot = LogIndex.zero
    /// The highest commit index that is on its way there.
    private(set) var sentCommit = LogIndex.zero
    /// The commit index it last confirmed (only with store liveness).
    var confirmedCommit = LogIndex.zero
    package internal(set) var inflight: InflightWindow

    init(id: ReplicaID, next: LogIndex, isLearner: Bool, limits: InflightWindow) {
        self.id = id
        self.isLearner = isLearner
        self.next = next
        match = .zero
        inflight = limits
    }

    package var isPaused: Bool { state == .snapshot || isFlowPaused }

    // MARK: States

    private mutating func enter(_ state: State) {
        self.state = state
        isFlowPaused = false
        pendingSnapshot = .zero
        inflight.reset()
    }

    /// Probes after the last match, or after a snapshot that has arrived.
    mutating func becomeProbe() {
        let floor = state == .snapshot ? max(match, pendingSnapshot) : match
        enter(.probe)
        next = floor.next
        sentCommit = min(sentCommit, floor)
    }

    mutating func becomeReplicate() {
        enter(.replicate)
        next = match.next
    }

    mutating func becomeSnapshot(at index: LogIndex) {
        enter(.snapshot)
        pendingSnapshot = index
        next = index.next
        sentCommit = index
    }

    // MARK: Sending

    mutating func sent(entries count: Int, bytes: Int) {
        switch state {
        case .replicate:
            if count > 0 {
                next = next.advanced(by: count)
                inflight.add(next.previous, bytes: bytes)
            }
            // With a full window this message is a probe: the next waits for an answer.
            isFlowPaused = inflight.isFull
        case .probe:
            if count > 0 { isFlowPaused = true }
        case .snapshot:
            preconditionFailure("no appends while a snapshot is pending")
        }
    }

    /// Whether a message that carries only `commit` could move the follower's commit index.
    func canUse(commit: LogIndex) -> Bool {
        commit > sentCommit && sentCommit < next.previous
    }

    mutating func sent(commit: LogIndex) { sentCommit = commit }

    // MARK: Answers

    /// An acknowledgement. False if it says nothing new.
    mutating func acknowledge(_ index: LogIndex) -> Bool {
        guard index > match else { return false }
        match = index
        next = max(next, index.next)
        isFlowPaused = false
        return true
    }

    /// A rejection of the append after `rejected`. False if it is stale; else `next` has moved.
    mutating func reject(_ rejected: LogIndex, hint: LogIndex) -> Bool {
        if state == .replicate {
            guard rejected > match else { return false }
            next = match.next
            sentCommit = min(sentCommit, match)
            return true
        }
        // A probe is answered before the next is sent, so anything else is late.
        guard next.previous == rejected else { return false }
        next = max(min(rejected, hint.next), match.next)
        sentCommit = min(sentCommit, next.previous)
        isFlowPaused = false
        return true
    }
}
