package import Primitives

/// What a message asks or answers. Raw values are sent: never renumber.
package enum MessageKind: UInt8, Sendable, CaseIterable {
    case append = 1
    case appendResponse = 2
    case vote = 3
    case voteResponse = 4
    case preVote = 5
    case preVoteResponse = 6
    case heartbeat = 7
    case heartbeatResponse = 8
    case snapshot = 9
    /// The leader asks its successor to campaign at once.
    case timeoutNow = 10
    /// A follower passes on a wish for another leader; `context` names it.
    case transferLeader = 11
    /// A follower passes on proposals (only with `RaftSettings.forwardsProposals`).
    case propose = 12
    /// A follower asks for a read index; `context` is its token.
    case readIndex = 13
    case readIndexResponse = 14

    /// Whether it only makes sense from a replica the receiver tracks.
    var isResponse: Bool {
        switch self {
        case .appendResponse, .voteResponse, .preVoteResponse, .heartbeatResponse,
            .readIndexResponse:
            true
        default: false
        }
    }

    var isVoteRelated: Bool {
        switch self {
        case .vote, .voteResponse, .preVote, .preVoteResponse: true
        default: false
        }
    }

    /// Whether only the leader of the message's term sends it.
    var isFromLeader: Bool {
        switch self {
        case .append, .heartbeat, .snapshot: true
        default: false
        }
    }
}

/// One flat struct for every message: integers and at most two references, no boxing.
/// May be lost, repeated and reordered on its way.
package struct Message: Hashable, Sendable {
    package var kind: MessageKind
    /// The receiver says no.
    package var rejects: Bool = false
    /// The sender campaigns because the leader asked it to: the recent-leader rule does not hold.
    package var isForced: Bool = false
    package var to: ReplicaID
    package var from: ReplicaID
    package var term: Term = .zero
    /// append: term of the entry before the first. votes: term of the candidate's last entry.
    /// A rejected append: term of the entry at `rejectHint`, or zero.
    package var logTerm: Term = .zero
    /// append: index of the entry before the first. votes: index of the candidate's last entry.
    /// appendResponse: the last index that is durable, or the index that did not match.
    package var index: LogIndex = .zero
    package var commit: LogIndex = .zero
    /// Where the logs may agree, by the follower's best guess.
    package var rejectHint: LogIndex = .zero
    /// heartbeat: position in the queue of reads. readIndex: the reader's token.
    package var context: UInt64 = 0
    package var entries: [Entry] = []
    package var snapshot: SnapshotMetadata?

    package init(_ kind: MessageKind, from: ReplicaID = .none, to: ReplicaID, term: Term = .zero) {
        self.kind = kind
        self.from = from
        self.to = to
        self.term = term
    }
}
