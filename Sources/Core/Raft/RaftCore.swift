import Primitives

/// The state machine behind `RaftNode`, which is its face. Not generic: its code is compiled once,
/// here, with all types known, and reaches the log through one virtual call.
struct RaftCore {
    let settings: RaftSettings
    var id: ReplicaID { settings.id }

    // MARK: Persistent once taken by a Ready

    var term: Term
    var vote: ReplicaID

    // MARK: Volatile

    var role = Role.follower
    var leader = ReplicaID.none
    /// Who is to lead next, if the leader is handing over.
    var transferee = ReplicaID.none
    /// A successor was told to campaign in this term. It may do so at any time from then on, so
    /// this leader's lease is worth nothing.
    var hasForfeitedLease = false
    var electionElapsed = 0
    var heartbeatElapsed = 0
    var electionTimeout = 0
    var graceTicks: Int
    var campaignDelayTicks: Int
    /// Ticks since the start; support expires on this scale.
    var now: UInt64 = 0
    /// Off, every proposal is refused; what is in the log goes on.
    var acceptsProposals = true
    /// No membership change may be proposed before this index is applied.
    var pendingChangeIndex = LogIndex.zero
    /// Payload bytes proposed here and not yet applied: never more than there are, maybe fewer.
    var uncommittedBytes = 0
    var generator: SeededGenerator

    var messages: [Message] = []
    var messagesAfterAppend: [Message] = []
    var ownAfterAppend: [Message] = []
    var readStates: [ReadState] = []
    var droppedReads: [UInt64] = []
    var reads = ReadQueue()
    /// Reads that wait for the first commit of the leader's term.
    var earlyReads: [ReadRequest] = []
    var support: SupportView?
    /// The epoch in which this node supported the leader's when it was last heard.
    var leaderEpoch: UInt64?
    /// Reads came in since the last heartbeats that could confirm them.
    var hasUnaskedReads = false

    var lastSoftState: SoftState
    var lastHardState: HardState
    /// Without `asyncWrites`: what the Ready under way allows once it is done.
    var pendingAdvance: (acknowledgement: AppendAck, apply: ApplyTask?)?

    var tracker: ProgressTracker
    var log: RaftLog

    init(
        settings: RaftSettings,
        hardState: HardState?,
        configuration: VoterConfiguration,
        applied: LogIndex,
        log source: LogSource
    ) throws(RaftError) {
        try settings.validate()
        if let problem = configuration.inconsistency { throw .inconsistentState(problem) }
        self.settings = settings
        generator = SeededGenerator(seed: settings.seed)
        graceTicks = settings.voteGraceTicks
        campaignDelayTicks = settings.campaignDelayTicks
        log = RaftLog(source: source, maxApplyingBytes: settings.maxApplyingBytes)
        let floor = log.committed
        let stored = hardState ?? HardState()
        // A crash may have forgotten the newest commit index, never what was applied by it.
        let committed = max(stored.commit, applied, floor)
        guard committed <= log.lastIndex else {
            throw .inconsistentState(
                "committed up to \(committed) but the log ends at \(log.lastIndex)"
            )
        }
        guard case .term = log.source.term(at: log.lastIndex) else {
            // Without it no vote could be judged.
            throw .inconsistentState("the term of the last entry is not known")
        }
        guard stored.isEmpty || log.lastTerm <= stored.term else {
            throw .inconsistentState(
                "the log has entries of term \(log.lastTerm), newer than the"
                    + " stored term \(stored.term)"
            )
        }
        log.recover(committed: committed, applied: applied)
        term = stored.term
        vote = stored.vote
        tracker = ProgressTracker(
            maxInflightMessages: settings.maxInflightMessages,
            maxInflightBytes: settings.maxInflightBytes
        )
        tracker.install(
            configuration,
            members: ConfigurationChanger.members(
                of: configuration,
                lastIndex: log.lastIndex,
                emptyWindow: tracker.emptyWindow
            )
        )
        lastSoftState = SoftState()
        lastHardState = HardState(term: term, vote: vote, commit: log.committed)
        becomeFollower(term: term, leader: .none)
    }

    // MARK: - Reading

    /// The end of the log, whether durable or not. `mutating` here and below means: in place.
    var last: EntryID { mutating get { log.last } }
    var hardState: HardState {
        HardState(term: term, vote: vote, commit: log.committed)
    }
    var softState: SoftState { SoftState(leader: leader, role: role) }

    /// Whether this leader has committed an entry of its own term: it then knows the commit
    /// index, may serve reads, and its state machine sees all that earlier leaders committed.
    var hasCommittedInTerm: Bool { mutating get { log.knownTerm(at: log.committed) == term } }

    /// Whether this replica may campaign: a voter whose log is not about to be replaced.
    var isPromotable: Bool {
        guard let position = tracker.position(of: id) else { return false }
        return !tracker.members[position].isLearner && !log.hasPendingSnapshot
            && log.faultAt == nil && !log.source.isDamaged
    }

    // MARK: - Roles

    mutating func reset(term newTerm: Term) {
        if term != newTerm {
            precondition(newTerm > term, "terms only grow")
            term = newTerm
            vote = .none
        }
        leader = .none
        transferee = .none
        hasForfeitedLease = false
        electionElapsed = 0
        heartbeatElapsed = 0
        drawElectionTimeout()
        tracker.reset(own: id, last: log.lastIndex)
        pendingChangeIndex = .zero
        uncommittedBytes = 0
        dropReads()
    }

    mutating func becomeFollower(term newTerm: Term, leader newLeader: ReplicaID) {
        reset(term: newTerm)
        role = .follower
        leader = newLeader
        leaderEpoch = support?.epoch(givenTo: newLeader)
    }

    mutating func becomePreCandidate() {
        precondition(role != .leader, "a leader does not campaign")
        // Spends no term and keeps the vote: only a won pre-election does.
        tracker.votes.reset()
        role = .preCandidate
        leader = .none
    }

    mutating func becomeCandidate() {
        precondition(role != .leader, "a leader does not campaign")
        reset(term: term.next)
        vote = id
        role = .candidate
    }

    mutating func becomeLeader() {
        precondition(role == .candidate, "only a candidate becomes leader")
        reset(term: term)
        role = .leader
        leader = id
        if let own = tracker.position(of: id) {
            tracker.members[own].becomeReplicate()
            tracker.members[own].isRecentlyActive = true
        }
        // There may be a change among the entries not yet committed: to find out would mean
        // reading them all, to wait until they are applied is always safe.
        pendingChangeIndex = log.lastIndex
        // An empty entry of the new term: with it, all before it commits (paper 5.4.2).
        appendOwn([Entry(term: term, index: log.lastIndex.next)])
    }

    private mutating func drawElectionTimeout() {
        let jitter = generator.next() % UInt64(settings.electionTicks)
        electionTimeout = settings.electionTicks + Int(jitter) + campaignDelayTicks
    }

    // MARK: - Time

    /// One tick has passed.
    mutating func tick() {
        now += 1
        if graceTicks > 0 { graceTicks -= 1 }
        if role == .leader { tickLeader() } else { tickOther() }
    }

    private mutating func tickOther() {
        if isElectionParked {
            electionElapsed = 0
            return
        }
        electionElapsed += 1
        if isPromotable, electionElapsed >= electionTimeout {
            electionElapsed = 0
            campaign()
        }
    }

    private mutating func tickLeader() {
        heartbeatElapsed += 1
        electionElapsed += 1
        if electionElapsed >= settings.electionTicks {
            electionElapsed = 0
            if settings.checkQuorum { checkQuorum() }
            // A transfer that took this long has failed: accept proposals again.
            transferee = .none
        }
        guard role == .leader, heartbeatElapsed >= settings.heartbeatTicks else { return }
        heartbeatElapsed = 0
        if !isQuiet { broadcastHeartbeat() }
    }

    private mutating func checkQuorum() {
        if !hasActiveQuorum { becomeFollower(term: term, leader: .none) }
        for position in tracker.members.indices where tracker.members[position].id != id {
            tracker.members[position].isRecentlyActive = false
        }
    }

    mutating func setCampaignDelay(ticks: Int) {
        precondition(ticks >= 0, "a delay is not negative")
        campaignDelayTicks = ticks
    }

    // MARK: - Sending

    /// Queues a message. What promises durability waits for the append it rests on.
    mutating func send(_ message: consuming Message) {
        if message.from == .none { message.from = id }
        if !message.kind.isVoteRelated, message.kind != .propose, message.kind != .readIndex {
            message.term = term
        }
        if mayLeaveEarly(message) {
            precondition(message.to != id, "nothing is sent to oneself without a wait")
            messages.append(message)
        } else if message.to == id {
            ownAfterAppend.append(message)
        } else {
            messagesAfterAppend.append(message)
        }
    }

    private func mayLeaveEarly(_ message: borrowing Message) -> Bool {
        switch message.kind {
        case .appendResponse:
            settings.plantedFault == .acknowledgesBeforeAppend && message.to != id
        // Refusals wait too: they may rest on a vote or on entries that are not durable yet.
        case .voteResponse, .preVoteResponse:
            settings.plantedFault == .votesBeforeAppend && message.to != id
        default: true
        }
    }
}
