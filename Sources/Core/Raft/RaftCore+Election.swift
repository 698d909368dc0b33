import Primitives

/// Why a replica campaigns.
enum CampaignReason: Sendable {
    /// To find out whether it could win.
    case preElection
    case election
    /// Because the leader asked.
    case transfer
}

extension RaftCore {
    /// Campaigns, as after an election timeout. Does nothing on a leader or where it must not.
    mutating func campaign() {
        campaign(settings.preVote ? .preElection : .election)
    }

    mutating func campaign(_ reason: CampaignReason) {
        guard role != .leader, isPromotable, graceTicks == 0 || reason == .transfer else { return }
        // Its configuration may be about to change: it could elect itself with the wrong quorum.
        guard !hasUnappliedChange else { return }
        // It could not stay leader, and would unseat one who can.
        guard reason == .transfer || hasSupportToLead else { return }
        requestVotes(reason)
    }

    /// Whether a membership change is committed but not applied here.
    private var hasUnappliedChange: Bool {
        var from = log.applied.next
        while from <= log.committed {
            guard
                let page = try? log.entries(
                    from..<log.committed.next,
                    maxBytes: settings.maxApplyingBytes
                ),
                let last = page.last
            else { return true }
            if page.contains(where: { $0.kind != .normal }) { return true }
            from = last.index.next
        }
        return false
    }

    private mutating func requestVotes(_ reason: CampaignReason) {
        let isPreElection = reason == .preElection
        if isPreElection { becomePreCandidate() } else { becomeCandidate() }
        let askedTerm = isPreElection ? term.next : term
        for voter in tracker.configuration.allVoters {
            if voter == id {
                // Its own vote counts like any other: when it is durable.
                send(
                    Message(
                        isPreElection ? .preVoteResponse : .voteResponse,
                        to: id,
                        term: askedTerm
                    )
                )
                continue
            }
            var request = Message(isPreElection ? .preVote : .vote, to: voter, term: askedTerm)
            request.index = log.last.index
            request.logTerm = log.last.term
            request.isForced = reason == .transfer
            send(request)
        }
    }

    /// Whether a campaign in a newer term is ignored because a leader was heard a moment ago
    /// (dissertation 4.2.3): the candidate was cut off, or removed, and must not disturb.
    mutating func ignoresCampaign(_ message: Message) -> Bool {
        if message.isForced || settings.plantedFault == .skipsLeaseCheck { return false }
        if graceTicks > 0 { return true }
        // A leader that campaigns leads no more: it was restarted, and nobody should wait for it.
        guard settings.checkQuorum, leader != .none, leader != message.from,
            electionElapsed < settings.electionTicks || isElectionParked
        else { return false }
        // It does not know the leader: a quiet leader must speak up again.
        if role == .leader, let position = tracker.position(of: message.from) {
            tracker.members[position].confirmedCommit = .zero
        }
        return true
    }

    mutating func handleVoteRequest(_ message: Message) {
        let isPreVote = message.kind == .preVote
        // A repeated request gets the same answer; a pre-vote spends nothing. Learners vote when
        // asked: the candidate may know of a promotion that has not reached the learner.
        let canVote =
            vote == message.from || (vote == .none && leader == .none)
            || (isPreVote && message.term > term)
        let isGranted =
            canVote && (graceTicks == 0 || message.isForced)
            && log.isUpToDate(EntryID(term: message.logTerm, index: message.index))
        // A grant names the term asked for: a pre-candidate would drop an answer in an older one.
        var answer = Message(
            isPreVote ? .preVoteResponse : .voteResponse,
            to: message.from,
            term: isGranted ? message.term : term
        )
        answer.rejects = !isGranted
        send(answer)
        if isGranted, !isPreVote {
            electionElapsed = 0
            vote = message.from
        }
    }

    /// Counts a vote and acts as soon as the outcome is certain.
    mutating func count(_ message: Message) {
        tracker.votes.record(message.from, isGranted: !message.rejects)
        switch tracker.voteOutcome() {
        case .pending: break
        case .lost: becomeFollower(term: term, leader: .none)
        case .won where role == .preCandidate: requestVotes(.election)
        case .won:
            becomeLeader()
            broadcastAppend()
        }
    }
}
