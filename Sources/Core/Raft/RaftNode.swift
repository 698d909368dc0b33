package import Primitives

/// Holds a core. A replica is one pointer wide on purpose: it is read and stepped inside of arrays
/// and other values, and copying its two dozen references costs more than most steps.
private final class RaftStorage {
    var core: RaftCore

    init(_ core: RaftCore) { self.core = core }

    // Asked after every step: from here they are answered in place, without a copy of the core.
    var hasReady: Bool { core.hasReady }
    var isQuiet: Bool { core.isQuiet }
    var hasCommittedInTerm: Bool { core.hasCommittedInTerm }
    var last: EntryID { core.last }
    var hardState: HardState { core.hardState }
    func status() -> RaftStatus { core.status() }
}

/// One replica of one Raft group: a value that is stepped and then says what it owes.
///
/// It reads its log through `Log` and does nothing else: no clock, no disk, no network, and no
/// chance but a seeded generator. The caller feeds `tick`, `step`, `propose` and the like, takes
/// a `Ready` whenever `hasReady`, and reports back with `appended` and `applied`.
///
/// All that can be asked of a replica stands in this file; the work is done in `RaftCore`.
package struct RaftNode<Log: LogReader> {
    /// Copied when a copy of this value shares it and one of them is about to change.
    private var storage: RaftStorage

    private var core: RaftCore {
        _read { yield storage.core }
        _modify {
            if !isKnownUniquelyReferenced(&storage) { storage = RaftStorage(storage.core) }
            yield &storage.core
        }
    }

    /// Starts a replica from what is stored.
    ///
    /// - Parameters:
    ///   - hardState: as last stored, or nil if there never was one.
    ///   - configuration: the members as of `applied`. For a newcomer that starts empty, the first
    ///     members the group ever had, itself most likely not among them: the changes in the log
    ///     are applied to it, and from a wrong start they lead to a wrong quorum.
    ///   - applied: what the state machine holds; later entries are handed out again.
    package init(
        settings: RaftSettings,
        hardState: HardState?,
        configuration: VoterConfiguration,
        applied: LogIndex,
        log: Log
    ) throws(RaftError) {
        storage = RaftStorage(
            try RaftCore(
                settings: settings,
                hardState: hardState,
                configuration: configuration,
                applied: applied,
                log: LogBox(log)
            )
        )
    }

    /// A second replica in the same state, over a log of its own: a plain copy would share what
    /// `Log` refers to.
    package func clone(log: Log) -> RaftNode {
        var copy = self
        copy.core.log.source = LogBox(log)
        return copy
    }

    private var box: LogBox<Log> {
        unsafeDowncast(storage.core.log.source, to: LogBox<Log>.self)
    }

    /// The stored log, for the caller's own use. Changed in place: a log that is a value is
    /// written to through here.
    package var reader: Log {
        get { box.log }
        _modify {
            if !isKnownUniquelyReferenced(&core.log.source) { core.log.source = LogBox(box.log) }
            yield &box.log
        }
    }
}

// Sound because what copies share is never written to: see `core` and `reader`.
extension RaftNode: @unchecked Sendable where Log: Sendable {}

// MARK: - What it is

extension RaftNode {
    package var settings: RaftSettings { core.settings }
    package var id: ReplicaID { core.settings.id }
    package var term: Term { core.term }
    package var vote: ReplicaID { core.vote }
    package var role: Role { core.role }
    package var isLeader: Bool { core.role == .leader }
    package var leader: ReplicaID { core.leader }
    /// Who is to lead next, if this leader is handing over.
    package var transferee: ReplicaID { core.transferee }
    package var configuration: VoterConfiguration { core.tracker.configuration }
    package var commitIndex: LogIndex { core.log.committed }
    package var appliedIndex: LogIndex { core.log.applied }
    /// An entry that is to be applied and cannot be read: nothing is applied from there on.
    package var faultAt: LogIndex? { core.log.faultAt }
    /// The end of the log, whether durable or not.
    package var last: EntryID { storage.last }
    package var hardState: HardState { storage.hardState }
    /// Whether this leader has committed an entry of its own term: it then knows the commit
    /// index, may serve reads, and its state machine sees all that earlier leaders committed.
    package var hasCommittedInTerm: Bool { storage.hasCommittedInTerm }
    /// Whether this leader has nothing to say: every member has confirmed that all is committed,
    /// and its node is known to be alive. It then sends no heartbeats; its ticks still count.
    package var isQuiet: Bool { storage.isQuiet }
    package func status() -> RaftStatus { storage.status() }
}

// MARK: - What it is told

extension RaftNode {
    /// One tick has passed.
    package mutating func tick() { core.tick() }

    /// Takes in a message from another replica.
    package mutating func step(_ message: Message) throws(StepError) { try core.step(message) }

    /// Appends commands to the leader's log.
    ///
    /// - Returns: where they stand. They are not yet durable, let alone committed.
    package mutating func propose(_ payloads: [[UInt8]]) throws(ProposeError) -> Assigned {
        try core.propose(payloads)
    }

    /// Appends a membership change to the leader's log.
    package mutating func propose(_ change: ConfigurationChange) throws(ProposeError) -> Assigned {
        try core.propose(change)
    }

    /// Sends a proposal on to the leader, without knowing what becomes of it. Needs
    /// `forwardsProposals`.
    package mutating func forward(_ entry: Entry) throws(ProposeError) { try core.forward(entry) }

    /// Puts a change in force. To be called when its entry is applied, in log order.
    ///
    /// - Throws: if the change cannot be applied to the present configuration. The entry then has
    ///   no effect, on this replica as on every other.
    @discardableResult
    package mutating func applyConfigurationChange(
        _ change: ConfigurationChange
    ) throws(ChangeError) -> VoterConfiguration { try core.applyConfigurationChange(change) }

    /// Asks for a read index: `Ready.readStates` answers with the same token, or
    /// `Ready.droppedReads` says that there will be no answer. A follower asks the leader, and
    /// that question or its answer may get lost: callers need a deadline of their own.
    package mutating func readIndex(token: UInt64) { core.readIndex(token: token) }

    /// Campaigns, as after an election timeout. Does nothing on a leader or where it must not.
    package mutating func campaign() { core.campaign() }

    /// Hands leadership to a voter (dissertation 3.10). Proposals are refused until it is done or
    /// has taken an election timeout. A follower passes the wish on to the leader.
    package mutating func transferLeadership(to target: ReplicaID) {
        core.transferLeadership(to: target)
    }

    /// Makes a follower forget its leader, so that it helps to elect another at once: somebody
    /// knows that the leader is gone. Not with lease reads, which rest on followers' memory.
    ///
    /// - Returns: whether it was allowed.
    @discardableResult
    package mutating func forgetLeader() -> Bool { core.forgetLeader() }

    /// News about a peer from outside of the protocol.
    package mutating func report(_ event: PeerEvent) { core.report(event) }

    /// Takes over what store liveness knows. Needs `usesStoreLiveness`.
    ///
    /// While this node supports the leader's, the election timer stands still. When it withdraws
    /// support, only the random part of the timeout is left to wait. A leader needs promises from
    /// a quorum to campaign, to pass the quorum check, and for lease reads.
    package mutating func support(_ view: SupportView) { core.support(view) }

    /// Makes a quiet leader speak again: a digest showed that somebody missed something.
    package mutating func wake() { core.wake() }

    /// Makes this replica campaign later (or sooner) than others from the next timeout on.
    package mutating func setCampaignDelay(ticks: Int) { core.setCampaignDelay(ticks: ticks) }

    /// Fixes the present election timeout; it holds until the next change of role. For tests.
    package mutating func setElectionTimeout(ticks: Int) { core.electionTimeout = ticks }
}

// MARK: - What it owes, and what was done about it

extension RaftNode {
    /// Whether `takeReady()` would return anything.
    package var hasReady: Bool { storage.hasReady }

    /// Takes everything owed since the last call. It must be carried out.
    package mutating func takeReady() -> Ready { core.takeReady() }

    /// An append task, and all before it, is durable.
    package mutating func appended(_ acknowledgement: AppendAck) { core.appended(acknowledgement) }

    /// Entries up to `index` are in the state machine; `bytes` as the tasks said. Tasks may be
    /// reported one by one, several at once, or in part.
    package mutating func applied(upTo index: LogIndex, bytes: Int) {
        core.applied(upTo: index, bytes: bytes)
    }

    /// Without asynchronous writes: the last Ready is carried out in full.
    package mutating func advance() { core.advance() }

    /// A damaged entry was repaired: applying may go on.
    package mutating func repaired() { core.log.clearFault() }
}
