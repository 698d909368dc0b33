import Primitives

/// The answers to one campaign. A second answer from the same replica changes nothing.
struct VoteTally: Sendable {
    private var votes: [(voter: ReplicaID, isGranted: Bool)] = []

    mutating func reset() { votes.removeAll(keepingCapacity: true) }

    mutating func record(_ voter: ReplicaID, isGranted: Bool) {
        if self[voter] == nil { votes.append((voter, isGranted)) }
    }

    subscript(voter: ReplicaID) -> Bool? {
        votes.first { $0.voter == voter }?.isGranted
    }
}
