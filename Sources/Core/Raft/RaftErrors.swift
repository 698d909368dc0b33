package import Primitives

/// Why a replica could not be set up.
package enum RaftError: Error, Equatable, Sendable {
    case invalidSettings(String)
    /// The stored state contradicts the log: the replica must be rebuilt under a new ID.
    case inconsistentState(String)
}

/// Why a message changed nothing.
package enum StepError: Error, Equatable, Sendable {
    /// A response from a replica outside the configuration: late news from an earlier membership.
    case unknownPeer(ReplicaID)
    /// A passed-on proposal found no leader here.
    case proposalDropped
    /// The leader knows this replica to have had `commit`, but the log ends earlier: entries that
    /// were acknowledged are gone. It must stop and be rebuilt under a new ID.
    case logLost(commit: LogIndex, lastIndex: LogIndex)
    /// Entries that do not follow one another, or what they are said to follow.
    case malformed(MessageKind)
}

/// Why a proposal was not appended. Nothing has happened: trying again is safe.
package enum ProposeError: Error, Equatable, Sendable {
    /// Try this replica instead, if there is one.
    case notLeader(ReplicaID?)
    /// Leadership is being handed over.
    case transferring(to: ReplicaID)
    /// This replica leads a group it is no longer part of.
    case removed
    /// Too many bytes are waiting to be committed and applied.
    case overloaded
    /// This replica was told to take nothing on: `RaftNode.acceptsProposals`.
    case paused
    /// A membership change does not fit the present configuration.
    case changeRefused(ChangeRefusal)
}

/// Why a membership change was not proposed.
package enum ChangeRefusal: Error, Equatable, Sendable {
    /// An earlier change, at or before this index, may not be applied yet.
    case unappliedChange(upTo: LogIndex)
    case mustLeaveJointFirst
    case notJoint
}
