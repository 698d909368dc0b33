import NIOCore

/// From bytes to requests.
extension HTTP1Connection {
    func readHead() -> Bool {
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
            keepsAlive: parsed.keepsAlive,
            context
        )
        stage = .body(intake)
        since = context.wheel.tick
        if parsed.expectsContinue, inboxStart == inbox.count { writeContinue() }
    }

    func readBody(_ intake: BodyIntake) -> Bool {
        do throws(HTTPFault) {
            guard try intake.take(inbox, at: &inboxStart, context) else {
                armTimeout()
                return false
            }
        } catch {
            context.service.releaseBody(intake)
            refuse(error, template: intake.request.template)
            return false
        }
        context.service.releaseBody(intake)
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

    func noteInputClosed(_ exchange: Exchange) {
        since = context.wheel.tick
        context.wheel.schedule(self, at: dueTick())
        exchange.noteClosed()
    }
}
