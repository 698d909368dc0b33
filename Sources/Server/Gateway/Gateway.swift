package import HTTPService
import Homeserver
package import Identity
import MatrixModel
package import MultiRaft
import Projections
import Synchronization

/// The Client-Server API of one node: routes, authentication, rate limits, and the threads that
/// requests run on. Holds nothing that a restart would lose but caches.
package final class Gateway: Sendable {
    package let settings: GatewaySettings
    package let node: GatewayNode
    package let reading: ReadService<AnyReader>
    package let feed: ChangeFeed
    let sessions: SessionCache
    let lastSeen = LastSeen()
    let interactive: InteractiveSessions
    let passwords: PasswordHasher
    let limiter: RateLimiter
    /// Edits of one user's lists, one at a time.
    let edits = KeyedGate()
    let alarms: Alarms
    let syncs: SyncWaiter<AnyReader>
    private let executor: RequestExecutor
    private let pool: WorkerPool
    private let underWay = Atomic<Int>(0)
    private let report: @Sendable (any Error, _ template: String) -> Void

    /// Starts its threads. `stop` ends them.
    ///
    /// - Parameters:
    ///   - pool: request threads, where the feed's wake-ups are handed over too.
    ///   - feed: told of changes by the node; the gateway listens for those its caches must heed.
    ///   - report: hears of failures that are the server's own (answered 500 or 503), to log them.
    package init(
        settings: GatewaySettings,
        node: GatewayNode,
        pool: WorkerPool,
        reading: ReadService<AnyReader>,
        feed: ChangeFeed,
        report: @escaping @Sendable (any Error, _ template: String) -> Void
    ) {
        self.settings = settings
        self.node = node
        self.reading = reading
        self.feed = feed
        self.report = report
        sessions = SessionCache(sessionsMax: settings.sessionsCachedMax)
        interactive = InteractiveSessions(key: node.tokenKey)
        passwords = PasswordHasher(
            threads: settings.passwordThreads,
            waitingMax: settings.passwordWaitingMax,
            cost: settings.passwordCost,
            pepper: node.pepper,
            random: node.random
        )
        limiter = RateLimiter(settings.rates)
        let alarms = Alarms()
        self.pool = pool
        self.alarms = alarms
        executor = RequestExecutor(pool)
        syncs = SyncWaiter(
            service: reading,
            limits: settings.longPolls,
            execute: { pool.submit($0) },
            schedule: { alarms.schedule(afterMilliseconds: $0, $1) }
        )
        feed.observe { [sessions, syncs] change in
            switch change {
            case .devicesRemoved(let user, let devices):
                sessions.remove(user, devices: devices)
                syncs.revoke(user, devices: devices)
            case .deactivated(let user):
                sessions.remove(user)
                syncs.revoke(user)
            default: break
            }
        }
    }

    /// Adds every endpoint to a router.
    package func addRoutes(to router: inout Router<HTTPRoute>) {
        for endpoint in Endpoint.all {
            for template in endpoint.templates {
                router.add(endpoint.method, template, route(for: endpoint))
            }
        }
    }

    /// Answers waiting syncs, as a drain begins: nobody waits for a node that goes.
    package func releaseLongPolls() { syncs.releaseAll() }

    /// Syncs that wait for something new, or are being looked at.
    package var waitingSyncs: Int { syncs.count }

    /// Methods and paths of every endpoint, for tests and documents.
    package static var routes: [(method: HTTPMethod, template: String)] {
        Endpoint.all.flatMap { endpoint in
            endpoint.templates.map { (endpoint.method, $0) }
        }
    }

    /// Ends the gateway's threads and the pool, once the HTTP service has stopped.
    package func stop() {
        alarms.stop()
        passwords.stop()
        pool.stop()
    }

    /// Requests on the request threads, waiting ones included.
    package var requestsUnderWay: Int { underWay.load(ordering: .relaxed) }

    // MARK: One request

    private func route(for endpoint: Endpoint) -> HTTPRoute {
        let bodyBytesMax =
            switch endpoint.body {
            case .general: settings.limits.bodyBytes
            case .filter: settings.limits.filterBodyBytes
            case .accountData: settings.limits.accountDataBodyBytes
            }
        return HTTPRoute(
            bodyBytesMax: bodyBytesMax,
            admit: { [self] request in
                // Nobody's megabyte is read before it is known that they might be somebody.
                guard endpoint.caller == .user, token(of: request) == nil else { return nil }
                return response(to: .missingToken)
            },
            handle: { [self] request, responder in
                handle(request, endpoint, responder)
            }
        )
    }

    private func handle(_ request: HTTPRequest, _ endpoint: Endpoint, _ responder: Responder) {
        guard endpoint.caller == .user else {
            begin(
                endpoint,
                Call(gateway: self, request: request, authenticated: nil),
                responder
            )
            return
        }
        do throws(MatrixError) {
            guard let token = token(of: request) else { throw .missingToken }
            let mac = try mac(of: token)
            if let session = sessions.session(of: mac.digest) {
                let caller = Call.Authenticated(session: session, mac: mac.bytes)
                begin(
                    endpoint,
                    Call(gateway: self, request: request, authenticated: caller),
                    responder
                )
                return
            }
            let address = request.remoteAddress.network.description
            try limit(.unknownToken, address)
            run(request.template, responder) { [self] in
                let session = try await lookUp(mac)
                limiter.giveBack(.unknownToken, address)
                let caller = Call.Authenticated(session: session, mac: mac.bytes)
                begin(
                    endpoint,
                    Call(gateway: self, request: request, authenticated: caller),
                    responder
                )
                return nil
            }
        } catch {
            responder.respond(response(to: error))
        }
    }

    private func begin(_ endpoint: Endpoint, _ call: Call, _ responder: Responder) {
        do throws(MatrixError) {
            try limit(
                endpoint.rate,
                call.authenticated?.session.userID ?? call.request.remoteAddress.network.description
            )
        } catch {
            responder.respond(response(to: error))
            return
        }
        if let session = call.authenticated?.session {
            lastSeen.note(
                session,
                time: wallMilliseconds(),
                address: call.request.remoteAddress.description
            )
        }
        switch endpoint.work {
        case .start(let start): start(call, responder)
        case .answer(let answer):
            run(call.request.template, responder) {
                HTTPResponse(json: try await answer(call).body)
            }
        }
    }

    /// Runs `body` on the request threads and answers what it returns or throws; nothing where it
    /// returns nil, having passed the responder on.
    func run(
        _ template: String,
        _ responder: Responder,
        _ body: @escaping @Sendable () async throws -> HTTPResponse?
    ) {
        guard underWay.load(ordering: .relaxed) < settings.requestsMax else {
            responder.respond(response(to: .overloaded))
            return
        }
        underWay.add(1, ordering: .relaxed)
        Task(executorPreference: executor) { [self] in
            defer { underWay.subtract(1, ordering: .relaxed) }
            do {
                if let response = try await body() { responder.respond(response) }
            } catch {
                responder.respond(refusal(of: error, template))
            }
        }
    }

    /// Runs `body` on the request threads, where nobody waits for an answer.
    func run(_ template: String, _ body: @escaping @Sendable () async throws -> Void) {
        Task(executorPreference: executor) { [self] in
            do { try await body() } catch { report(error, template) }
        }
    }

    /// Takes from the caller's bucket, or says how long to wait.
    func limit(
        _ kind: RateKind,
        _ principal: String,
        cost: Double = 1
    ) throws(MatrixError) {
        guard
            let wait = limiter.take(kind, principal, cost: cost, now: wallMilliseconds())
        else { return }
        throw .limitExceeded(retryAfterMilliseconds: Int64(clamping: wait))
    }

    // MARK: Errors

    /// The one place where what went wrong becomes an HTTP answer.
    func refusal(of error: any Error, _ template: String) -> HTTPResponse {
        switch error {
        case let error as MatrixError: return response(to: error)
        case is PasswordHasher.Overloaded: return response(to: .overloaded)
        default:
            report(error, template)
            return response(to: error is NodeError ? .unavailable("") : .internalError)
        }
    }

    func response(to error: MatrixError) -> HTTPResponse {
        var response = HTTPResponse(status: error.status, json: error.body)
        if let wait = error.retryAfterSeconds {
            response.headers.append(HTTPHeader("Retry-After", String(wait)))
        }
        return response
    }
}
