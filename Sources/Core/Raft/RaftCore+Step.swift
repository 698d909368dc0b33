import Primitives

extension RaftCore {
    /// Takes in a message from another replica.
    mutating func step(_ message: Message) throws(StepError) {
        if message.kind.isResponse, !tracker.contains(message.from) {
            throw .unknownPeer(message.from)
        }
        try handle(message)
    }

    /// Terms first: an older one is refused, a newer one makes this replica a follower.
    mutating func handle(_ message: Message) throws(StepError) {
        // Proposals and read requests carry no term.
        if message.term > term {
            if message.kind == .vote || message.kind == .preVote, ignoresCampaign(message) {
                return
            }
            adopt(message)
        } else if message.term < term, message.term != .zero {
            answerOldTerm(message)
            return
        }
        switch message.kind {
        case .vote, .preVote: handleVoteRequest(message)
        default:
            switch role {
            case .leader: try stepLeader(message)
            case .candidate, .preCandidate: try stepCandidate(message)
            case .follower: try stepFollower(message)
            }
        }
    }

    /// Follows the newer term, except where that term is only asked about.
    private mutating func adopt(_ message: Message) {
        switch message.kind {
        case .preVote: break
        // Granted in the term the pre-candidate would have: it has not begun.
        case .preVoteResponse where !message.rejects: break
        default:
            let leader = message.kind.isFromLeader ? message.from : .none
            becomeFollower(term: message.term, leader: leader)
        }
    }

    private mutating func answerOldTerm(_ message: Message) {
        switch message.kind {
        case .append, .heartbeat:
            guard settings.checkQuorum || settings.preVote else { return }
            // This replica got ahead while cut off and its campaigns are ignored. Its newer term
            // makes the leader step down, which ends the stalemate.
            send(Message(.appendResponse, to: message.from))
        case .preVote:
            // Silence could deadlock with a replica that campaigned without pre-votes.
            var answer = Message(.preVoteResponse, to: message.from, term: term)
            answer.rejects = true
            send(answer)
        default: break
        }
    }

    // MARK: - Follower

    private mutating func stepFollower(_ message: Message) throws(StepError) {
        switch message.kind {
        case .append:
            hear(from: message.from)
            try handleAppend(message)
        case .heartbeat:
            hear(from: message.from)
            try handleHeartbeat(message)
        case .snapshot:
            hear(from: message.from)
            handleSnapshot(message)
        case .propose:
            guard leader != .none, settings.forwardsProposals else { throw .proposalDropped }
            pass(message, to: leader)
        case .transferLeader:
            if leader != .none { pass(message, to: leader) }
        case .timeoutNow:
            // Not a sign of trouble: the leader wants it, so no pre-vote.
            campaign(.transfer)
        case .readIndex:
            if leader != .none { pass(message, to: leader) }
        case .readIndexResponse:
            readStates.append(ReadState(token: message.context, index: message.index))
        default: break
        }
    }

    private mutating func hear(from sender: ReplicaID) {
        electionElapsed = 0
        leader = sender
        if settings.usesStoreLiveness { leaderEpoch = support?.epoch(givenTo: sender) }
    }

    /// Passes a message on. It keeps the name of its sender, to whom the answer goes.
    private mutating func pass(_ message: Message, to leader: ReplicaID) {
        var passed = message
        passed.to = leader
        send(passed)
    }

    // MARK: - Candidate

    private mutating func stepCandidate(_ message: Message) throws(StepError) {
        switch message.kind {
        case .append:
            becomeFollower(term: message.term, leader: message.from)
            try handleAppend(message)
        case .heartbeat:
            becomeFollower(term: message.term, leader: message.from)
            try handleHeartbeat(message)
        case .snapshot:
            becomeFollower(term: message.term, leader: message.from)
            handleSnapshot(message)
        case .voteResponse where role == .candidate, .preVoteResponse where role == .preCandidate:
            count(message)
        case .propose: throw .proposalDropped
        default: break
        }
    }

    // MARK: - Leader

    private mutating func stepLeader(_ message: Message) throws(StepError) {
        switch message.kind {
        case .propose:
            do {
                _ = try propose(message.entries)
            } catch {
                throw .proposalDropped
            }
        case .readIndex:
            serve(ReadRequest(from: message.from, token: message.context))
        case .transferLeader:
            transferLeadership(to: ReplicaID(message.context))
        default:
            guard let position = tracker.position(of: message.from) else { return }
            switch message.kind {
            case .appendResponse: handleAppendResponse(message, from: position)
            case .heartbeatResponse: handleHeartbeatResponse(message, from: position)
            default: break
            }
        }
    }
}
