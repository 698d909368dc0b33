import Configuration
import Dispatch
import HTTPService
import Logging
import Observability
import Synchronization

/// The node's HTTP service through its life: it listens before the log is replayed, and until the
/// last answer has left. What the API cannot do yet, or any more, it says with 503.
final class FrontDoor: Sendable {
    /// Answered at every moment of the node's life.
    private static let always = ["/livez", "/readyz", "/health", "/metrics"]

    let server: HTTPServer
    private let metrics: Metrics
    private let logger: Logger
    private let probes: Probes

    /// Listens on every configured address.
    init(
        _ configuration: Configuration,
        _ health: Health,
        _ metrics: Metrics,
        _ logger: Logger
    ) throws {
        self.metrics = metrics
        self.logger = logger
        probes = Probes(health: health, metrics: metrics, audience: configuration.metrics.serve)
        var router = Router<HTTPRoute>()
        probes.addRoutes(to: &router)
        let starting = Self.unavailable("The server is starting: it replays its log")
        for method in HTTPMethod.allCases where method != .options {
            let route = HTTPRoute(admit: { _ in starting }) { _, responder in
                responder.respond(starting)
            }
            router.add(method, "/{path...}", route)
        }
        let listeners = configuration.listen.map {
            HTTPListener(host: $0.address, port: $0.port, isTLS: $0.usesTLS)
        }
        let meter = RequestMeter(metrics)
        do {
            server = try HTTPServer(
                listeners: listeners,
                settings: HTTPSettings(configuration),
                tls: Self.tls(configuration),
                router: router,
                errorBody: { $0.matrixErrorBody },
                accessLog: { meter.note($0) },
                logger: logger
            )
        } catch {
            throw StartFailure("E-TLS", "\(error)", exitStatus: 78)
        }
        try listen()
        metrics.gauge(.httpConnections) { [server] in
            Double(server.statistics.connectionsOpen)
        }
        metrics.counter(.httpRefusedConnections) { [server] in
            server.statistics.connectionsRefused
        }
    }

    private static func tls(_ configuration: Configuration) -> TLSSettings? {
        guard let listener = configuration.listen.first(where: \.usesTLS),
            let chain = listener.tlsCertificateFile, let key = listener.tlsKeyFile
        else { return nil }
        return TLSSettings(certificateChainPath: chain, privateKeyPath: key)
    }

    private func listen() throws {
        let started = DispatchSemaphore(value: 0)
        let outcome = Mutex<Result<[HTTPServer.Address], any Error>?>(nil)
        Task { [server] in
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
    }

    /// The API is there: `add` brings its routes.
    func open(_ add: (inout Router<HTTPRoute>) -> Void) {
        var router = Router<HTTPRoute>()
        probes.addRoutes(to: &router)
        add(&router)
        server.serve(router)
    }

    /// Refuses what is new, waits for what is under way (at most so long), then closes.
    ///
    /// - Parameter hurry: Called once new requests are refused: ends waits that nobody should
    ///   wait for.
    func drain(withinMilliseconds: Int, hurry: () -> Void) {
        server.refuse(
            allBut: Set(Self.always),
            with: Self.unavailable("The server is stopping")
        )
        hurry()
        let done = DispatchSemaphore(value: 0)
        Task { [server] in
            let began = ContinuousClock.now
            let limit = Duration.milliseconds(withinMilliseconds)
            while server.statistics.requestsInFlight > 0, ContinuousClock.now - began < limit {
                try? await Task.sleep(for: .milliseconds(10))
            }
            let left = limit - (ContinuousClock.now - began)
            await server.stop(
                withinMilliseconds: max(0, Int(left.components.seconds * 1_000))
            )
            done.signal()
        }
        done.wait()
    }

    private static func unavailable(_ text: String) -> HTTPResponse {
        var response = HTTPResponse(
            status: 503,
            json: Array(#"{"errcode":"M_UNKNOWN","error":"\#(text)"}"#.utf8)
        )
        response.headers.append(HTTPHeader("Retry-After", "2"))
        return response
    }
}

/// `/livez`, `/readyz` (also `/health`) and `/metrics`.
private struct Probes: Sendable {
    let health: Health
    let metrics: Metrics
    let audience: Configuration.MetricsAudience

    func addRoutes(to router: inout Router<HTTPRoute>) {
        let (health, metrics, audience) = (self.health, self.metrics, self.audience)
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
        router.add(
            .get,
            "/metrics",
            HTTPRoute { request, responder in
                let isOpen =
                    switch audience {
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
                var response = HTTPResponse(
                    status: 200,
                    body: Array(metrics.openMetricsText().utf8)
                )
                response.headers.append(HTTPHeader("Content-Type", Metrics.contentType))
                responder.respond(response)
            }
        )
    }
}
