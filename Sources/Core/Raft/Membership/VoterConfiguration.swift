package import Primitives

/// Who belongs to a group and who decides. All lists ascend and hold no ID twice.
package struct VoterConfiguration: Hashable, Sendable, CustomStringConvertible {
    package var voters: [ReplicaID]
    /// The old voters while a change is under way (joint configuration), else empty.
    package var outgoingVoters: [ReplicaID]
    /// Receive the log, decide nothing.
    package var learners: [ReplicaID]
    /// Outgoing voters that become learners when the joint configuration ends.
    package var nextLearners: [ReplicaID]
    /// The leader ends the joint configuration by itself.
    package var autoLeave: Bool

    package init(
        voters: [ReplicaID] = [],
        outgoingVoters: [ReplicaID] = [],
        learners: [ReplicaID] = [],
        nextLearners: [ReplicaID] = [],
        autoLeave: Bool = false
    ) {
        self.voters = voters.sorted()
        self.outgoingVoters = outgoingVoters.sorted()
        self.learners = learners.sorted()
        self.nextLearners = nextLearners.sorted()
        self.autoLeave = autoLeave
    }

    package var isJoint: Bool { !outgoingVoters.isEmpty }

    /// Everyone who votes, under the old or the new configuration.
    package var allVoters: [ReplicaID] { Array(Set(voters + outgoingVoters)).sorted() }

    package func isVoter(_ id: ReplicaID) -> Bool {
        voters.contains(id) || outgoingVoters.contains(id)
    }

    package func contains(_ id: ReplicaID) -> Bool { isVoter(id) || learners.contains(id) }

    /// Everyone, in order.
    package var members: [ReplicaID] {
        Array(Set(voters + outgoingVoters + learners)).sorted()
    }

    /// Why no group can have this configuration, or nil.
    var inconsistency: String? {
        for list in [voters, outgoingVoters, learners, nextLearners] {
            if list.contains(.none) { return "a member has no ID" }
            if zip(list, list.dropFirst()).contains(where: { $0 >= $1 }) {
                return "a list of members is out of order"
            }
        }
        if let id = learners.first(where: isVoter) { return "\(id) is a voter and a learner" }
        if let id = nextLearners.first(where: { !outgoingVoters.contains($0) }) {
            return "\(id) is to become a learner but is no outgoing voter"
        }
        if let id = nextLearners.first(where: { voters.contains($0) }) {
            return "\(id) is to become a learner but is also an incoming voter"
        }
        if isJoint, voters.isEmpty { return "a joint configuration has no incoming voters" }
        if !isJoint, autoLeave { return "only a joint configuration can be left" }
        return nil
    }

    package var description: String {
        func list(_ ids: [ReplicaID]) -> String {
            "(" + ids.map { String($0.raw, radix: 16) }.joined(separator: " ") + ")"
        }
        var text = "voters=" + list(voters)
        if isJoint { text += "&&" + list(outgoingVoters) }
        if !learners.isEmpty { text += " learners=" + list(learners) }
        if !nextLearners.isEmpty { text += " learners_next=" + list(nextLearners) }
        if autoLeave { text += " autoleave" }
        return text
    }
}

extension [ReplicaID] {
    /// Adds an ID at its place in the order, unless it is there.
    mutating func insertSorted(_ id: ReplicaID) {
        guard !contains(id) else { return }
        insert(id, at: firstIndex { $0 > id } ?? endIndex)
    }

    mutating func removeID(_ id: ReplicaID) { removeAll { $0 == id } }
}
