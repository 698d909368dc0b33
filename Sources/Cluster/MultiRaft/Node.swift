package import Encryption
package import Homeserver
package import KeyValue
package import Keyspace
import MatrixModel
package import MessageLog
package import Partitions
package import Primitives
import Projections
import Raft
import Synchronization

/// Secrets of the server itself: the first keys of the key partition.
package enum ServerSecret: UInt64, Sendable, CaseIterable {
    case signingSeed = 1
    case pepper = 2
    case tokenMAC = 3
}

/// What a node needs to start.
package struct NodeSettings: Sendable {
    package var serverName: String
    package var partitions: Int
    package var host = HostSettings()
    package var accounts = AccountLimits()
    package init(serverName: String, partitions: Int) {
        self.serverName = serverName
        self.partitions = partitions
    }
}

/// What a node finds of each partition's log at start and must tell somebody about.
package struct LogFinding: Sendable {
    package var partition: PartitionID
    package var verdict: MarkVerdict
}

/// What one partition may hold in memory: a node has dozens of them.
private enum NodeBounds {
    /// Recent entries kept for followers, beside what is not durable yet.
    static let logCacheBytes = 1 << 20
    /// Proposed and not committed: above it commands are refused until the disk catches up.
    static let uncommittedBytes = 8 << 20
    /// Entries read at once in a replay.
    static let applyingBytes = 1 << 20
}

/// Why a node cannot start or go on.
package enum NodeError: Error, Sendable {
    /// Logs that are not what this node once promised, or that cannot be folded (architecture
    /// 2.5). Nothing was changed.
    case logsLost([LogFinding])
    case invalidServerName(String)
    case noServerKeys
    case stopped
}

/// One `warblerd`'s partitions: commands in, answers out, views to read from. Everything behind it
/// runs in turns on the host thread; everything in front of it may be called from anywhere.
package final class Node<Store: KeyValueStore>: Sendable {
    package typealias Keys = KeyDirectory<Store>

    package let serverName: String
    package let map: PartitionMap
    package let keys: Keys
    let logStore: Store
    let stateStore: Store
    private let settings: NodeSettings
    private let host: HostThread<Store, Keys>
    private let storage: StorageThread<Store>
    private let shared: NodeShared

    /// - Parameters:
    ///   - entropy: fresh bytes from the kernel.
    ///   - writeMark: brings the mark up to date after each sync.
    ///   - publish: told what changed once it can be read, on the host thread.
    ///   - failed: called once when the node must stop: its disk cannot be trusted any more.
    ///   - together: runs what calls back for all answers of one turn, so that whoever carries
    ///     them can send them together.
    package init(
        settings: NodeSettings,
        log: Store,
        state: Store,
        ring: KeyRing,
        entropy: @escaping @Sendable (Int) -> [UInt8],
        writeMark: @escaping @Sendable ([MarkEntry]) throws -> Void,
        publish: @escaping @Sendable ([AppliedChanges]) -> Void,
        failed: @escaping @Sendable (any Error) -> Void,
        together: @escaping @Sendable (() -> Void) -> Void = { $0() }
    ) {
        self.settings = settings
        serverName = settings.serverName
        map = PartitionMap(count: settings.partitions)
        logStore = log
        stateStore = state
        keys = KeyDirectory(store: state, ring: ring)
        let shared = NodeShared(entropy: entropy)
        self.shared = shared
        let keys = self.keys
        let toHost = Relay()
        storage = StorageThread(
            store: log,
            writeMark: writeMark,
            synced: { batch in toHost.send(.logSynced(batch: batch)) },
            failed: failed
        )
        let storage = self.storage
        host = HostThread(
            state: state,
            storage: { storage.submit($0) },
            after: { output in
                for applied in output.applied {
                    shared.setApplied(applied.partition, applied.applied)
                    for case .keysDestroyed(let ids) in applied.changes {
                        keys.forget(ids)
                        toHost.send(.keysChanged(ids))
                        shared.keysDestroyed()
                    }
                }
                if !output.applied.isEmpty { publish(output.applied) }
                shared.noteApplied(output.appliedEntries, bytes: output.state.byteSize)
                if !output.answers.isEmpty { together { shared.answer(output.answers) } }
            },
            failed: failed
        )
        let host = self.host
        toHost.connect { host.put(.input($0)) }
    }

    // MARK: Commands

    /// Sends a command to the leader of a partition. `done` is called once, on the host thread: it
    /// must be quick and must not block.
    package func submit(
        _ command: Command,
        to partition: PartitionID,
        _ done: @escaping @Sendable (CommandOutcome) -> Void
    ) {
        let token = shared.register(command: done)
        if !host.put(.input(.command(partition, command, token: token))) {
            shared.answer([.command(token: token, .unavailable("the node is stopping"))])
        }
    }

    package func submit(_ command: Command, to partition: PartitionID) async -> CommandOutcome {
        await withCheckedContinuation { continuation in
            submit(command, to: partition) { continuation.resume(returning: $0) }
        }
    }

    /// An ID for a command that comes without a transaction of its own.
    package func mintCommandID() -> CommandID { shared.mintCommandID() }

    package func random(_ count: Int) -> [UInt8] { shared.random(count) }

    /// Whether this node takes commands on. Off, the cores of its replicas refuse every proposal,
    /// from this call on; reads go on.
    package func acceptProposals(_ accepts: Bool) { host.put(.input(.acceptProposals(accepts))) }

    // MARK: Reads

    /// Returns once this node's rows hold everything that was committed when it was called.
    package func readBarrier(_ partitions: [PartitionID]) async throws {
        for partition in partitions {
            let index = await withCheckedContinuation { continuation in
                let token = shared.register(read: { continuation.resume(returning: $0) })
                if !host.put(.input(.read(partition, token: token))) {
                    shared.answer([.read(token: token, nil)])
                }
            }
            guard index != nil else { throw NodeError.stopped }
        }
    }

    package func view() -> NodeView<Store.View> {
        // The positions first: the snapshot then holds at least these.
        let positions = shared.positions()
        return NodeView(view: stateStore.view(), positions: positions)
    }

    package func key(_ id: UInt64) -> KeyLookup { keys.key(id) }

    package func serverSecret(_ which: ServerSecret) -> SecretKey {
        guard case .found(let key) = keys.key(which.rawValue) else {
            preconditionFailure("a node that started has its server keys")
        }
        return key
    }

    package var storageStatistics: StorageCounters { storage.statistics }
    package func applied(_ partition: PartitionID) -> LogIndex { shared.applied(partition) }

    // MARK: Life

    /// Recovers every partition and returns once all lead and have applied what they had. Blocks.
    ///
    /// - Parameters:
    ///   - mark: As it was found.
    ///   - willBegin: Called once every log was judged and before anything is written.
    package func start(
        mark: Mark?,
        willBegin: () throws -> Void = {},
        progress: @Sendable (String) -> Void
    ) throws -> [LogFinding] {
        guard ServerName(serverName) != nil else { throw NodeError.invalidServerName(serverName) }
        let (recovered, findings) = try recover(mark)
        try willBegin()
        storage.start()
        host.start(settings: settings.host)
        guard let first = SigningKey(version: "0", seed: shared.random(32)) else {
            throw NodeError.noServerKeys
        }
        // The key partition signs nothing; its builder is never used.
        try open(recovered[.keys]!, signing: first)
        waitUntilReady([.keys])
        let signing = try serverSigningKey()
        let all = [PartitionID.control] + map.all
        for (done, partition) in all.enumerated() {
            try open(recovered[partition]!, signing: signing)
            if done % 16 == 15 { progress("opened \(done + 1) of \(all.count) partitions") }
        }
        waitUntilReady(all)
        shared.endReplay()
        return findings
    }

    private func serverSigningKey() throws -> SigningKey {
        if case .absent = keys.key(ServerSecret.signingSeed.rawValue) {
            let command = Command(
                id: mintCommandID(),
                answerLifetime: 0,
                action: .createKeys(partition: .keys, count: 16)
            )
            let gate = Gate()
            submit(command, to: .keys) { _ in gate.open() }
            gate.wait()
        }
        guard case .found(let seed) = keys.key(ServerSecret.signingSeed.rawValue) else {
            throw NodeError.noServerKeys
        }
        let name = Base64.encode(Digest(of: seed.exposedBytes).bytes.prefix(4), urlSafe: true)
            .replacing("-", with: "_")
        guard let key = SigningKey(version: "w_" + name, seed: seed.exposedBytes) else {
            throw NodeError.noServerKeys
        }
        return key
    }

    /// Every partition's log, or why this node may not go on with them.
    private func recover(
        _ mark: Mark?
    ) throws -> (logs: [PartitionID: RecoveredLog<Store>], findings: [LogFinding]) {
        var recovery = LogRecovery(log: logStore, rows: stateStore, mark: mark)
        recovery.settings.cacheBytesMax = NodeBounds.logCacheBytes
        var logs: [PartitionID: RecoveredLog<Store>] = [:]
        var findings: [LogFinding] = []
        var lost: [LogFinding] = []
        var left: UInt64 = 0
        for partition in [.keys, .control] + map.all {
            let found = try recovery.recover(partition)
            logs[partition] = found
            let applied = try recovery.applied(partition)
            if applied < found.log.lastIndex { left += found.log.lastIndex.raw - applied.raw }
            guard found.verdict != .clean else { continue }
            let finding = LogFinding(partition: partition, verdict: found.verdict)
            if try recovery.stops(found.verdict, partition) {
                lost.append(finding)
            } else {
                findings.append(finding)
            }
        }
        guard lost.isEmpty else { throw NodeError.logsLost(lost) }
        shared.beginReplay(left)
        return (logs, findings)
    }

    private func open(_ recovered: RecoveredLog<Store>, signing: SigningKey) throws {
        let partition = recovered.log.partition
        let rows = StateReader(partition, stateStore)
        let applied = try position(of: rows, behind: recovered.log.base)
        let replicaID = ReplicaID(1)
        let configuration = VoterConfiguration(voters: [replicaID])
        var hard = HardState(
            term: recovered.log.hardState.term,
            vote: recovered.log.hardState.vote,
            commit: applied.index
        )
        if hard.term < recovered.log.lastTerm { hard.term = recovered.log.lastTerm }
        var raftSettings = RaftSettings(
            id: replicaID,
            seed: UInt64(partition.raw) &* 0x9E37_79B9 &+ 1
        )
        raftSettings.maxUncommittedBytes = NodeBounds.uncommittedBytes
        raftSettings.maxApplyingBytes = NodeBounds.applyingBytes
        let clock = HybridClock(last: max(applied.clock, recovered.log.tail.clock))
        let raft = try RaftNode(
            settings: raftSettings,
            hardState: hard,
            configuration: configuration,
            applied: applied.index,
            log: ReplicaLog(recovered.log, configuration: configuration)
        )
        let builder = EventBuilder(server: ServerName(trusted: serverName), signingKey: signing)
        var homeserver = Homeserver(
            partition: partition,
            map: map,
            builder: builder,
            reader: RowReader(rows),
            keys: keys,
            random: RandomStream(seed: shared.random(32))
        )
        homeserver.limits = settings.accounts
        let replica = PartitionReplica(
            id: partition,
            raft: raft,
            homeserver: homeserver,
            folder: Folder(partition: partition, store: stateStore, applied: applied),
            clock: clock,
            applied: applied.index
        )
        shared.setApplied(partition, applied.index)
        host.put(
            .control { turn in
                turn.add(replica)
                turn.campaign(partition)
            }
        )
    }

    /// Where the rows stand. The key partition's log begins with a restatement of all that lay
    /// before it: rows that are missing, or older than that, begin there.
    private func position(
        of rows: StateReader<Store>,
        behind base: LogTail
    ) throws -> AppliedRow {
        let found = try rows.applied ?? AppliedRow(index: .zero, term: .zero, clock: .zero)
        guard found.index < base.index else { return found }
        guard rows.partition == .keys else {
            let why = "it begins behind \(base.index), the rows end at \(found.index)"
            throw NodeError.logsLost([
                LogFinding(partition: rows.partition, verdict: .amnesia(.endDamaged(why)))
            ])
        }
        return AppliedRow(index: base.index, term: base.term, clock: base.clock)
    }

    private func waitUntilReady(_ partitions: [PartitionID]) {
        let gate = Gate()
        let token = shared.register(read: { _ in gate.open() })
        host.put(.input(.awaitReady(partitions, token: token)))
        gate.wait()
    }

    /// Calls `body`, which must be quick, after each destruction that was applied.
    func whenKeysDestroyed(_ body: @escaping @Sendable () -> Void) {
        shared.whenKeysDestroyed(body)
    }

    /// Removes a partition's records up to and including `index`. Blocks until that is on disk;
    /// false when it was not done.
    func trim(_ partition: PartitionID, through index: LogIndex) -> Bool {
        let gate = Gate()
        let trimmed = Mutex<LogIndex?>(nil)
        let token = shared.register(read: { index in
            trimmed.withLock { $0 = index }
            gate.open()
        })
        guard host.put(.input(.trimLog(partition, through: index, token: token))) else {
            return false
        }
        gate.wait()
        return trimmed.withLock { $0 } != nil
    }

    package var replay: ReplayProgress { shared.replayProgress }

    /// Each partition as this node's replica sees it, in order. Waits for the host thread; empty
    /// once the node stops.
    package func partitions() -> [PartitionPicture] {
        let gate = Gate()
        let found = Mutex<[PartitionPicture]>([])
        let look: @Sendable (inout HostThread<Store, Keys>.Turn) -> Void = { turn in
            let pictures = turn.pictures()
            found.withLock { $0 = pictures }
            gate.open()
        }
        guard host.put(.control(look)) else { return [] }
        gate.wait()
        return found.withLock { $0 }
    }

    /// Rows since the last flush: what a start would have to fold again.
    package var unflushed: (entries: Int, bytes: Int) { shared.unflushed() }

    /// Writes folded rows to disk, so that a start need not fold them again. Blocks.
    package func flush() throws {
        shared.resetUnflushed()
        try stateStore.flush(wait: true)
    }

    /// Answers what is under way and stops the threads. The stores stay open.
    package func stop() {
        host.stop()
        storage.stop()
        // The storage thread finished what it had: some of it may be recorded.
        shared.answerAll(.outcomeUnknown)
    }
}
