import Primitives

/// A read that wants to know how far the log must be applied before it may be served.
struct ReadRequest: Sendable {
    /// The follower that passed it on, or the leader itself.
    var from: ReplicaID
    var token: UInt64
}

/// Reads in the order they came. Each has a position that is never used twice by this replica;
/// heartbeats carry positions and not the callers' tokens, which may repeat.
struct ReadQueue: Sendable {
    private var waiting: [(request: ReadRequest, index: LogIndex)] = []
    private var acknowledged: [(member: ReplicaID, position: UInt64)] = []
    private var lastPosition: UInt64 = 0

    var isEmpty: Bool { waiting.isEmpty }
    var count: Int { waiting.count }
    /// The position up to which an answer to a heartbeat sent now confirms; 0 if none waits.
    var openPosition: UInt64 { waiting.isEmpty ? 0 : lastPosition }

    mutating func add(_ request: ReadRequest, at index: LogIndex) {
        lastPosition += 1
        waiting.append((request, index))
    }

    mutating func acknowledge(_ position: UInt64, by member: ReplicaID) {
        if let slot = acknowledged.firstIndex(where: { $0.member == member }) {
            acknowledged[slot].position = max(acknowledged[slot].position, position)
        } else {
            acknowledged.append((member, position))
        }
    }

    /// Takes the reads that a quorum has confirmed.
    mutating func takeConfirmed(by quorum: JointQuorum) -> [(request: ReadRequest, index: LogIndex)]
    {
        let confirmed = quorum.committed { member in
            LogIndex(acknowledged.first { $0.member == member }?.position ?? 0)
        }
        let firstPosition = lastPosition - UInt64(waiting.count) + 1
        guard let confirmed, confirmed.raw >= firstPosition else { return [] }
        let count = Int(min(confirmed.raw, lastPosition) - firstPosition) + 1
        let taken = Array(waiting.prefix(count))
        waiting.removeFirst(count)
        return taken
    }

    /// Forgets all; positions go on.
    mutating func reset() -> [ReadRequest] {
        let requests = waiting.map(\.request)
        waiting = []
        acknowledged = []
        return requests
    }
}

extension RaftCore {
    /// Asks for a read index: `Ready.readStates` answers with the same token, or
    /// `Ready.droppedReads` says that there will be no answer. A follower asks the leader, and
    /// that question or its answer may get lost: callers need a deadline of their own.
    mutating func readIndex(token: UInt64) {
        switch role {
        case .leader: serve(ReadRequest(from: id, token: token))
        case .follower where leader != .none:
            var message = Message(.readIndex, to: leader)
            message.context = token
            send(message)
        default: droppedReads.append(token)
        }
    }

    mutating func serve(_ request: ReadRequest) {
        // Before that it does not know how far its predecessors committed.
        guard reads.count + earlyReads.count < settings.maxPendingReads else {
            // Only the own reader can be told; others have a deadline.
            if request.from == id { droppedReads.append(request.token) }
            return
        }
        guard hasCommittedInTerm else {
            earlyReads.append(request)
            return
        }
        let isOwnWord =
            tracker.isSingleton && tracker.configuration.voters[0] == id
        if isOwnWord || hasLease || settings.plantedFault == .readsWithoutQuorum {
            answer(request, with: log.committed)
            return
        }
        reads.add(request, at: log.committed)
        hasUnaskedReads = true
    }

    /// One round of heartbeats for all reads since the last Ready.
    mutating func askForReads() {
        if hasUnaskedReads { broadcastHeartbeat() }
    }

    mutating func releaseEarlyReads() {
        guard !earlyReads.isEmpty, hasCommittedInTerm else { return }
        let requests = earlyReads
        earlyReads = []
        for request in requests { serve(request) }
    }

    mutating func confirmReads(_ message: Message) {
        guard message.context != 0 else { return }
        reads.acknowledge(message.context, by: message.from)
        for (request, index) in reads.takeConfirmed(by: tracker.quorum) {
            answer(request, with: index)
        }
    }

    private mutating func answer(_ request: ReadRequest, with index: LogIndex) {
        if request.from == id {
            readStates.append(ReadState(token: request.token, index: index))
            return
        }
        var message = Message(.readIndexResponse, to: request.from)
        message.index = index
        message.context = request.token
        send(message)
    }

    /// Leadership is lost: own readers hear of it, others ask again.
    mutating func dropReads() {
        if reads.isEmpty, earlyReads.isEmpty { return }
        for request in reads.reset() + earlyReads where request.from == id {
            droppedReads.append(request.token)
        }
        earlyReads = []
        hasUnaskedReads = false
    }
}
