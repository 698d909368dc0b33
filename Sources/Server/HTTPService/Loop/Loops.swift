import NIOCore
import NIOPosix
import Synchronization

/// The event loops of a server, each with what its connections share.
final class Loops: Sendable {
    let mailboxes: [LoopMailbox]
    private let contexts: [ObjectIdentifier: NIOLoopBoundBox<LoopContext>]
    private let service: ServiceCore
    private let clocks = Mutex<[RepeatedTask]>([])

    init(_ group: MultiThreadedEventLoopGroup, _ service: ServiceCore) {
        self.service = service
        var mailboxes: [LoopMailbox] = []
        var contexts: [ObjectIdentifier: NIOLoopBoundBox<LoopContext>] = [:]
        for eventLoop in group.makeIterator() {
            let mailbox = LoopMailbox(eventLoop)
            mailboxes.append(mailbox)
            contexts[ObjectIdentifier(eventLoop)] = NIOLoopBoundBox.makeBoxSendingValue(
                LoopContext(service: service, mailbox: mailbox),
                eventLoop: eventLoop
            )
        }
        self.mailboxes = mailboxes
        self.contexts = contexts
    }

    /// On the event loop only.
    func context(of eventLoop: any EventLoop) -> LoopContext {
        guard let bound = contexts[ObjectIdentifier(eventLoop)] else {
            preconditionFailure("a channel runs on a loop of its server")
        }
        return bound.value
    }

    func start() async throws {
        let tick = TimeAmount.milliseconds(Int64(service.settings.tickMilliseconds))
        for bound in contexts.values {
            let clock = bound.eventLoop.scheduleRepeatedTask(initialDelay: tick, delay: tick) { _ in
                bound.value.advance()
            }
            clocks.withLock { $0.append(clock) }
        }
    }

    func stop() {
        for mailbox in mailboxes { mailbox.seal() }
        for clock in clocks.withLock({ $0 }) { clock.cancel() }
    }

    /// Calls `body` on every loop, some time soon.
    func forEach(_ body: @escaping @Sendable (LoopContext) -> Void) {
        for bound in contexts.values { bound.eventLoop.execute { body(bound.value) } }
    }
}
