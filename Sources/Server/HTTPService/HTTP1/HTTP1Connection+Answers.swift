import NIOCore

/// From answers to bytes.
extension HTTP1Connection: ExchangeCarrier, Flushable {
    func send(_ response: HTTPResponse, for exchange: Exchange) {
        guard case .answering(let current) = stage, current === exchange else { return }
        let held = HeldResponse(
            response,
            above: Self.chunkBytes,
            to: exchange.remoteAddress,
            context.service
        )
        exchange.log(held.response, isHTTP2: false, isTLS: isTLS)
        context.batch {
            write(
                held.response,
                held.hold,
                method: exchange.method,
                keepsAlive: exchange.keepsAlive
            )
        }
    }

    func abandon(_ exchange: Exchange) {
        close()
    }

    func flushWritten() {
        flushIsDue = false
        channelContext?.flush()
    }

    /// Refuses bytes that cannot be trusted, or a request too large to read: the last answer.
    func refuse(_ fault: HTTPFault, template: String = "") {
        let response = context.service.response(to: fault)
        bump(context.counters.responsesRefused)
        logRefusal(response, template: template)
        write(response, method: .get, keepsAlive: false, lingers: true)
    }

    func answer(_ response: HTTPResponse, _ request: HTTPRequest, lingers: Bool) {
        bump(context.counters.responsesRefused)
        log(response, request)
        write(response, method: request.method, keepsAlive: false, lingers: lingers)
    }

    func writeContinue() {
        guard let channelContext else { return }
        var buffer = channelContext.channel.allocator.buffer(capacity: 32)
        buffer.writeStaticString("HTTP/1.1 100 Continue\r\n\r\n")
        channelContext.write(wrapOutboundOut(buffer), promise: nil)
        flushAfterwards()
    }

    private static let chunkBytes = 64 * 1024

    func write(
        _ response: HTTPResponse,
        _ hold: AnswerHold? = nil,
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
            stage = .writing(
                Outflow(
                    body: response.body,
                    hold: hold,
                    offset: first,
                    pace: Pace(
                        grace: settings.writeStallMilliseconds,
                        stall: settings.writeStallMilliseconds,
                        context
                    ),
                    keepsAlive: keepsAlive
                )
            )
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
    func pump() {
        guard let channelContext else { return }
        while case .writing(var outflow) = stage, channelContext.channel.isWritable {
            let end = min(outflow.offset + Self.chunkBytes, outflow.body.count)
            let buffer = channelContext.channel.allocator.buffer(
                bytes: outflow.body[outflow.offset..<end]
            )
            outflow.offset = end
            since = context.wheel.tick
            outflow.pace.moved(
                buffer.readableBytes,
                bytesPerSecondMin: settings.answerBytesPerSecondMin,
                context
            )
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
    func end(lingers: Bool, flushed: EventLoopPromise<Void>?) {
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
            guard case .ending = self.stage, let channelContext = self.channelContext else {
                return
            }
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

    func log(_ response: HTTPResponse, _ request: HTTPRequest) {
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
