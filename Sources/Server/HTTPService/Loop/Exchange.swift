import NIOCore
import Synchronization

/// A connection that carries exchanges.
protocol ExchangeCarrier: AnyObject {
    /// Writes the answer; called on the loop, once per exchange, if it is still open.
    func send(_ response: HTTPResponse, for exchange: Exchange)
    /// No answer will come, and nobody waits for one.
    func abandon(_ exchange: Exchange)
}

/// One request that a handler is answering, as its connection sees it. Fields are confined to the
/// loop unless they are in `shared`; that is what `@unchecked` stands for.
final class Exchange: WheelEntry, @unchecked Sendable {
    typealias Callback = @Sendable () -> Void

    struct Callbacks {
        var onClose: Callback?
        var onDeadline: Callback?
    }

    struct Shared {
        var isAnswered = false
        var isClosed = false
        var callbacks = Callbacks()

        mutating func takeCallbacks() -> Callbacks {
            defer { callbacks = Callbacks() }
            return callbacks
        }
    }

    let context: LoopContext
    let mailbox: LoopMailbox
    /// 0 on HTTP/1.
    let streamID: Int
    let method: HTTPMethod
    let template: String
    let requestBodyBytes: Int
    let remoteAddress: IPAddress
    let start: NIODeadline
    let keepsAlive: Bool
    var wheelPlace = WheelPlace()
    /// Nil once answered or cut off.
    private var carrier: (any ExchangeCarrier)?
    private var deadlineTick: Int?
    private let shared = Mutex(Shared())

    init(
        _ request: borrowing HTTPRequest,
        on carrier: any ExchangeCarrier,
        context: LoopContext,
        streamID: Int,
        keepsAlive: Bool
    ) {
        self.context = context
        mailbox = context.mailbox
        self.streamID = streamID
        method = request.method
        template = request.template
        requestBodyBytes = request.body.count
        remoteAddress = request.remoteAddress
        start = .now()
        self.keepsAlive = keepsAlive
        self.carrier = carrier
        bump(context.counters.requests)
        bump(context.counters.requestsInFlight)
    }

    // MARK: any thread

    /// False if the exchange already has its answer.
    func claim() -> Bool {
        let callbacks = shared.withLock { shared -> Callbacks? in
            guard !shared.isAnswered else { return nil }
            shared.isAnswered = true
            return shared.takeCallbacks()
        }
        return letGo(callbacks) != nil
    }

    var isClosed: Bool { shared.withLock { $0.isClosed } }

    func setOnClose(_ body: @escaping Callback) {
        let (callNow, old) = shared.withLock { shared -> (Bool, Callback?) in
            guard !shared.isAnswered else { return (false, nil) }
            guard !shared.isClosed else { return (true, nil) }
            let old = shared.callbacks.onClose
            shared.callbacks.onClose = body
            return (false, old)
        }
        letGo(old)
        if callNow { body() }
    }

    func setDeadline(milliseconds: Int, _ body: @escaping Callback) {
        let (isOpen, old) = shared.withLock { shared -> (Bool, Callback?) in
            guard !shared.isAnswered else { return (false, nil) }
            let old = shared.callbacks.onDeadline
            shared.callbacks.onDeadline = body
            return (true, old)
        }
        letGo(old)
        guard isOpen else { return }
        if mailbox.eventLoop.inEventLoop {
            schedule(afterMilliseconds: milliseconds)
        } else {
            mailbox.post(.init(exchange: self, content: .deadline(milliseconds: milliseconds)))
        }
    }

    /// Lets go of callbacks after the lock: they may hold the last of a responder, whose end takes
    /// the lock again. Without being told, the optimizer ends a dead value's life inside.
    @discardableResult
    private func letGo<Value>(_ value: Value) -> Value {
        withExtendedLifetime(value) { value }
    }

    // MARK: on the loop

    func deliver(_ response: HTTPResponse) {
        guard let carrier else { return }
        finish()
        carrier.send(response, for: self)
    }

    /// The handler let go of its responder without an answer.
    func deliverFault() {
        guard let carrier else { return }
        if isClosed {
            finish()
            return carrier.abandon(self)
        }
        context.service.noteUnanswered(template)
        deliver(context.service.response(to: .unanswered))
    }

    func schedule(afterMilliseconds milliseconds: Int) {
        guard carrier != nil else { return }
        // One tick more: the current one is already partly gone, and early would be wrong.
        let tick = context.wheel.tick + context.ticks(milliseconds) + 1
        deadlineTick = tick
        context.wheel.schedule(self, at: tick)
    }

    func wake(at tick: Int) -> Int? {
        guard carrier != nil, let deadlineTick else { return nil }
        guard tick >= deadlineTick else { return deadlineTick }
        self.deadlineTick = nil
        let body = shared.withLock { shared in
            let body = shared.callbacks.onDeadline
            shared.callbacks.onDeadline = nil
            return body
        }
        body?()
        return self.deadlineTick
    }

    /// The client is gone, or at least has closed its sending side.
    func noteClosed() {
        let body = shared.withLock { shared in
            shared.isClosed = true
            let body = shared.callbacks.onClose
            shared.callbacks.onClose = nil
            return body
        }
        body?()
    }

    /// The connection is gone: no answer can be sent any more.
    func cutOff() {
        guard carrier != nil else { return }
        finish()
        noteClosed()
        // A deadline nobody will reach must not keep its responder alive.
        letGo(shared.withLock { $0.takeCallbacks() })
    }

    private func finish() {
        carrier = nil
        context.wheel.remove(self)
        bump(context.counters.requestsInFlight, by: -1)
    }
}

extension Exchange {
    func log(_ response: HTTPResponse, isHTTP2: Bool, isTLS: Bool) {
        guard let accessLog = context.service.accessLog else { return }
        accessLog(
            AccessRecord(
                method: method,
                template: template,
                status: response.status,
                requestBodyBytes: requestBodyBytes,
                responseBodyBytes: response.body.count,
                durationNanoseconds: NIODeadline.now().uptimeNanoseconds
                    - start.uptimeNanoseconds,
                remoteAddress: remoteAddress,
                isHTTP2: isHTTP2,
                isTLS: isTLS
            )
        )
    }
}

extension AccessRecord {
    /// A request that no handler saw.
    init(refused request: HTTPRequest, _ response: HTTPResponse, isHTTP2: Bool, isTLS: Bool) {
        self.init(
            method: request.method,
            template: request.template,
            status: response.status,
            requestBodyBytes: 0,
            responseBodyBytes: response.body.count,
            durationNanoseconds: 0,
            remoteAddress: request.remoteAddress,
            isHTTP2: isHTTP2,
            isTLS: isTLS
        )
    }
}
