package import Primitives

/// Everything a replica owes the world after some steps, in the order the fields are listed:
/// `messages` may leave at once, `append` goes to the disk, `apply` to the state machine.
package struct Ready: Sendable {
    /// Set when leader or role changed.
    package var softState: SoftState?
    /// Set when it changed. Also part of `append`.
    package var hardState: HardState?
    /// Entries, term or vote changed. A commit index alone needs no sync.
    package var mustSync = false
    package var readStates: [ReadState] = []
    /// Tokens of reads that will get no answer here: leadership changed or nobody leads.
    package var droppedReads: [UInt64] = []
    package var append: AppendTask?
    package var apply: ApplyTask?
    /// Promises nothing that is not durable: may leave before `append` is done.
    /// With `asyncWrites` off it also holds what must leave after.
    package var messages: [Message] = []

    package var entries: [Entry] { append?.entries ?? [] }
    package var snapshot: SnapshotMetadata? { append?.snapshot }
    package var committed: [Entry] { apply?.entries ?? [] }
}

/// Work for the log. Tasks of one replica are done in the order they were taken.
package struct AppendTask: Sendable {
    /// Replaces whatever the log holds at and after the first index.
    package var entries: [Entry]
    package var hardState: HardState?
    /// Replaces the whole log. To be installed before `entries`, which then follow it.
    package var snapshot: SnapshotMetadata?
    /// Whether the sync may be left out because nothing but a commit index changed. Tasks before
    /// it must be durable all the same before its responses leave.
    package var mustSync: Bool
    /// Leave once this task and all before it are durable.
    package var responses: [Message]
    /// Hand back by `appended(_:)` once this task and all before it are durable.
    package var acknowledgement: AppendAck
}

/// Proof that an append task is durable. Only `takeReady()` makes one.
package struct AppendAck: Sendable {
    /// The replica's own vote or acknowledgement, counted only now.
    package internal(set) var ownResponses: [Message]
    /// The term in which the task was made. Later terms may have other tasks under way that
    /// overwrite the same indexes, so the mark counts in this term only (the ABA race).
    let term: Term
    /// The last entry of the log when the task was made, if any was not known to be durable.
    let last: EntryID?
    let snapshot: LogIndex?

    /// Whether the log's durable end or a snapshot comes back with it.
    package var carriesMark: Bool { last != nil || snapshot != nil }
    /// The mark alone, for a harness that delivers `ownResponses` by itself.
    package var markOnly: AppendAck {
        var copy = self
        copy.ownResponses = []
        return copy
    }
    package var description: (term: Term, last: EntryID, snapshot: LogIndex?) {
        (term, last ?? .zero, snapshot)
    }
}

/// Work for the state machine: committed entries, in production only locally durable ones.
package struct ApplyTask: Sendable {
    package var entries: [Entry]
    /// Payload bytes of all entries, to be given back in `applied(upTo:bytes:)`.
    package var bytes: Int
}

/// A read may be served once everything up to `index` is applied.
package struct ReadState: Hashable, Sendable {
    package var token: UInt64
    package var index: LogIndex

    package init(token: UInt64, index: LogIndex) {
        self.token = token
        self.index = index
    }
}

/// Where proposals went: entry `i` of the batch has index `first + i`. It is committed if an
/// entry of the same term is applied at that index, and lost if one of another term is.
package struct Assigned: Hashable, Sendable {
    package var term: Term
    package var first: LogIndex

    package init(term: Term, first: LogIndex) {
        self.term = term
        self.first = first
    }
}

/// What the transport or the snapshot sender has to say about a peer.
package enum PeerEvent: Hashable, Sendable {
    /// Messages to it were dropped.
    case unreachable(ReplicaID)
    /// It has installed the snapshot.
    case snapshotDone(ReplicaID)
    case snapshotFailed(ReplicaID)
}
