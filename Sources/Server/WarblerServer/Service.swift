import AdminProtocol
import Configuration
import Dispatch
import Encryption
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

/// A running node: files, partitions, gateway, HTTP and admin socket, started in this order and
/// stopped in the opposite one.
final class Service: Sendable {
    let configuration: Configuration
    let mode: StoreMode
    let log: NodeLog
    let logger: Logger
    let metrics = Metrics()
    private let health = Health()
    /// Threads for everything that reads the store: they wait for the disk, not for each other.
    private static let requestThreads = 4

    init(_ configuration: Configuration, _ mode: StoreMode) throws {
        self.configuration = configuration
        self.mode = mode
        log = try NodeLog(configuration)
        logger = log.logger
    }

    /// Returns when the node was told to stop and has.
    func run() throws {
        if mode.isBench {
            logger.record(.warning, "benchmark mode: limits are lifted, never use this for data")
        }
        let logger = self.logger
        let fatal: @Sendable (any Error) -> Void = { error in
            // Promises rest on the disk: what it refuses once is never tried again (2.5).
            let failure = StartFailure(error)
            logger.record(
                .critical,
                "the node stops because its storage failed",
                [.code: LogValue(failure.code), .reason: LogValue(failure.message)]
            )
            _exit(failure.exitStatus)
        }
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
        try serve(files, fatal)
    }

    private func serve(_ files: NodeFiles, _ fatal: @escaping @Sendable (any Error) -> Void) throws
    {
        // The gateway's request threads, where woken syncs run too.
        let pool = WorkerPool(threads: Self.requestThreads)
        let feed = ChangeFeed(epoch: UInt32(truncatingIfNeeded: files.mark.incarnation)) { batch in
            pool.submit(all: batch)
        }
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
            failed: fatal
        )
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
        let disk = DiskReserve(configuration)
        let gateway = makeGateway(node, feed, pool, disk, fatal)
        let server = try listen(gateway, node)
        let erasure = makeErasure(node, files)
        erasure.start()
        let admin = try adminSocket(node, gateway, files, erasure)
        let upkeep = Upkeep(
            node: node,
            feed: feed,
            disk: disk,
            health: health,
            logger: logger
        )
        upkeep.start()
        health.becomeReady()
        logger.record(.info, "ready", [.version: LogValue(Warblerd.version)])
        waitForSignal()
        logger.record(.info, "stopping")
        health.startDraining()
        let drained = DispatchSemaphore(value: 0)
        let grace = configuration.server.shutdownGraceSeconds * 1_000
        server.beginDrain()
        Task {
            await server.stop(withinMilliseconds: grace)
            drained.signal()
        }
        drained.wait()
        admin.stop()
        upkeep.stop()
        erasure.stop()
        node.stop()
        gateway.stop()
        do { try files.close() } catch { throw StartFailure(error) }
        logger.record(.info, "stopped")
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
            settings: ReadSettings(serverName: node.serverName, incarnation: 1),
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

    // MARK: HTTP

    private func listen(_ gateway: Gateway, _ node: RocksNode) throws -> HTTPServer {
        var router = Router<HTTPRoute>()
        gateway.addRoutes(to: &router)
        addHealth(to: &router, node)
        let listeners = configuration.listen.map {
            HTTPListener(host: $0.address, port: $0.port, isTLS: $0.usesTLS)
        }
        let secure = configuration.listen.first { $0.usesTLS }
        let tls = secure.flatMap { listener -> TLSSettings? in
            guard let chain = listener.tlsCertificateFile, let key = listener.tlsKeyFile else {
                return nil
            }
            return TLSSettings(certificateChainPath: chain, privateKeyPath: key)
        }
        let requests = metrics
        let server: HTTPServer
        do {
            server = try HTTPServer(
                listeners: listeners,
                settings: HTTPSettings(configuration),
                tls: tls,
                router: router,
                errorBody: { $0.matrixErrorBody },
                accessLog: { record in
                    requests.counter(
                        .httpRequests,
                        "\(record.method)",
                        record.template,
                        String(record.status)
                    ).add()
                },
                logger: logger
            )
        } catch {
            throw StartFailure("E-LISTEN", "\(error)", exitStatus: 78)
        }
        let started = DispatchSemaphore(value: 0)
        let outcome = Mutex<Result<[HTTPServer.Address], any Error>?>(nil)
        Task {
            do {
                let addresses = try await server.start()
                outcome.withLock { $0 = .success(addresses) }
            } catch {
                outcome.withLock { $0 = .failure(error) }
            }
            started.signal()
        }
        started.wait()
        switch outcome.withLock({ $0 }) {
        case .success(let addresses):
            for address in addresses {
                logger.record(
                    .info,
                    "listening",
                    [.address: LogValue(address.host), .port: LogValue(address.port)]
                )
            }
        case .failure(let error):
            throw StartFailure("E-LISTEN", "\(error)", exitStatus: 75)
        case nil: preconditionFailure("the start has ended")
        }
        return server
    }

    private func addHealth(to router: inout Router<HTTPRoute>, _ node: RocksNode) {
        let health = self.health
        let metrics = self.metrics
        metrics.registerProcess(version: Warblerd.version)
        router.add(
            .get,
            "/livez",
            HTTPRoute { _, responder in
                responder.respond(HTTPResponse(json: Array(#"{"live":true}"#.utf8)))
            }
        )
        for path in ["/readyz", "/health"] {
            router.add(
                .get,
                path,
                HTTPRoute { _, responder in responder.respond(health.answer) }
            )
        }
        let serve = configuration.metrics.serve
        let reported = Shared(StorageCounters())
        router.add(
            .get,
            "/metrics",
            HTTPRoute { request, responder in
                let isOpen =
                    switch serve {
                    case .off: false
                    case .loopback: request.remoteAddress.isLoopback
                    case .everyone: true
                    }
                guard isOpen else {
                    responder.respond(
                        HTTPResponse(status: 404, json: HTTPFault.unknownPath.matrixErrorBody)
                    )
                    return
                }
                let counters = node.storageStatistics
                let before = reported.withLock { reported in
                    defer { reported = counters }
                    return reported
                }
                metrics.counter(.logSyncs).add(Int(counters.syncs - before.syncs))
                metrics.counter(.logEntries).add(Int(counters.entries - before.entries))
                metrics.counter(.logAppendedBytes).add(Int(counters.bytes - before.bytes))
                var response = HTTPResponse(
                    status: 200,
                    body: Array(metrics.openMetricsText().utf8)
                )
                response.headers.append(HTTPHeader("Content-Type", Metrics.contentType))
                responder.respond(response)
            }
        )
    }

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

    private func adminSocket(
        _ node: RocksNode,
        _ gateway: Gateway,
        _ files: NodeFiles,
        _ erasure: KeyErasure<RocksKeyValueStore>
    ) throws -> AdminSocketServer {
        let commands = AdminCommands(
            node: node,
            gateway: gateway,
            files: files,
            configuration: configuration,
            health: health,
            erasure: erasure
        )
        do {
            let socket = try AdminSocketServer(path: configuration.adminSocketPath) {
                (request, progress) throws(AdminFailure) in
                try commands.run(request, progress)
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

    private func waitForSignal() {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGTERM)
        sigaddset(&set, SIGINT)
        let stopped = DispatchSemaphore(value: 0)
        var sources: [any DispatchSourceSignal] = []
        for number in [SIGTERM, SIGINT] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { stopped.signal() }
            source.resume()
            sources.append(source)
        }
        stopped.wait()
        for source in sources { source.cancel() }
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
