import Logging
import NIOHPACK
import Synchronization

/// What every connection of a server needs and nobody changes after the start.
final class ServiceCore: Sendable {
    let settings: HTTPSettings
    let router: Router<HTTPRoute>
    let errorBody: @Sendable (HTTPFault) -> [UInt8]
    let accessLog: (@Sendable (AccessRecord) -> Void)?
    let logger: Logger
    let ledger: ConnectionLedger
    let commonFieldBytes: [UInt8]
    /// The same for HTTP/2.
    let commonHeaders: HPACKHeaders
    let draining = Atomic<Bool>(false)
    private let bodyBytesInFlight = Atomic<Int>(0)
    private let answerBytesInFlight = Atomic<Int>(0)

    init(
        settings: HTTPSettings,
        router: Router<HTTPRoute>,
        errorBody: @escaping @Sendable (HTTPFault) -> [UInt8],
        accessLog: (@Sendable (AccessRecord) -> Void)?,
        logger: Logger
    ) {
        let headBytesMax = settings.requestLineBytesMax + settings.headerBytesMax
        precondition(headBytesMax < 1 << 24, "a head stays far below what its offsets can tell")
        precondition(settings.tickMilliseconds > 0, "the wheel turns")
        self.settings = settings
        self.router = router
        self.errorBody = errorBody
        self.accessLog = accessLog
        self.logger = logger
        ledger = ConnectionLedger(settings)
        var fields: [UInt8] = []
        for header in settings.commonHeaders { FieldWriter.append(header, to: &fields) }
        commonFieldBytes = fields
        commonHeaders = HPACKHeaders(
            settings.commonHeaders.map {
                ($0.name.lowercased(), FieldWriter.sanitized($0.value))
            }
        )
    }

    var isDraining: Bool { draining.load(ordering: .relaxed) }

    /// What becomes of a request, by its head alone.
    enum Plan {
        case handle(HTTPRoute, HTTPRequest)
        case answer(HTTPResponse, HTTPRequest)
    }

    func plan(_ request: HTTPRequest) -> Plan {
        var request = request
        // A preflight asks what browsers may do, which is the same everywhere: no route, no token.
        if request.method == .options { return .answer(HTTPResponse(status: 204), request) }
        switch router.match(request.method, request.pathBytes) {
        case .found(let route, let template, let parameters):
            request.template = template
            request.parameters = parameters
            if let refusal = route.admit?(request) { return .answer(refusal, request) }
            return .handle(route, request)
        case .wrongMethod(let allowed):
            var response = response(to: .wrongMethod)
            let names = allowed.map(\.name).joined(separator: ", ")
            response.headers.append(HTTPHeader("Allow", names + ", OPTIONS"))
            return .answer(response, request)
        case .undecodable:
            return .answer(response(to: .undecodablePath), request)
        case .unknown:
            return .answer(response(to: .unknownPath), request)
        }
    }

    func response(to fault: HTTPFault) -> HTTPResponse {
        HTTPResponse(status: fault.status, json: errorBody(fault))
    }

    /// The request as its client sent it, whatever proxies lie between.
    func resolved(_ request: HTTPRequest, peer: IPAddress) -> HTTPRequest {
        guard !settings.trustedProxies.isEmpty, ledger.isTrustedProxy(peer) else { return request }
        var request = request
        request.remoteAddress = ForwardedClient.address(
            peer: peer,
            forwardedFor: request.headerValues("x-forwarded-for"),
            trusted: settings.trustedProxies
        )
        if let proto = request.headerBytes("x-forwarded-proto") {
            request.isTLS = equalsLowercased(proto, "https")
        }
        return request
    }

    /// Counts bytes of a body being received; false if the server holds too many already.
    func reserveBody(_ bytes: Int) -> Bool {
        let (_, now) = bodyBytesInFlight.add(bytes, ordering: .relaxed)
        guard now > settings.bodyBytesInFlightMax else { return true }
        bodyBytesInFlight.subtract(bytes, ordering: .relaxed)
        return false
    }

    func releaseBody(_ bytes: Int) {
        if bytes > 0 { bodyBytesInFlight.subtract(bytes, ordering: .relaxed) }
    }

    var bodyBytesHeld: Int { bodyBytesInFlight.load(ordering: .relaxed) }

    /// Counts a large answer for as long as the holder lives; nil if clients already make the
    /// server hold too many bytes of such answers.
    func holdAnswer(_ bytes: Int) -> AnswerHold? {
        let (_, now) = answerBytesInFlight.add(bytes, ordering: .relaxed)
        let hold = AnswerHold(bytes, self)
        return now > settings.answerBytesInFlightMax ? nil : hold
    }

    fileprivate func releaseAnswer(_ bytes: Int) {
        answerBytesInFlight.subtract(bytes, ordering: .relaxed)
    }

    var answerBytesHeld: Int { answerBytesInFlight.load(ordering: .relaxed) }

    func noteUnanswered(_ template: String) {
        logger.error("a handler dropped its request", metadata: ["route": "\(template)"])
    }
}

/// The bytes of one large answer, counted until its connection lets go of them.
final class AnswerHold: Sendable {
    private let bytes: Int
    private let service: ServiceCore

    fileprivate init(_ bytes: Int, _ service: ServiceCore) {
        self.bytes = bytes
        self.service = service
    }

    deinit { service.releaseAnswer(bytes) }
}

/// An answer with the bytes it holds, if they are many.
struct HeldResponse {
    let response: HTTPResponse
    let hold: AnswerHold?

    /// The response, or a refusal in its place when too many bytes of others wait to be taken.
    /// - Parameter promptBytes: what is written at once, and not counted.
    init(_ response: HTTPResponse, above promptBytes: Int, _ service: ServiceCore) {
        guard response.body.count > promptBytes else {
            self.response = response
            hold = nil
            return
        }
        hold = service.holdAnswer(response.body.count)
        self.response = hold == nil ? service.response(to: .overloaded) : response
    }
}
