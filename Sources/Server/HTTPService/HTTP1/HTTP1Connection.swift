import NIOCore

/// One HTTP/1 connection: parser, limits, order of answers and writing in one handler, since an
/// idle connection with a long poll should cost little more than its socket.
///
/// Half-closed clients: a client that shuts down its sending side may still want its answer
/// (`printf … | nc -N`), but a long poll must learn that the client went away, and both look the
/// same. So the end of input closes the exchange for its handler (`onClose` fires) and the answer,
/// if one comes soon, is sent all the same.
final class HTTP1Connection: WheelEntry {
    enum Stage {
        /// Waits for a head or reads one. Becomes any of the others.
        case head
        /// Reads a body. Becomes `answering`, `head` or `ending`.
        case body(BodyIntake)
        /// A handler has the request; what the client sends meanwhile is kept. Becomes `writing`,
        /// `head` or `ending`.
        case answering(Exchange)
        /// Writes a large body as the client takes it. Becomes `head` or `ending`.
        case writing(Outflow)
        /// The last answer is written; what still comes is dropped. Becomes `closed`.
        case ending(bytesDropped: Int)
        case closed
    }

    /// The rest of a large answer.
    struct Outflow {
        let body: [UInt8]
        var offset: Int
        let keepsAlive: Bool
    }

    let context: LoopContext
    let peer: IPAddress
    let isTLS: Bool
    var wheelPlace = WheelPlace()
    var channelContext: ChannelHandlerContext?
    var stage = Stage.head
    /// When the stage began or last made progress.
    var since: Int
    /// Bytes that came and are not used yet, from `inboxStart`.
    var inbox: [UInt8] = []
    var inboxStart = 0
    var scanner = HeadScanner()
    private var isWorking = false
    private var isFresh = true
    private var inputClosed = false
    private var readIsHeld = false
    private var flushIsDue = false

    init(context: LoopContext, peer: IPAddress, isTLS: Bool) {
        self.context = context
        self.peer = peer
        self.isTLS = isTLS
        since = context.wheel.tick
    }

    var settings: HTTPSettings { context.settings }
    private var isClosed: Bool { if case .closed = stage { true } else { false } }

    // MARK: work

    /// Goes as far as the bytes at hand allow.
    private func work() {
        guard !isWorking else { return }
        isWorking = true
        while step() {}
        isWorking = false
        compactInbox()
        settle()
    }

    private func step() -> Bool {
        switch stage {
        case .head: readHead()
        case .body(let intake): readBody(intake)
        case .answering, .writing, .ending, .closed: false
        }
    }

    /// After the work: arms the time-out of what is unfinished, ends what cannot go on.
    private func settle() {
        switch stage {
        case .head:
            if inputClosed, channelContext?.channel.isWritable == true {
                return end(lingers: false, flushed: nil)
            }
            if !inbox.isEmpty || isFresh { armTimeout() }
        case .body:
            if inputClosed { close() }
        case .answering, .writing, .ending, .closed:
            break
        }
        resumeReading()
    }

    private func compactInbox() {
        if inboxStart == inbox.count {
            // An idle connection holds no buffer.
            inbox = []
        } else if inboxStart > 0 {
            inbox.removeFirst(inboxStart)
        }
        inboxStart = 0
    }

    private func readHead() -> Bool {
        guard inboxStart < inbox.count, let channelContext, channelContext.channel.isWritable
        else { return false }
        if scanner.isFresh {
            // RFC 9112 §2.2: one empty line before a request is forgiven.
            if inbox[inboxStart] == 0x0d {
                guard inbox.count - inboxStart > 1 else { return false }
                if inbox[inboxStart + 1] == 0x0a { inboxStart += 2 }
            }
            since = context.wheel.tick
        }
        isFresh = false
        let outcome = inbox.withUnsafeBufferPointer { bytes in
            scanner.scan(UnsafeBufferPointer(rebasing: bytes[inboxStart...]), context.settings)
        }
        switch outcome {
        case .incomplete:
            return false
        case .failed(let fault):
            refuse(fault)
            return false
        case .complete(let count):
            scanner = HeadScanner()
            begin(takeInbox(count))
            return true
        }
    }

    /// Hands the whole inbox over if the head is all there is, as it mostly is.
    private func takeInbox(_ count: Int) -> [UInt8] {
        if inboxStart == 0, count == inbox.count {
            let head = inbox
            inbox = []
            return head
        }
        let head = Array(inbox[inboxStart..<(inboxStart + count)])
        inboxStart += count
        return head
    }

    private func begin(_ head: [UInt8]) {
        do throws(HTTPFault) {
            var parsed = try HeadParser.parse(head, from: peer, isTLS: isTLS)
            parsed.request = context.service.resolved(parsed.request, peer: peer)
            try begin(parsed)
        } catch {
            refuse(error)
        }
    }

    private func begin(_ parsed: ParsedHead) throws(HTTPFault) {
        let plan = context.service.plan(parsed.request)
        if case .none = parsed.framing { return carryOut(plan, keepsAlive: parsed.keepsAlive) }
        var bytesMax = settings.bodyBytesMax
        let purpose: BodyIntake.Purpose
        let request: HTTPRequest
        switch plan {
        case .handle(let route, let planned):
            purpose = .handle(route)
            request = planned
            if let own = route.bodyBytesMax { bytesMax = own }
        case .answer(let response, let planned):
            // Who waits for leave to send the body gets the answer instead.
            guard !parsed.expectsContinue else { return answer(response, planned, lingers: true) }
            purpose = .refuse(response)
            request = planned
        }
        if case .length(let length) = parsed.framing, length > bytesMax {
            if case .refuse(let response) = purpose {
                return answer(response, request, lingers: true)
            }
            throw .bodyTooLarge(bytesMax: bytesMax)
        }
        let intake = BodyIntake(
            request,
            purpose,
            framing: parsed.framing,
            bytesMax: bytesMax,
            keepsAlive: parsed.keepsAlive
        )
        stage = .body(intake)
        since = context.wheel.tick
        if parsed.expectsContinue, inboxStart == inbox.count { writeContinue() }
    }

    private func readBody(_ intake: BodyIntake) -> Bool {
        do throws(HTTPFault) {
            guard try intake.take(inbox, at: &inboxStart, context.service) else {
                armTimeout()
                return false
            }
        } catch {
            context.service.releaseBody(intake.reserved)
            refuse(error, template: intake.request.template)
            return false
        }
        context.service.releaseBody(intake.reserved)
        switch intake.purpose {
        case .handle(let route):
            var request = intake.request
            request.body = intake.takeBody()
            carryOut(.handle(route, request), keepsAlive: intake.keepsAlive)
        case .refuse(let response):
            carryOut(.answer(response, intake.request), keepsAlive: intake.keepsAlive)
        }
        return true
    }

    private func carryOut(_ plan: ServiceCore.Plan, keepsAlive: Bool) {
        switch plan {
        case .handle(let route, let request):
            let exchange = Exchange(
                request,
                on: self,
                context: context,
                streamID: 0,
                keepsAlive: keepsAlive
            )
            stage = .answering(exchange)
            since = context.wheel.tick
            if inputClosed { noteInputClosed(exchange) }
            route.handle(request, Responder(exchange))
        case .answer(let response, let request):
            bump(context.counters.responsesRefused)
            log(response, request)
            write(response, method: request.method, keepsAlive: keepsAlive)
        }
    }

    private func noteInputClosed(_ exchange: Exchange) {
        since = context.wheel.tick
        context.wheel.schedule(self, at: dueTick())
        exchange.noteClosed()
    }

    // MARK: answers

    /// Refuses bytes that cannot be trusted, or a request too large to read: the last answer.
    private func refuse(_ fault: HTTPFault, template: String = "") {
        let response = context.service.response(to: fault)
        bump(context.counters.responsesRefused)
        logRefusal(response, template: template)
        write(response, method: .get, keepsAlive: false, lingers: true)
    }

    private func answer(_ response: HTTPResponse, _ request: HTTPRequest, lingers: Bool) {
        bump(context.counters.responsesRefused)
        log(response, request)
        write(response, method: request.method, keepsAlive: false, lingers: lingers)
    }

    private func writeContinue() {
        guard let channelContext else { return }
        var buffer = channelContext.channel.allocator.buffer(capacity: 32)
        buffer.writeStaticString("HTTP/1.1 100 Continue\r\n\r\n")
        channelContext.write(wrapOutboundOut(buffer), promise: nil)
        flushAfterwards()
    }

    private static let chunkBytes = 64 * 1024

    private func write(
        _ response: HTTPResponse,
        method: HTTPMethod,
        keepsAlive: Bool,
        lingers: Bool = false
    ) {
        guard let channelContext else { return }
        let keepsAlive = keepsAlive && !context.service.isDraining
        let body = response.allowsBody && method != .head ? response.body.count : 0
        let first = min(body, Self.chunkBytes)
        var buffer = ResponseWriter.head(
            response,
            keepsAlive: keepsAlive,
            fixedFields: context.fixedFields,
            room: first,
            channelContext.channel.allocator
        )
        if first == response.body.count {
            buffer.writeBytes(response.body)
        } else if first > 0 {
            buffer.writeBytes(response.body[..<first])
        }
        bump(context.counters.bytesSent, by: buffer.readableBytes)
        since = context.wheel.tick
        guard body == first else {
            channelContext.write(wrapOutboundOut(buffer), promise: nil)
            stage = .writing(Outflow(body: response.body, offset: first, keepsAlive: keepsAlive))
            armTimeout()
            flushAfterwards()
            return pump()
        }
        if keepsAlive {
            channelContext.write(wrapOutboundOut(buffer), promise: nil)
            goOn()
        } else {
            let flushed = channelContext.eventLoop.makePromise(of: Void.self)
            channelContext.write(wrapOutboundOut(buffer), promise: flushed)
            end(lingers: lingers, flushed: flushed)
        }
    }

    /// Writes more of a large body while the client takes it.
    private func pump() {
        guard let channelContext else { return }
        while case .writing(var outflow) = stage, channelContext.channel.isWritable {
            let end = min(outflow.offset + Self.chunkBytes, outflow.body.count)
            let buffer = channelContext.channel.allocator.buffer(
                bytes: outflow.body[outflow.offset..<end]
            )
            outflow.offset = end
            since = context.wheel.tick
            bump(context.counters.bytesSent, by: buffer.readableBytes)
            flushAfterwards()
            if end < outflow.body.count {
                stage = .writing(outflow)
                channelContext.write(wrapOutboundOut(buffer), promise: nil)
            } else if outflow.keepsAlive {
                channelContext.write(wrapOutboundOut(buffer), promise: nil)
                return goOn()
            } else {
                let flushed = channelContext.eventLoop.makePromise(of: Void.self)
                channelContext.write(wrapOutboundOut(buffer), promise: flushed)
                return self.end(lingers: false, flushed: flushed)
            }
        }
    }

    /// The answer is out: on to the next request.
    private func goOn() {
        stage = .head
        since = context.wheel.tick
        context.wheel.schedule(self, at: dueTick())
        flushAfterwards()
        work()
    }

    /// The last answer is written: waits until it is flushed, then closes.
    ///
    /// - Parameter lingers: whether bytes of the client may be under way. Closing at once would
    ///   reset the connection and could destroy the answer before the client has read it.
    private func end(lingers: Bool, flushed: EventLoopPromise<Void>?) {
        guard let channelContext else { return }
        stage = .ending(bytesDropped: 0)
        inbox = []
        inboxStart = 0
        since = context.wheel.tick
        armTimeout()
        var promise = flushed
        if promise == nil {
            promise = channelContext.eventLoop.makePromise(of: Void.self)
            let nothing = channelContext.channel.allocator.buffer(capacity: 0)
            channelContext.write(wrapOutboundOut(nothing), promise: promise)
        }
        promise?.futureResult.assumeIsolated().whenComplete { _ in
            guard case .ending = self.stage, let channelContext = self.channelContext else { return }
            if lingers, !self.inputClosed {
                channelContext.close(mode: .output, promise: nil)
            } else {
                self.close()
            }
        }
        flushAfterwards()
    }

    func close() {
        channelContext?.close(promise: nil)
    }

    private func flushAfterwards() {
        guard !flushIsDue else { return }
        flushIsDue = true
        context.flushSoon(self)
    }

    // MARK: time-outs

    private func armTimeout() {
        context.wheel.schedule(self, at: dueTick())
    }

    private func dueTick() -> Int {
        let milliseconds: Int
        switch stage {
        case .head:
            milliseconds =
                inbox.isEmpty && !isFresh
                ? settings.idleTimeoutMilliseconds : settings.headTimeoutMilliseconds
        case .body(let intake):
            let earned = intake.received * 1000 / max(settings.bodyBytesPerSecondMin, 1)
            milliseconds = settings.bodyGraceMilliseconds + earned
        case .answering:
            guard inputClosed else { return .max }
            milliseconds = settings.halfClosedMilliseconds
        case .writing:
            milliseconds = settings.writeStallMilliseconds
        case .ending:
            milliseconds = settings.lingerMilliseconds
        case .closed:
            return .max
        }
        return since + context.ticks(milliseconds) + 1
    }

    func wake(at tick: Int) -> Int? {
        let due = dueTick()
        guard tick >= due else { return due }
        bump(context.counters.timeouts)
        since = tick
        switch stage {
        case .head where !inbox.isEmpty && channelContext?.channel.isWritable == true:
            refuse(.tooSlow)
        case .body(let intake):
            context.service.releaseBody(intake.reserved)
            refuse(.tooSlow, template: intake.request.template)
        case .head, .answering, .writing, .ending:
            close()
        case .closed:
            return nil
        }
        return isClosed ? nil : dueTick()
    }

    func drain() {
        if case .head = stage, inbox.isEmpty { end(lingers: false, flushed: nil) }
    }

    func terminate() {
        close()
    }
}

extension HTTP1Connection: ExchangeCarrier, Flushable {
    func send(_ response: HTTPResponse, for exchange: Exchange) {
        guard case .answering(let current) = stage, current === exchange else { return }
        exchange.log(response, isHTTP2: false, isTLS: isTLS)
        context.batch {
            write(response, method: exchange.method, keepsAlive: exchange.keepsAlive)
        }
    }

    func abandon(_ exchange: Exchange) {
        close()
    }

    func flushWritten() {
        flushIsDue = false
        channelContext?.flush()
    }
}

extension HTTP1Connection: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func handlerAdded(context channelContext: ChannelHandlerContext) {
        self.channelContext = channelContext
        context.wheel.schedule(self, at: dueTick())
    }

    func handlerRemoved(context channelContext: ChannelHandlerContext) {
        finish()
    }

    func channelInactive(context channelContext: ChannelHandlerContext) {
        finish()
        channelContext.fireChannelInactive()
    }

    private func finish() {
        guard !isClosed else { return }
        let last = stage
        stage = .closed
        inbox = []
        channelContext = nil
        context.wheel.remove(self)
        switch last {
        case .answering(let exchange): context.batch { exchange.cutOff() }
        case .body(let intake): context.service.releaseBody(intake.reserved)
        default: break
        }
    }

    func channelRead(context channelContext: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        bump(context.counters.bytesReceived, by: buffer.readableBytes)
        if case .ending(let dropped) = stage {
            stage = .ending(bytesDropped: dropped + buffer.readableBytes)
            if dropped + buffer.readableBytes > settings.lingerBytesMax { close() }
            return
        }
        inbox.append(contentsOf: buffer.readableBytesView)
        context.batch { work() }
    }

    func userInboundEventTriggered(context channelContext: ChannelHandlerContext, event: Any) {
        guard case .some(.inputClosed) = event as? ChannelEvent else {
            return channelContext.fireUserInboundEventTriggered(event)
        }
        inputClosed = true
        context.batch {
            switch stage {
            case .answering(let exchange): noteInputClosed(exchange)
            case .ending: close()
            case .head, .body: work()
            case .writing, .closed: break
            }
        }
    }

    func channelWritabilityChanged(context channelContext: ChannelHandlerContext) {
        if channelContext.channel.isWritable {
            context.batch {
                pump()
                work()
            }
        }
        channelContext.fireChannelWritabilityChanged()
    }

    /// Stops reading when a client sends far ahead of the answers it waits for.
    func read(context channelContext: ChannelHandlerContext) {
        if holdsReads { readIsHeld = true } else { channelContext.read() }
    }

    private var holdsReads: Bool {
        if case .ending = stage { return false }
        return inbox.count - inboxStart > settings.pipelineBytesMax
    }

    private func resumeReading() {
        guard readIsHeld, !holdsReads else { return }
        readIsHeld = false
        channelContext?.read()
    }

    func errorCaught(context channelContext: ChannelHandlerContext, error: any Error) {
        // Resets and broken TLS records are the peer's affair; there is nothing to tell it.
        channelContext.close(promise: nil)
    }
}

extension HTTP1Connection {
    private func log(_ response: HTTPResponse, _ request: HTTPRequest) {
        context.service.accessLog?(
            AccessRecord(refused: request, response, isHTTP2: false, isTLS: isTLS)
        )
    }

    private func logRefusal(_ response: HTTPResponse, template: String) {
        context.service.accessLog?(
            AccessRecord(
                method: .other,
                template: template,
                status: response.status,
                requestBodyBytes: 0,
                responseBodyBytes: response.body.count,
                durationNanoseconds: 0,
                remoteAddress: peer,
                isHTTP2: false,
                isTLS: isTLS
            )
        )
    }
}
