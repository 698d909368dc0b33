package import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// The HTTP service: HTTP/1.1 and HTTP/2, plain and over TLS 1.3, with limits on everything a
/// client can make it hold.
///
/// Handlers run on event loops: they answer at once, or keep the `Responder` and answer later
/// from wherever they like. `start` once, then `beginDrain` or `stop`.
package final class HTTPServer: Sendable {
    /// Where a listener really listens.
    package struct Address: Sendable, Equatable {
        package let host: String
        package let port: Int
        package let isTLS: Bool
    }

    private let service: ServiceCore
    private let listeners: [HTTPListener]
    private let certificates: TLSCertificates?
    private let group: MultiThreadedEventLoopGroup
    private let loops: Loops
    private let channels = Mutex<[any Channel]>([])

    /// Throws if the certificate cannot be used.
    ///
    /// - Parameters:
    ///   - errorBody: the JSON body of refusals; Matrix errors by default.
    ///   - accessLog: called on event loops for every answer: must not block.
    package init(
        listeners: [HTTPListener],
        settings: HTTPSettings = HTTPSettings(),
        tls: TLSSettings? = nil,
        router: Router<HTTPRoute>,
        errorBody: @escaping @Sendable (HTTPFault) -> [UInt8] = { $0.matrixErrorBody },
        accessLog: (@Sendable (AccessRecord) -> Void)? = nil,
        logger: Logger
    ) throws {
        guard tls != nil || !listeners.contains(where: \.isTLS) else {
            throw TLSError(description: "a TLS listener needs a certificate")
        }
        certificates = try tls.map { try TLSCertificates($0) }
        var settings = settings
        settings.connectionsMax = DescriptorLimit.connectionsMax(wanted: settings.connectionsMax)
        service = ServiceCore(
            settings: settings,
            router: router,
            errorBody: errorBody,
            accessLog: accessLog,
            logger: logger
        )
        self.listeners = listeners
        group = MultiThreadedEventLoopGroup(numberOfThreads: settings.eventLoops)
        loops = Loops(group, service)
    }

    /// Listens everywhere or nowhere; returns the addresses in the order of the listeners.
    package func start() async throws -> [Address] {
        try await loops.start()
        var addresses: [Address] = []
        do {
            for listener in listeners {
                let channel = try await bootstrap(isTLS: listener.isTLS)
                    .bind(host: listener.host, port: listener.port).get()
                channels.withLock { $0.append(channel) }
                let port = channel.localAddress?.port ?? listener.port
                addresses.append(
                    Address(host: listener.host, port: port, isTLS: listener.isTLS)
                )
            }
        } catch {
            await stop(withinMilliseconds: 0)
            throw error
        }
        return addresses
    }

    /// Reads the certificate again. New connections get it, open ones stay as they are; on an
    /// error the old one stays in use.
    package func reloadTLS() throws {
        try certificates?.reload()
    }

    /// Stops listening, closes idle connections and the others after their answers.
    package func beginDrain() {
        let wasDraining = service.draining.exchange(true, ordering: .sequentiallyConsistent)
        guard !wasDraining else { return }
        for channel in channels.withLock({ $0 }) { channel.close(promise: nil) }
        loops.forEach { context in
            context.batch { for entry in context.wheel.all { entry.drain() } }
        }
    }

    /// Drains, then closes what is left after `withinMilliseconds`, and ends the threads. The
    /// server cannot be started again.
    package func stop(withinMilliseconds: Int) async {
        beginDrain()
        let deadline = NIODeadline.now() + .milliseconds(Int64(withinMilliseconds))
        while statistics.connectionsOpen > 0, NIODeadline.now() < deadline {
            try? await group.any().scheduleTask(in: .milliseconds(10)) {}.futureResult.get()
        }
        loops.forEach { context in
            context.batch { for entry in context.wheel.all { entry.terminate() } }
        }
        loops.stop()
        try? await group.shutdownGracefully()
    }

    package var statistics: HTTPStatistics {
        var statistics = HTTPStatistics()
        for mailbox in loops.mailboxes { statistics.add(mailbox.counters) }
        statistics.connectionsRefused = service.ledger.refused
        statistics.bodyBytesInFlight = service.bodyBytesHeld
        statistics.answerBytesInFlight = service.answerBytesHeld
        return statistics
    }

    private func bootstrap(isTLS: Bool) -> ServerBootstrap {
        let certificates = isTLS ? self.certificates : nil
        let acceptor = Acceptor(service: service, loops: loops, certificates: certificates)
        return ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: Int32(service.settings.listenBacklog))
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                // Out of descriptors: wait a second instead of trying over and over.
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptBackoffHandler())
                }
            }
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.recvAllocator, value: ReceiveBuffers())
            .childChannelOption(
                .writeBufferWaterMark,
                value: ChannelOptions.Types.WriteBufferWaterMark(low: 32 * 1024, high: 96 * 1024)
            )
            // TLS ends both directions together; see HTTP1Connection for the plain case.
            .childChannelOption(.allowRemoteHalfClosure, value: !isTLS)
            .childChannelInitializer { channel in acceptor.take(channel) }
    }
}
