import NIOCore
import NIOSSL

/// Gives each accepted connection its handlers, or closes it if there are too many.
struct Acceptor: Sendable {
    private struct Refused: Error {}

    let service: ServiceCore
    let loops: Loops
    /// Nil for plain HTTP.
    let certificates: TLSCertificates?

    func take(_ channel: any Channel) -> EventLoopFuture<Void> {
        let address = IPAddress(channel.remoteAddress)
        guard service.ledger.enter(address) else {
            return channel.eventLoop.makeFailedFuture(Refused())
        }
        let context = loops.context(of: channel.eventLoop)
        bump(context.counters.connectionsOpen)
        bump(context.counters.connectionsAccepted)
        let (service, mailbox) = (service, context.mailbox)
        channel.closeFuture.whenComplete { _ in
            service.ledger.leave(address)
            bump(mailbox.counters.connectionsOpen, by: -1)
        }
        return channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            if let certificates {
                try pipeline.addHandler(NIOSSLServerHandler(context: certificates.context))
                try pipeline.addHandler(TLSGreeter(context: context, peer: address))
            } else {
                try pipeline.addHandler(
                    HTTP1Connection(context: context, peer: address, isTLS: false)
                )
            }
        }
    }
}
