package import Primitives

/// How linearizable reads are served.
package enum ReadMode: UInt8, Sendable {
    /// By a round of heartbeats for each batch of reads. Needs no clock.
    case readIndex
    /// By store liveness, as long as a quorum of nodes supports the leader's; else by `readIndex`.
    /// Trusts that clocks run at nearly the same rate. Set `voteGraceTicks` with it.
    case lease
}

/// A deliberate bug, for tests that prove that other tests would notice. Never set it elsewhere.
package enum PlantedFault: UInt8, Sendable, CaseIterable {
    /// Counts copies of entries from earlier terms as commitment (figure 8 of the paper).
    case commitsOldTerms
    /// Votes although a leader was heard a moment ago.
    case skipsLeaseCheck
    /// Acknowledges entries before they are on disk.
    case acknowledgesBeforeAppend
    /// Lets a vote leave before it is on disk.
    case votesBeforeAppend
    /// Answers reads without asking anybody.
    case readsWithoutQuorum
}

/// Everything a replica needs to know about how it should behave. Durations are in ticks,
/// sizes in bytes.
package struct RaftSettings: Sendable {
    package var id: ReplicaID
    /// Seeds the election timeouts, the only randomness there is.
    package var seed: UInt64
    /// A follower waits this long, and up to as long again, before it asks for votes.
    package var electionTicks = 10
    package var heartbeatTicks = 1
    /// Added to each election timeout: a less preferred leader campaigns later.
    package var campaignDelayTicks = 0
    /// For so long after a start, no vote is cast. At least the longest support a node can have
    /// promised before the crash if `readMode` is `lease`, else 0.
    package var voteGraceTicks = 0

    /// Entries in one append message. A larger single entry is sent alone.
    package var maxMessageBytes = 1 << 20
    /// Append messages under way to one follower.
    package var maxInflightMessages = 256
    /// Payload bytes under way to one follower; 0 means no limit. The last message may exceed it.
    package var maxInflightBytes = 8 << 20
    /// Payload bytes proposed here and not yet applied; above it, proposals are refused.
    package var maxUncommittedBytes = 64 << 20
    /// Bytes handed out to be applied and not yet reported as applied.
    package var maxApplyingBytes = 16 << 20

    /// Reads that wait for their quorum; more are dropped at once.
    package var maxPendingReads = 16_384

    package var preVote = true
    package var checkQuorum = true
    package var stepDownOnRemoval = true
    /// Production: appends and applies are tasks, and what they allow leaves when they are done.
    /// Off, `advance()` stands for both; for tests.
    package var asyncWrites = true
    package var readMode = ReadMode.readIndex
    /// Followers answer with their commit index, and `support(_:)` is fed by store liveness.
    package var usesStoreLiveness = false
    /// Followers pass proposals on instead of refusing them.
    package var forwardsProposals = false
    /// Off, membership changes enter the log unchecked; for tests.
    package var validatesChanges = true
    /// A refused membership change takes its place in the log as an empty entry; else it throws.
    package var appendsRefusedChanges = false
    package var plantedFault: PlantedFault?

    package init(id: ReplicaID, seed: UInt64) {
        self.id = id
        self.seed = seed
    }

    func validate() throws(RaftError) {
        guard id != .none else { throw .invalidSettings("a replica needs an ID") }
        guard heartbeatTicks > 0, electionTicks > heartbeatTicks else {
            throw .invalidSettings("0 < heartbeatTicks < electionTicks does not hold")
        }
        guard maxInflightMessages > 0, maxInflightBytes >= 0 else {
            throw .invalidSettings("the inflight limits leave no room for a message")
        }
        guard maxInflightBytes == 0 || maxInflightBytes >= maxMessageBytes else {
            throw .invalidSettings("maxInflightBytes is below maxMessageBytes")
        }
        guard maxMessageBytes > 0, maxUncommittedBytes > 0, maxApplyingBytes > 0 else {
            throw .invalidSettings("a size limit is not above zero")
        }
        guard maxPendingReads > 0, campaignDelayTicks >= 0, voteGraceTicks >= 0 else {
            throw .invalidSettings("a delay is below zero, or no read may wait")
        }
        guard readMode == .readIndex || checkQuorum else {
            throw .invalidSettings("lease reads need checkQuorum")
        }
    }
}
