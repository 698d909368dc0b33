package import Primitives

/// What an entry's payload is. Raw values are stored and sent: never renumber.
package enum EntryKind: UInt8, Sendable {
    /// A command of the state machine. An empty payload is the first entry of a leader's term.
    case normal = 0
    /// One change of membership, done without a joint configuration (dissertation 4.1).
    case change = 1
    /// Any number of changes, through a joint configuration where needed (dissertation 4.3).
    case changeV2 = 2
}

/// One position of the replicated log.
package struct Entry: Hashable, Sendable {
    package var term: Term
    package var index: LogIndex
    package var kind: EntryKind
    package var payload: [UInt8]

    package init(term: Term, index: LogIndex, kind: EntryKind = .normal, payload: [UInt8] = []) {
        self.term = term
        self.index = index
        self.kind = kind
        self.payload = payload
    }

    /// What an entry costs beside its payload, in bytes, when messages and batches are measured.
    package static let overheadBytes = 24

    /// Payload and overhead, in bytes.
    package var byteSize: Int { payload.count + Entry.overheadBytes }

    package var id: EntryID { EntryID(term: term, index: index) }
}

/// Names an entry: two logs that hold the same ID hold the same prefix up to it.
package struct EntryID: Hashable, Sendable {
    package var term: Term
    package var index: LogIndex

    package init(term: Term, index: LogIndex) {
        self.term = term
        self.index = index
    }

    package static let zero = EntryID(term: .zero, index: .zero)
}

/// What must survive a crash beside the log (figure 2 of the paper, "persistent state").
/// `commit` is a hint: it may lag after a crash and is learned again.
package struct HardState: Hashable, Sendable {
    package var term: Term
    package var vote: ReplicaID
    package var commit: LogIndex

    package init(term: Term = .zero, vote: ReplicaID = .none, commit: LogIndex = .zero) {
        self.term = term
        self.vote = vote
        self.commit = commit
    }

    package var isEmpty: Bool { self == HardState() }
}

/// What a replica is at the moment; forgotten by a crash.
package struct SoftState: Hashable, Sendable {
    package var leader: ReplicaID
    package var role: Role

    package init(leader: ReplicaID = .none, role: Role = .follower) {
        self.leader = leader
        self.role = role
    }
}

/// The four parts a replica can play. Votes and progress live in the tracker, which outlasts a role.
package enum Role: UInt8, Sendable {
    /// Hears from a leader or waits for one. Asks for pre-votes after an election timeout.
    case follower
    /// Asks whether an election could be won; spends no term. Becomes a candidate or a follower.
    case preCandidate
    /// Asks for votes. Becomes the leader with a quorum, or a follower on hearing of one.
    case candidate
    /// Appends. Becomes a follower on a newer term, on losing its quorum, or when removed.
    case leader
}

/// A snapshot as Raft sees it: a position and the membership there. The bytes travel elsewhere.
///
/// Boxed, so that a message that carries none costs one pointer.
package struct SnapshotMetadata: Hashable, Sendable {
    private final class Box: Sendable {
        let id: EntryID
        let configuration: VoterConfiguration

        init(id: EntryID, configuration: VoterConfiguration) {
            self.id = id
            self.configuration = configuration
        }
    }

    private let box: Box

    package init(index: LogIndex, term: Term, configuration: VoterConfiguration) {
        box = Box(id: EntryID(term: term, index: index), configuration: configuration)
    }

    /// The last entry the snapshot stands for.
    package var id: EntryID { box.id }
    package var index: LogIndex { box.id.index }
    package var term: Term { box.id.term }
    package var configuration: VoterConfiguration { box.configuration }

    package static func == (a: SnapshotMetadata, b: SnapshotMetadata) -> Bool {
        a.box === b.box || (a.id == b.id && a.configuration == b.configuration)
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(id)
        hasher.combine(configuration)
    }
}
