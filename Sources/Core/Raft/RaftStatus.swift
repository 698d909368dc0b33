package import Primitives

/// A picture of one replica, for operators and tests.
package struct RaftStatus: Sendable {
    package var id: ReplicaID
    package var term: Term
    package var vote: ReplicaID
    package var role: Role
    package var leader: ReplicaID
    package var committed: LogIndex
    package var applied: LogIndex
    package var last: EntryID
    package var configuration: VoterConfiguration
    package var transferee: ReplicaID
    package var uncommittedBytes: Int
    package var isQuiet: Bool
    /// The first committed entry that could not be read.
    package var faultAt: LogIndex?
    /// What a leader knows about the members, itself included; empty on others.
    package var members: [Progress]
}

extension RaftCore {
    mutating func status() -> RaftStatus {
        RaftStatus(
            id: id,
            term: term,
            vote: vote,
            role: role,
            leader: leader,
            committed: log.committed,
            applied: log.applied,
            last: log.last,
            configuration: tracker.configuration,
            transferee: transferee,
            uncommittedBytes: uncommittedBytes,
            isQuiet: isQuiet,
            faultAt: log.faultAt,
            members: role == .leader ? tracker.members : []
        )
    }
}
