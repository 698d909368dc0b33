import NIOCore

/// How a handler answers its request: once, from any thread. Later answers, and answers to a
/// client that went away, are dropped. Letting go of a responder that never answered makes the
/// server answer 500, so that a forgotten request cannot hold its connection.
package final class Responder: Sendable {
    private let exchange: Exchange

    init(_ exchange: Exchange) {
        self.exchange = exchange
    }

    deinit {
        guard exchange.claim() else { return }
        if exchange.mailbox.eventLoop.inEventLoop {
            exchange.deliverFault()
        } else {
            exchange.mailbox.post(.init(exchange: exchange, content: .nothing))
        }
    }

    /// Sends the answer. Answers from other threads are batched: one wake-up of the event loop
    /// carries all that came meanwhile.
    package func respond(_ response: HTTPResponse) {
        guard exchange.claim() else { return }
        if exchange.mailbox.eventLoop.inEventLoop {
            exchange.deliver(response)
        } else {
            exchange.mailbox.post(.init(exchange: exchange, content: .answer(response)))
        }
    }

    /// Whether the client went away or closed its sending side. The answer is still sent if it
    /// can be, but nobody may be there to read it.
    package var isClosed: Bool { exchange.isClosed }

    /// Calls `body` once when the client goes away before it is answered, at once if it already
    /// has. Called on an event loop, or here: must not block.
    package func onClose(_ body: @escaping @Sendable () -> Void) {
        exchange.setOnClose(body)
    }

    /// Calls `body` once on the event loop when that time has passed and no answer was given; a
    /// later call replaces an earlier one. Costs no timer of its own: resolution is the service's
    /// tick, never early.
    package func onDeadline(afterMilliseconds: Int, _ body: @escaping @Sendable () -> Void) {
        exchange.setDeadline(milliseconds: afterMilliseconds, body)
    }
}
