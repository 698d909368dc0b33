import Logging
import NIOHPACK
import Synchronization

/// What every connection of a server needs and nobody changes after the start.
final class ServiceCore: Sendable {
    let settings: HTTPSettings
    private let firstRouter: Router<HTTPRoute>
    private let lateRouter = AtomicLazyReference<Late<Router<HTTPRoute>>>()
    private let refusal = AtomicLazyReference<Late<Refusal>>()
    let errorBody: @Sendable (HTTPFault) -> [UInt8]
    let accessLog: (@Sendable (AccessRecord) -> Void)?
    let logger: Logger
    let ledger: ConnectionLedger
    let commonFieldBytes: [UInt8]
    /// The same for HTTP/2.
    let commonHeaders: HPACKHeaders
    let draining = Atomic<Bool>(false)
    private let bodies: ByteBudget
    private let answers: ByteBudget

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
        firstRouter = router
        self.errorBody = errorBody
        self.accessLog = accessLog
        self.logger = logger
        ledger = ConnectionLedger(settings)
        bodies = ByteBudget(
            totalMax: settings.bodyBytesInFlightMax,
            shareMax: settings.bodyBytesPerAddressMax
        )
        answers = ByteBudget(
            totalMax: settings.answerBytesInFlightMax,
            shareMax: settings.answerBytesPerAddressMax
        )
        var fields: [UInt8] = []
        for header in settings.commonHeaders { FieldWriter.append(header, to: &fields) }
        commonFieldBytes = fields
        commonHeaders = HPACKHeaders(
            settings.commonHeaders.map {
                ($0.name.lowercased(), FieldWriter.sanitized($0.value))
            }
        )
    }

    /// Set once, read by every request.
    private final class Late<Value: Sendable>: Sendable {
        let value: Value
        init(_ value: Value) { self.value = value }
    }

    private struct Refusal: Sendable {
        let templates: Set<String>
        let response: HTTPResponse
    }

    private var router: Router<HTTPRoute> { lateRouter.load()?.value ?? firstRouter }

    func serve(_ router: Router<HTTPRoute>) { _ = lateRouter.storeIfNil(Late(router)) }

    func refuse(allBut templates: Set<String>, with response: HTTPResponse) {
        _ = refusal.storeIfNil(Late(Refusal(templates: templates, response: response)))
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
            if let refusal = refusal.load()?.value, !refusal.templates.contains(template) {
                return .answer(refusal.response, request)
            }
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
        var response = HTTPResponse(status: fault.status, json: errorBody(fault))
        if fault == .overloaded { response.headers.append(HTTPHeader("Retry-After", "2")) }
        return response
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
    func reserveBody(_ bytes: Int, from address: IPAddress) -> Bool {
        bodies.take(bytes, for: address, hasShare: hasShare(address))
    }

    func releaseBody(_ intake: BodyIntake) {
        bodies.giveBack(intake.reserved, for: intake.request.remoteAddress)
    }

    var bodyBytesHeld: Int { bodies.held }

    /// Counts a large answer for as long as the holder lives; nil if clients already make the
    /// server hold too many bytes of such answers.
    func holdAnswer(_ bytes: Int, to address: IPAddress) -> AnswerHold? {
        guard answers.take(bytes, for: address, hasShare: hasShare(address)) else { return nil }
        return AnswerHold(bytes, to: address, answers)
    }

    var answerBytesHeld: Int { answers.held }

    private func hasShare(_ address: IPAddress) -> Bool {
        !address.isLoopback && !ledger.isTrustedProxy(address)
    }

    func noteUnanswered(_ template: String) {
        logger.error("a handler dropped its request", metadata: ["route": "\(template)"])
    }
}

/// The bytes of one large answer, counted until its connection lets go of them.
final class AnswerHold: Sendable {
    private let bytes: Int
    private let address: IPAddress
    private let budget: ByteBudget

    fileprivate init(_ bytes: Int, to address: IPAddress, _ budget: ByteBudget) {
        self.bytes = bytes
        self.address = address
        self.budget = budget
    }

    deinit { budget.giveBack(bytes, for: address) }
}

/// An answer with the bytes it holds, if they are many.
struct HeldResponse {
    let response: HTTPResponse
    let hold: AnswerHold?

    /// The response, or a refusal in its place when too many bytes of others wait to be taken.
    /// - Parameter promptBytes: what is written at once, and not counted.
    init(
        _ response: HTTPResponse,
        above promptBytes: Int,
        to address: IPAddress,
        _ service: ServiceCore
    ) {
        guard response.body.count > promptBytes else {
            self.response = response
            hold = nil
            return
        }
        hold = service.holdAnswer(response.body.count, to: address)
        self.response = hold == nil ? service.response(to: .overloaded) : response
    }
}
