package import Primitives

/// Why a change cannot be applied to a configuration. Every replica comes to the same answer.
package enum ChangeError: Error, Hashable, Sendable, CustomStringConvertible {
    case alreadyJoint
    case joint
    case notJoint
    case noVoters
    case removesAllVoters
    case changesTooManyVoters

    package var description: String {
        switch self {
        case .alreadyJoint: "config is already joint"
        case .joint: "can't apply simple config change in joint config"
        case .notJoint: "can't leave a non-joint config"
        case .noVoters: "can't make a zero-voter config joint"
        case .removesAllVoters: "removed all voters"
        case .changesTooManyVoters: "more than one voter changed without entering joint config"
        }
    }
}

/// Works out the configuration and the members that follow from a change. A value: on an error
/// the caller throws it away.
package struct ConfigurationChanger: Sendable {
    package private(set) var configuration: VoterConfiguration
    package private(set) var members: [Progress]
    private let lastIndex: LogIndex
    private let emptyWindow: InflightWindow

    /// - Parameter lastIndex: where probing a new member begins.
    package init(
        _ configuration: VoterConfiguration,
        members: [Progress],
        lastIndex: LogIndex,
        emptyWindow: InflightWindow
    ) {
        self.configuration = configuration
        self.members = members
        self.lastIndex = lastIndex
        self.emptyWindow = emptyWindow
    }

    /// Members for a configuration that was stored or came with a snapshot.
    static func members(
        of configuration: VoterConfiguration,
        lastIndex: LogIndex,
        emptyWindow: InflightWindow
    ) -> [Progress] {
        var changer = ConfigurationChanger(
            VoterConfiguration(),
            members: [],
            lastIndex: lastIndex,
            emptyWindow: emptyWindow
        )
        for id in configuration.members {
            changer.initialise(id, isLearner: configuration.learners.contains(id))
        }
        return changer.members
    }

    package mutating func apply(_ change: ConfigurationChange) throws(ChangeError) {
        if change.leavesJoint {
            try leaveJoint()
        } else if change.entersJoint {
            try enterJoint(change.steps, autoLeave: change.autoLeaves)
        } else {
            try simple(change.steps)
        }
        precondition(configuration.inconsistency == nil, "a change broke the configuration")
    }

    /// Steps that change at most one voter, so that old and new majorities overlap.
    package mutating func simple(
        _ steps: [ConfigurationChange.Step]
    ) throws(ChangeError) {
        guard !configuration.isJoint else { throw .joint }
        let before = configuration.voters
        try perform(steps)
        let after = configuration.voters
        let changed =
            before.count { !after.contains($0) } + after.count { !before.contains($0) }
        guard changed <= 1 else { throw .changesTooManyVoters }
    }

    /// Keeps the present voters as outgoing ones and performs the steps on the incoming.
    package mutating func enterJoint(
        _ steps: [ConfigurationChange.Step],
        autoLeave: Bool
    ) throws(ChangeError) {
        guard !configuration.isJoint else { throw .alreadyJoint }
        guard !configuration.voters.isEmpty else { throw .noVoters }
        configuration.outgoingVoters = configuration.voters
        try perform(steps)
        configuration.autoLeave = autoLeave
    }

    /// Forgets the outgoing voters; those that were to become learners do.
    package mutating func leaveJoint() throws(ChangeError) {
        guard configuration.isJoint else { throw .notJoint }
        for id in configuration.nextLearners {
            configuration.learners.insertSorted(id)
            if let position = position(of: id) { members[position].isLearner = true }
        }
        configuration.nextLearners = []
        for id in configuration.outgoingVoters
        where !configuration.voters.contains(id) && !configuration.learners.contains(id) {
            members.removeAll { $0.id == id }
        }
        configuration.outgoingVoters = []
        configuration.autoLeave = false
    }

    // MARK: Steps

    private mutating func perform(_ steps: [ConfigurationChange.Step]) throws(ChangeError) {
        // ID zero: the application took the step back after it was proposed.
        for step in steps where step.id != .none {
            switch step.action {
            case .addVoter: makeVoter(step.id)
            case .addLearner: makeLearner(step.id)
            case .remove: remove(step.id)
            case .update: break
            }
        }
        guard !configuration.voters.isEmpty else { throw .removesAllVoters }
    }

    private func position(of id: ReplicaID) -> Int? { members.firstIndex { $0.id == id } }

    private mutating func makeVoter(_ id: ReplicaID) {
        if let position = position(of: id) {
            members[position].isLearner = false
        } else {
            initialise(id, isLearner: false)
        }
        configuration.learners.removeID(id)
        configuration.nextLearners.removeID(id)
        configuration.voters.insertSorted(id)
    }

    private mutating func makeLearner(_ id: ReplicaID) {
        guard let position = position(of: id) else {
            initialise(id, isLearner: true)
            configuration.learners.insertSorted(id)
            return
        }
        if members[position].isLearner { return }
        configuration.voters.removeID(id)
        configuration.learners.removeID(id)
        configuration.nextLearners.removeID(id)
        // As long as it votes in the outgoing half it cannot be a learner too.
        if configuration.outgoingVoters.contains(id) {
            configuration.nextLearners.insertSorted(id)
        } else {
            members[position].isLearner = true
            configuration.learners.insertSorted(id)
        }
    }

    private mutating func remove(_ id: ReplicaID) {
        configuration.voters.removeID(id)
        configuration.learners.removeID(id)
        configuration.nextLearners.removeID(id)
        if !configuration.outgoingVoters.contains(id) { members.removeAll { $0.id == id } }
    }

    private mutating func initialise(_ id: ReplicaID, isLearner: Bool) {
        var fresh = Progress(
            id: id,
            next: max(lastIndex, LogIndex(1)),
            isLearner: isLearner,
            limits: emptyWindow
        )
        // Counts as heard from, or the next check for a quorum might depose the leader before
        // the newcomer had a chance to speak.
        fresh.isRecentlyActive = true
        members.insert(fresh, at: members.firstIndex { $0.id > id } ?? members.endIndex)
    }
}
