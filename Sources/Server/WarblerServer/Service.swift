import AdminProtocol
import Configuration
import Dispatch
import Encryption
import Gateway
import Glibc
import HTTPService
import Homeserver
import Identity
import KeyFiles
import KeyValue
import Keyspace
import Logging
import MultiRaft
import Observability
import Partitions
import Primitives
import Projections
import RocksKeyValue
import Synchronization

typealias RocksNode = Node<RocksKeyValueStore>

/// A running node: HTTP and admin socket, which answer from the first moment on, then files,
/// partitions and gateway; stopped in the opposite order.
final class Service: Sendable {
    let configuration: Configuration
    let mode: StoreMode
    let log: NodeLog
    let logger: Logger
    let metrics = Metrics()
    private let health = Health()
    private let reread: @Sendable () throws -> Configuration
    /// Threads for everything that reads the store: they wait for the disk, not for each other.
    private static let requestThreads = 4

    /// - Parameter reread: Reads the configuration again, as it was read at the start.
    init(
        _ configuration: Configuration,
        _ mode: StoreMode,
        reread: @escaping @Sendable () throws -> Configuration
    ) throws {
        self.configuration = configuration
        self.mode = mode
        self.reread = reread
        log = try NodeLog(configuration)
        logger = log.logger
    }

    /// Returns when the node was told to stop and has.
    func run() throws {
        if mode.isBench {
            logger.record(.warning, "benchmark mode: limits are lifted, never use this for data")
        }
        let (logger, health) = (self.logger, self.health)
        let signals = Signals {
            logger.record(.info, "stopped while it was starting")
            _exit(0)
        }
        let fatal: @Sendable (any Error) -> Void = { error in
            // Promises rest on the disk: what it refuses once is never tried again (2.5).
            health.add(.faulty)
            let failure = StartFailure(error)
            logger.record(
                .critical,
                "the node stops because its storage failed",
                [.code: LogValue(failure.code), .reason: LogValue(failure.message)]
            )
            _exit(failure.exitStatus)
        }
        try NodeFiles.claim(configuration, mode)
        metrics.registerProcess(version: Warblerd.version)
        metrics.gauge(.ready) { health.isReady ? 1 : 0 }
        metrics.gauge(.replayEntriesLeft) { Double(health.replay.left) }
        let door = try FrontDoor(configuration, health, metrics, logger)
        let reload = Reload(
            read: reread,
            log: log,
            server: door.server,
            usesTLS: configuration.listen.contains(where: \.usesTLS)
        )
        signals.onHangUp { reload.run() }
        let commands = Shared<AdminCommands?>(nil)
        let admin = try adminSocket(commands)
        try serve(try openFiles(fatal), door, commands, admin, signals, fatal)
    }

    private func openFiles(
        _ fatal: @escaping @Sendable (any Error) -> Void
    ) throws -> NodeFiles {
        let logger = self.logger
        let files: NodeFiles
        do {
            files = try NodeFiles(
                configuration,
                mode,
                infoLog: { level, line in
                    guard level == .error || level == .warning else { return }
                    logger.record(.warning, "storage", [.reason: LogValue(line)])
                },
                backgroundError: { fatal($0) }
            )
        } catch { throw StartFailure(error) }
        for warning in files.root.warnings {
            logger.record(
                .warning,
                "a risk with the root key",
                [.code: LogValue(warning.code.rawValue), .reason: LogValue(warning.message)]
            )
        }
        for warning in files.ringWarnings {
            logger.record(
                .warning,
                "a file of the key ring is damaged: the other one is used",
                [.code: LogValue(warning.code.rawValue), .reason: LogValue(warning.message)]
            )
        }
        return files
    }

    private func serve(
        _ files: NodeFiles,
        _ door: FrontDoor,
        _ commands: Shared<AdminCommands?>,
        _ admin: AdminSocketServer,
        _ signals: Signals,
        _ fatal: @escaping @Sendable (any Error) -> Void
    ) throws {
        // The gateway's request threads, where woken syncs run too.
        let pool = WorkerPool(threads: Self.requestThreads)
        let feed = ChangeFeed(epoch: UInt32(truncatingIfNeeded: files.mark.incarnation)) { batch in
            pool.submit(all: batch)
        }
        let node = try startNode(files, feed, fatal)
        let disk = DiskReserve(configuration)
        let gateway = makeGateway(node, feed, pool, disk, fatal)
        let rotation = KeyRotation(configuration, files, node, logger)
        let erasure = makeErasure(node, files)
        erasure.start()
        let upkeep = Upkeep(
            node: node,
            feed: feed,
            disk: disk,
            health: health,
            rotation: rotation,
            logger: logger
        )
        register(node, gateway, disk)
        commands.withLock {
            $0 = AdminCommands(
                node: node,
                gateway: gateway,
                files: files,
                configuration: configuration,
                rotation: rotation,
                picture: NodePicture(
                    configuration: configuration,
                    node: node,
                    gateway: gateway,
                    files: files,
                    server: door.server,
                    upkeep: upkeep,
                    disk: disk,
                    rotation: rotation,
                    health: health
                ),
                erasure: erasure,
                disk: disk
            )
        }
        upkeep.start()
        door.open { gateway.addRoutes(to: &$0) }
        signals.serve()
        health.remove(.replaying)
        logger.record(.info, "ready", [.version: LogValue(Warblerd.version)])
        signals.waitForStop()
        logger.record(.info, "stopping")
        health.add(.draining)
        door.drain(withinMilliseconds: configuration.server.shutdownGraceSeconds * 1_000) {
            gateway.releaseLongPolls()
        }
        admin.stop()
        upkeep.stop()
        erasure.stop()
        node.stop()
        gateway.stop()
        do { try files.close() } catch { throw StartFailure(error) }
        logger.record(.info, "stopped")
    }

    private func startNode(
        _ files: NodeFiles,
        _ feed: ChangeFeed,
        _ fatal: @escaping @Sendable (any Error) -> Void
    ) throws -> RocksNode {
        let node = RocksNode(
            settings: NodeSettings(configuration),
            log: files.log,
            state: files.state,
            ring: files.ring,
            entropy: Entropy.bytes,
            writeMark: { try files.mark.keep($0) },
            publish: { applied in
                for one in applied {
                    feed.publish(one.changes, partition: one.partition, applied: one.applied)
                }
            },
            failed: fatal,
            together: HTTPServer.sendingTogether
        )
        health.follow { node.replay }
        let findings: [LogFinding]
        do {
            findings = try node.start(
                mark: files.mark.found,
                willBegin: { try files.mark.begin() },
                progress: { [logger] text in
                    logger.record(.info, "starting", [.status: LogValue(text)])
                }
            )
        } catch { throw StartFailure(error) }
        for finding in findings {
            logger.record(
                .error,
                "a record of the log is damaged",
                [
                    .code: "E-LOG-HOLE", .partition: LogValue(finding.partition.description),
                    .reason: LogValue("\(finding.verdict)"),
                ]
            )
        }
        for partition in [PartitionID.control, .keys] + node.map.all {
            feed.publish([], partition: partition, applied: node.applied(partition))
        }
        return node
    }

    private func register(_ node: RocksNode, _ gateway: Gateway, _ disk: DiskReserve) {
        metrics.counter(.logSyncs) { Int(node.storageStatistics.syncs) }
        metrics.counter(.logEntries) { Int(node.storageStatistics.entries) }
        metrics.counter(.logAppendedBytes) { Int(node.storageStatistics.bytes) }
        metrics.gauge(.syncWaiters) { Double(gateway.waitingSyncs) }
        metrics.gauge(.diskFreeBytes) { Double(disk.freeBytes) }
        metrics.gauge(.diskState) { Double(disk.level.rawValue) }
        metrics.gauge(.keyEpoch) { Double(node.keys.ring.current(.data).epoch) }
    }

    private func makeGateway(
        _ node: RocksNode,
        _ feed: ChangeFeed,
        _ pool: WorkerPool,
        _ disk: DiskReserve,
        _ fatal: @escaping @Sendable (any Error) -> Void
    ) -> Gateway {
        // Rows that are not what was written: nothing more is served from them.
        let damaged: @Sendable (StoreError) -> Void = { fatal($0) }
        let reading = ReadService<AnyReader>(
            settings: ReadSettings(configuration),
            map: node.map,
            feed: feed,
            keys: { node.key($0) },
            view: {
                let view = node.view()
                return ReadView(
                    store: AnyReader(view.store, damaged: damaged),
                    map: node.map,
                    applied: { view.applied($0) }
                )
            },
            now: { wallMilliseconds() }
        )
        let logger = self.logger
        return Gateway(
            settings: GatewaySettings(configuration, isBench: mode.isBench),
            node: GatewayNode(node, refusal: { disk.refusal(of: $0) }, damaged: damaged),
            pool: pool,
            reading: reading,
            feed: feed,
            report: { error, template in
                logger.record(
                    .error,
                    "a request failed",
                    [.route: LogValue(template), .reason: LogValue("\(error)")]
                )
            }
        )
    }

    // MARK: Administration

    private func makeErasure(
        _ node: RocksNode,
        _ files: NodeFiles
    ) -> KeyErasure<RocksKeyValueStore> {
        let changes = files.ringChanges
        let logger = self.logger
        let erasure = KeyErasure(
            node,
            ring: KeyErasure.RingChanges(
                beginEpoch: { try changes.rotate(.wrap) },
                dropBefore: { try changes.drop(.wrap, before: $0) }
            ),
            failed: { error in
                logger.record(
                    .error,
                    "destroyed keys are not unrecoverable yet",
                    [.code: "E-KEY-051", .reason: LogValue("\(error)")]
                )
            }
        )
        _ = erasure.follow { step in
            guard case .epochsDropped(let epoch) = step else { return }
            logger.record(
                .notice,
                "destroyed keys are unrecoverable",
                [.status: LogValue("wrap epochs below \(epoch) are dropped")]
            )
        }
        return erasure
    }

    /// Answers from the first moment on; what needs the partitions waits for them.
    private func adminSocket(
        _ commands: Shared<AdminCommands?>
    ) throws -> AdminSocketServer {
        let health = self.health
        do {
            let socket = try AdminSocketServer(path: configuration.adminSocketPath) {
                (request, progress) throws(AdminFailure) in
                if let ready = commands.withLock({ $0 }) {
                    return try ready.run(request, progress)
                }
                guard request.command == "status" else {
                    throw AdminFailure(
                        code: "E-NODE-REPLAY",
                        message: "the node is still starting: try again when it is ready"
                    )
                }
                return health.report
            }
            socket.start()
            return socket
        } catch {
            throw StartFailure(
                "E-LISTEN",
                "\(configuration.adminSocketPath): \(error)",
                exitStatus: 78
            )
        }
    }
}

/// A value behind a lock, for closures that share it.
final class Shared<Value: Sendable>: Sendable {
    private let value: Mutex<Value>
    init(_ value: Value) { self.value = Mutex(value) }
    func withLock<Result: Sendable>(_ body: (inout Value) -> Result) -> Result {
        value.withLock { body(&$0) }
    }
}
