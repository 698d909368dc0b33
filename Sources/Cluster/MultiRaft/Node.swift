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
    /// Milliseconds a start may take before it is given up.
    package var host = HostSettings()
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

/// Why a node cannot start or go on.
package enum NodeError: Error, Sendable {
    /// A partition's log is not what this node once promised (architecture 2.5).
    case logLost(PartitionID, String)
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
    private let log: Store
    private let state: Store
    private let settings: NodeSettings
    private let host: HostThread<Store, Keys>
    private let storage: StorageThread<Store>
    private let shared: NodeShared

    /// - Parameters:
    ///   - entropy: fresh bytes from the kernel.
    ///   - writeMark: brings the mark up to date after each sync.
    ///   - publish: told what changed once it can be read, on the host thread.
    ///   - failed: called once when the node must stop: its disk cannot be trusted any more.
    package init(
        settings: NodeSettings,
        log: Store,
        state: Store,
        ring: KeyRing,
        entropy: @escaping @Sendable (Int) -> [UInt8],
        writeMark: @escaping @Sendable ([MarkEntry]) throws -> Void,
        publish: @escaping @Sendable ([AppliedChanges]) -> Void,
        failed: @escaping @Sendable (any Error) -> Void
    ) {
        self.settings = settings
        serverName = settings.serverName
        map = PartitionMap(count: settings.partitions)
        self.log = log
        self.state = state
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
                    }
                }
                if !output.applied.isEmpty { publish(output.applied) }
                shared.noteApplied(output.appliedEntries, bytes: output.state.byteSize)
                shared.answer(output.answers)
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
        return NodeView(view: state.view(), positions: positions)
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
    package func start(
        mark: Mark?,
        progress: @Sendable (String) -> Void
    ) throws -> [LogFinding] {
        guard ServerName(serverName) != nil else { throw NodeError.invalidServerName(serverName) }
        storage.start()
        host.start(settings: settings.host)
        var findings: [LogFinding] = []
        guard let first = SigningKey(version: "0", seed: shared.random(32)) else {
            throw NodeError.noServerKeys
        }
        // The key partition signs nothing; its builder is never used.
        try open(.keys, signing: first, mark: mark, &findings)
        waitUntilReady([.keys])
        let signing = try serverSigningKey()
        let all = [PartitionID.control] + map.all
        for (done, partition) in all.enumerated() {
            try open(partition, signing: signing, mark: mark, &findings)
            if done % 16 == 15 { progress("opened \(done + 1) of \(all.count) partitions") }
        }
        waitUntilReady(all)
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

    private func open(
        _ partition: PartitionID,
        signing: SigningKey,
        mark: Mark?,
        _ findings: inout [LogFinding]
    ) throws {
        let recovered = try MessageLog.recover(
            partition,
            from: log,
            mark: mark?.expectation(for: partition)
        )
        switch recovered.verdict {
        case .clean: break
        case .amnesia(let why): throw NodeError.logLost(partition, why.description)
        case .hole: findings.append(LogFinding(partition: partition, verdict: recovered.verdict))
        }
        let rows = StateReader(partition, state)
        let applied = try rows.applied ?? AppliedRow(index: .zero, term: .zero, clock: .zero)
        let replicaID = ReplicaID(1)
        let configuration = VoterConfiguration(voters: [replicaID])
        var hard = HardState(
            term: recovered.log.hardState.term,
            vote: recovered.log.hardState.vote,
            commit: applied.index
        )
        if hard.term < recovered.log.lastTerm { hard.term = recovered.log.lastTerm }
        let raftSettings = RaftSettings(
            id: replicaID,
            seed: UInt64(partition.raw) &* 0x9E37_79B9 &+ 1
        )
        let clock = HybridClock(last: max(applied.clock, recovered.log.tail.clock))
        let raft = try RaftNode(
            settings: raftSettings,
            hardState: hard,
            configuration: configuration,
            applied: applied.index,
            log: ReplicaLog(recovered.log, configuration: configuration)
        )
        let builder = EventBuilder(server: ServerName(trusted: serverName), signingKey: signing)
        let homeserver = Homeserver(
            partition: partition,
            map: map,
            builder: builder,
            reader: RowReader(rows),
            keys: keys,
            random: RandomStream(seed: shared.random(32))
        )
        let replica = PartitionReplica(
            id: partition,
            raft: raft,
            homeserver: homeserver,
            folder: Folder(partition: partition, store: state),
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

    private func waitUntilReady(_ partitions: [PartitionID]) {
        let gate = Gate()
        let token = shared.register(read: { _ in gate.open() })
        host.put(.input(.awaitReady(partitions, token: token)))
        gate.wait()
    }

    /// Rows since the last flush: what a start would have to fold again.
    package var unflushed: (entries: Int, bytes: Int) { shared.unflushed() }

    /// Writes folded rows to disk, so that a start need not fold them again. Blocks.
    package func flush() throws {
        shared.resetUnflushed()
        try state.flush(wait: true)
    }

    /// Answers what is under way and stops the threads. The stores stay open.
    package func stop() {
        host.stop()
        storage.stop()
        shared.answerAll(.unavailable("the node is stopping"))
    }
}
