import Primitives

/// The configuration in force and what is known about each of its members.
/// Members stand in the order of their IDs, which is also the order of every broadcast.
struct ProgressTracker: Sendable {
    private(set) var configuration = VoterConfiguration()
    private(set) var quorum = JointQuorum(incoming: [])
    var members: [Progress] = []
    var votes = VoteTally()
    let emptyWindow: InflightWindow

    init(maxInflightMessages: Int, maxInflightBytes: Int) {
        emptyWindow = InflightWindow(maxCount: maxInflightMessages, maxBytes: maxInflightBytes)
    }

    /// Takes over what a change produced.
    mutating func install(_ configuration: VoterConfiguration, members: [Progress]) {
        self.configuration = configuration
        self.members = members
        quorum = JointQuorum(
            incoming: configuration.voters,
            outgoing: configuration.outgoingVoters
        )
    }

    func position(of id: ReplicaID) -> Int? {
        // A handful of members: a scan beats anything clever.
        for position in members.indices where members[position].id == id { return position }
        return nil
    }

    func contains(_ id: ReplicaID) -> Bool { position(of: id) != nil }

    var isSingleton: Bool {
        configuration.voters.count == 1 && configuration.outgoingVoters.isEmpty
    }

    /// The highest index that a quorum has acknowledged.
    func committed() -> LogIndex {
        // Captures the array alone: a closure over `self` would copy all of it.
        let members = members
        let index = quorum.committed { id in
            for position in members.indices where members[position].id == id {
                return members[position].match
            }
            return .zero
        }
        return index ?? .zero
    }

    func voteOutcome() -> VoteOutcome { quorum.outcome { votes[$0] } }

    /// Whether a quorum of voters satisfies `condition`.
    func hasQuorum(where condition: (Progress) -> Bool) -> Bool {
        let outcome = quorum.outcome { id in
            guard let position = position(of: id) else { return nil }
            return condition(members[position])
        }
        return outcome == .won
    }

    /// Starts anew for a term: nothing is known about anybody but `own`, whose log is `last` long.
    mutating func reset(own: ReplicaID, last: LogIndex) {
        votes.reset()
        for position in members.indices {
            let old = members[position]
            members[position] = Progress(
                id: old.id,
                next: last.next,
                isLearner: old.isLearner,
                limits: emptyWindow
            )
            if old.id == own { members[position].match = last }
        }
    }
}
