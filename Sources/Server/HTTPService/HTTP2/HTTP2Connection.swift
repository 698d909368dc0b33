import NIOCore
import NIOHPACK
import NIOHTTP2

/// One HTTP/2 connection. Streams are entries of a table rather than channels of their own: a
/// request costs its frames and no pipeline.
final class HTTP2Connection: WheelEntry {
    /// A stream whose request or answer is under way.
    final class Stream {
        enum Stage {
            /// Reads the body.
            case body(BodyIntake)
            case answering(Exchange)
            /// Writes an answer as the client takes it.
            case writing(body: [UInt8], AnswerHold?, offset: Int, thenResets: Bool)
        }

        let id: HTTP2StreamID
        var stage: Stage
        /// Of the answer that is being written.
        var pace: Pace

        init(_ id: HTTP2StreamID, _ stage: Stage, _ context: LoopContext) {
            self.id = id
            self.stage = stage
            let stall = context.settings.writeStallMilliseconds
            pace = Pace(grace: stall, stall: stall, context)
        }
    }

    private let context: LoopContext
    private let peer: IPAddress
    var wheelPlace = WheelPlace()
    private var channelContext: ChannelHandlerContext?
    private var streams: [HTTP2StreamID: Stream] = [:]
    private var lastStreamID = HTTP2StreamID.rootStream
    private var since: Int
    private var isClosing = false
    private var flushIsDue = false

    private var settings: HTTPSettings { context.settings }

    init(context: LoopContext, peer: IPAddress) {
        self.context = context
        self.peer = peer
        since = context.wheel.tick
    }

    /// Adds the frame codec and the connection behind it.
    static func install(
        in pipeline: ChannelPipeline.SynchronousOperations,
        loop: LoopContext,
        peer: IPAddress
    ) throws {
        let settings = loop.settings
        var connection = NIOHTTP2Handler.ConnectionConfiguration()
        connection.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: settings.streamsMax),
            HTTP2Setting(
                parameter: .maxHeaderListSize,
                // HPACK counts 32 bytes more for each field; the exact limits are checked here.
                value: settings.requestLineBytesMax + settings.headerBytesMax
                    + (settings.headerCountMax + 8) * 32
            ),
            HTTP2Setting(parameter: .initialWindowSize, value: settings.streamWindowBytes),
        ]
        connection.maximumBufferedControlFrames = 1_000
        var stream = NIOHTTP2Handler.StreamConfiguration()
        let window = TimeAmount.milliseconds(Int64(settings.streamResetWindowMilliseconds))
        stream.streamResetFrameRateLimit.maximumCount = settings.streamResetsMax
        stream.streamResetFrameRateLimit.windowLength = window
        stream.streamErrorRateLimit.maximumCount = settings.streamResetsMax
        stream.streamErrorRateLimit.windowLength = window
        let codec = NIOHTTP2Handler(
            mode: .server,
            connectionConfiguration: connection,
            streamConfiguration: stream
        )
        try pipeline.addHandler(codec)
        try pipeline.addHandler(HTTP2Connection(context: loop, peer: peer))
    }

    // MARK: requests

    private func receive(_ headers: HTTP2Frame.FramePayload.Headers, _ id: HTTP2StreamID) {
        if let stream = streams[id] {
            // Trailers: they end the body, and nobody asks what they say.
            if case .body(let intake) = stream.stage, headers.endStream { endBody(intake, stream) }
            return
        }
        // Frames of a stream that was refused or answered may still be under way.
        guard id > lastStreamID, !isClosing else { return }
        lastStreamID = id
        do throws(HTTPFault) {
            let parsed = try HTTP2Head.parse(headers.headers, from: peer, settings)
            let request = context.service.resolved(parsed.request, peer: peer)
            try begin(request, parsed, endsStream: headers.endStream, id)
        } catch {
            refuse(error, id, hasMore: !headers.endStream)
        }
    }

    private func begin(
        _ request: HTTPRequest,
        _ parsed: HTTP2Head,
        endsStream: Bool,
        _ id: HTTP2StreamID
    ) throws(HTTPFault) {
        switch context.service.plan(request) {
        case .answer(let response, let request):
            bump(context.counters.responsesRefused)
            context.service.accessLog?(
                AccessRecord(refused: request, response, isHTTP2: true, isTLS: request.isTLS)
            )
            write(response, method: request.method, id, hasMore: !endsStream)
        case .handle(let route, let request):
            if endsStream { return carryOut(route, request, id) }
            let bytesMax = route.bodyBytesMax ?? settings.bodyBytesMax
            if let length = parsed.contentLength, length > bytesMax {
                throw .bodyTooLarge(bytesMax: bytesMax)
            }
            let intake = BodyIntake(
                request,
                .handle(route),
                framing: .length(bytesMax),
                bytesMax: bytesMax,
                keepsAlive: true,
                context
            )
            let stream = Stream(id, .body(intake), context)
            streams[id] = stream
            armTimeout(stream)
        }
    }

    private func receive(_ data: HTTP2Frame.FramePayload.Data, _ id: HTTP2StreamID) {
        guard let stream = streams[id], case .body(let intake) = stream.stage else { return }
        guard case .byteBuffer(let buffer) = data.data else { return }
        let fits = intake.received + buffer.readableBytes <= intake.bytesMax
        do throws(HTTPFault) {
            guard fits else { throw .bodyTooLarge(bytesMax: intake.bytesMax) }
            var index = 0
            _ = try intake.take(
                Array(buffer.readableBytesView),
                at: &index,
                isLast: data.endStream,
                context
            )
        } catch {
            context.service.releaseBody(intake)
            streams[id] = nil
            return refuse(error, id, hasMore: !data.endStream, template: intake.request.template)
        }
        if data.endStream { endBody(intake, stream) }
    }

    private func endBody(_ intake: BodyIntake, _ stream: Stream) {
        context.service.releaseBody(intake)
        guard case .handle(let route) = intake.purpose else { return }
        var request = intake.request
        request.body = intake.takeBody()
        carryOut(route, request, stream.id)
    }

    private func carryOut(_ route: HTTPRoute, _ request: HTTPRequest, _ id: HTTP2StreamID) {
        let exchange = Exchange(
            request,
            on: self,
            context: context,
            streamID: Int(id),
            keepsAlive: true
        )
        streams[id] = Stream(id, .answering(exchange), context)
        route.handle(request, Responder(exchange))
    }

    // MARK: answers

    private func refuse(
        _ fault: HTTPFault,
        _ id: HTTP2StreamID,
        hasMore: Bool,
        template: String = ""
    ) {
        let response = context.service.response(to: fault)
        bump(context.counters.responsesRefused)
        context.service.accessLog?(
            AccessRecord(
                method: .other,
                template: template,
                status: response.status,
                requestBodyBytes: 0,
                responseBodyBytes: response.body.count,
                durationNanoseconds: 0,
                remoteAddress: peer,
                isHTTP2: true,
                isTLS: true
            )
        )
        write(response, method: .get, id, hasMore: hasMore)
    }

    private static let chunkBytes = 64 * 1024
    /// Bodies up to this size are left to the codec, which keeps them for each of many streams.
    private static let promptBytes = 4 * 1024

    /// - Parameter hasMore: whether the client is still sending: it is told to stop, without
    ///   blame (RFC 9113 §8.1).
    private func write(
        _ response: HTTPResponse,
        _ hold: AnswerHold? = nil,
        method: HTTPMethod,
        _ id: HTTP2StreamID,
        hasMore: Bool
    ) {
        let hasBody = response.allowsBody && method != .head && !response.body.isEmpty
        let headers = HTTP2Head.headers(response, context)
        write(.headers(.init(headers: headers, endStream: !hasBody)), id)
        if hasBody, !hasMore, !isClosing, response.body.count <= Self.promptBytes {
            writeData(response.body[...], id, isLast: true)
        } else if hasBody {
            // A reset or a close would overtake the body, which waits for the client's window.
            let stage = Stream.Stage.writing(
                body: response.body,
                hold,
                offset: 0,
                thenResets: hasMore
            )
            let stream = Stream(id, stage, context)
            streams[id] = stream
            armTimeout(stream)
            return pump(stream)
        }
        if hasMore { write(.rstStream(.noError), id) }
        streams[id] = nil
        settle()
    }

    private func writeData(
        _ bytes: ArraySlice<UInt8>,
        _ id: HTTP2StreamID,
        isLast: Bool,
        promise: EventLoopPromise<Void>? = nil
    ) {
        guard let channelContext else { return }
        bump(context.counters.bytesSent, by: bytes.count)
        let buffer = channelContext.channel.allocator.buffer(bytes: bytes)
        write(.data(.init(data: .byteBuffer(buffer), endStream: isLast)), id, promise: promise)
    }

    /// Writes one piece; the next follows when flow control has let this one out, so that a slow
    /// client holds one piece and not the copy of a whole body.
    private func pump(_ stream: Stream) {
        guard let channelContext,
            case .writing(let body, let hold, let offset, let thenResets) = stream.stage
        else { return }
        let end = min(offset + Self.chunkBytes, body.count)
        let isLast = end == body.count
        stream.stage = .writing(body: body, hold, offset: end, thenResets: thenResets)
        let written = channelContext.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenSuccess {
            guard self.streams[stream.id] === stream else { return }
            // The streams of a slow line share it.
            stream.pace.moved(
                (end - offset) * self.streams.count,
                bytesPerSecondMin: self.settings.answerBytesPerSecondMin,
                self.context
            )
            self.context.batch {
                guard isLast else { return self.pump(stream) }
                self.streams[stream.id] = nil
                if thenResets { self.write(.rstStream(.noError), stream.id) }
                self.settle()
            }
        }
        writeData(body[offset..<end], stream.id, isLast: isLast, promise: written)
    }

    private func write(
        _ payload: HTTP2Frame.FramePayload,
        _ id: HTTP2StreamID,
        promise: EventLoopPromise<Void>? = nil
    ) {
        guard let channelContext else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        let frame = HTTP2Frame(streamID: id, payload: payload)
        channelContext.write(wrapOutboundOut(frame), promise: promise)
        guard !flushIsDue else { return }
        flushIsDue = true
        context.flushSoon(self)
    }

    /// A connection that drains closes with its last stream.
    private func settle() {
        guard streams.isEmpty else { return }
        since = context.wheel.tick
        context.wheel.schedule(self, at: dueTick())
        if isClosing { closeAfterFlush() }
    }

    private func closeAfterFlush() {
        guard let channelContext else { return }
        channelContext.eventLoop.assumeIsolated().execute {
            self.channelContext?.close(promise: nil)
        }
    }

    // MARK: flow control

    /// Gives back what the streams have taken, half a window at a time.
    private func widen(_ event: NIOHTTP2WindowUpdatedEvent) {
        guard let size = event.inboundWindowSize else { return }
        let isRoot = event.streamID == .rootStream
        let target = isRoot ? settings.connectionWindowBytes : settings.streamWindowBytes
        guard size <= target / 2 else { return }
        if !isRoot {
            guard let stream = streams[event.streamID], case .body = stream.stage else { return }
        }
        write(.windowUpdate(windowSizeIncrement: target - size), event.streamID)
    }

    // MARK: time-outs

    private func armTimeout(_ stream: Stream) {
        context.wheel.schedule(self, at: dueTick(stream))
    }

    private func dueTick(_ stream: Stream) -> Int {
        switch stream.stage {
        case .body(let intake): intake.pace.dueTick(context)
        case .writing: stream.pace.dueTick(context)
        case .answering: .max
        }
    }

    private func dueTick() -> Int {
        guard streams.isEmpty else { return streams.values.map(dueTick).min() ?? .max }
        return since + context.ticks(settings.idleTimeoutMilliseconds) + 1
    }

    func wake(at tick: Int) -> Int? {
        guard channelContext != nil else { return nil }
        if streams.isEmpty, tick >= dueTick() {
            bump(context.counters.timeouts)
            since = tick
            goAway()
        }
        for stream in Array(streams.values) where tick >= dueTick(stream) {
            bump(context.counters.timeouts)
            switch stream.stage {
            case .body(let intake):
                context.service.releaseBody(intake)
                streams[stream.id] = nil
                refuse(.tooSlow, stream.id, hasMore: true, template: intake.request.template)
            case .writing:
                // Its window is in the client's hand, and so is the memory of all its streams.
                channelContext?.close(promise: nil)
                return tick + context.ticks(1_000)
            case .answering:
                break
            }
        }
        return dueTick()
    }

    func drain() {
        goAway()
    }

    func terminate() {
        channelContext?.close(promise: nil)
    }

    private func goAway() {
        guard let channelContext, !isClosing else { return }
        isClosing = true
        let payload = HTTP2Frame.FramePayload.goAway(
            lastStreamID: lastStreamID,
            errorCode: .noError,
            opaqueData: nil
        )
        let frame = HTTP2Frame(streamID: .rootStream, payload: payload)
        channelContext.writeAndFlush(wrapOutboundOut(frame), promise: nil)
        if streams.isEmpty { closeAfterFlush() }
    }
}

extension HTTP2Connection: ExchangeCarrier, Flushable {
    func send(_ response: HTTPResponse, for exchange: Exchange) {
        let id = HTTP2StreamID(exchange.streamID)
        guard let stream = streams[id], case .answering(let current) = stream.stage,
            current === exchange
        else { return }
        let held = HeldResponse(
            response,
            above: Self.promptBytes,
            to: exchange.remoteAddress,
            context.service
        )
        exchange.log(held.response, isHTTP2: true, isTLS: true)
        context.batch {
            write(held.response, held.hold, method: exchange.method, id, hasMore: false)
        }
    }

    func abandon(_ exchange: Exchange) {
        streams[HTTP2StreamID(exchange.streamID)] = nil
        context.batch { settle() }
    }

    func flushWritten() {
        flushIsDue = false
        channelContext?.flush()
    }
}

extension HTTP2Connection: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    func handlerAdded(context channelContext: ChannelHandlerContext) {
        self.channelContext = channelContext
        context.wheel.schedule(self, at: dueTick())
        let more = settings.connectionWindowBytes - 65_535
        if more > 0 {
            context.batch { write(.windowUpdate(windowSizeIncrement: more), .rootStream) }
        }
    }

    func handlerRemoved(context channelContext: ChannelHandlerContext) {
        finish()
    }

    func channelInactive(context channelContext: ChannelHandlerContext) {
        finish()
        channelContext.fireChannelInactive()
    }

    private func finish() {
        guard channelContext != nil else { return }
        channelContext = nil
        context.wheel.remove(self)
        let gone = streams.values
        streams = [:]
        context.batch { for stream in gone { release(stream) } }
    }

    private func release(_ stream: Stream) {
        switch stream.stage {
        case .answering(let exchange): exchange.cutOff()
        case .body(let intake): context.service.releaseBody(intake)
        case .writing: break
        }
    }

    func channelRead(context channelContext: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        context.batch {
            switch frame.payload {
            case .headers(let headers):
                receive(headers, frame.streamID)
            case .data(let data):
                bump(context.counters.bytesReceived, by: data.data.readableBytes)
                receive(data, frame.streamID)
            default:
                break
            }
        }
    }

    func userInboundEventTriggered(context channelContext: ChannelHandlerContext, event: Any) {
        switch event {
        case let event as NIOHTTP2WindowUpdatedEvent:
            context.batch { widen(event) }
        case let event as StreamClosedEvent:
            guard let stream = streams.removeValue(forKey: event.streamID) else { return }
            context.batch {
                release(stream)
                settle()
            }
        default:
            channelContext.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context channelContext: ChannelHandlerContext, error: any Error) {
        // The codec has already told the peer about its own stream errors; the rest is fatal.
        if error is NIOHTTP2Errors.StreamError { return }
        channelContext.close(promise: nil)
    }
}
