import NIOCore
import NIOTLS

/// Waits for the TLS handshake and puts the protocol that was agreed on in its own place.
final class TLSGreeter: WheelEntry, ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let loop: LoopContext
    private let peer: IPAddress
    private let due: Int
    var wheelPlace = WheelPlace()
    private var channelContext: ChannelHandlerContext?
    /// Plaintext that overtakes the change of handlers.
    private var early: [ByteBuffer] = []

    init(context: LoopContext, peer: IPAddress) {
        loop = context
        self.peer = peer
        due = context.wheel.tick + context.ticks(context.settings.headTimeoutMilliseconds) + 1
    }

    func handlerAdded(context: ChannelHandlerContext) {
        channelContext = context
        loop.wheel.schedule(self, at: due)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        channelContext = nil
        loop.wheel.remove(self)
    }

    func channelInactive(context: ChannelHandlerContext) {
        loop.wheel.remove(self)
        channelContext = nil
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        early.append(unwrapInboundIn(data))
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .some(.handshakeCompleted(let negotiated)) = event as? TLSUserEvent else {
            return context.fireUserInboundEventTriggered(event)
        }
        let pipeline = context.pipeline.syncOperations
        do {
            if negotiated == "h2" {
                try HTTP2Connection.install(in: pipeline, loop: loop, peer: peer)
            } else {
                let connection = HTTP1Connection(context: loop, peer: peer, isTLS: true)
                try pipeline.addHandler(connection)
            }
        } catch {
            return context.close(promise: nil)
        }
        for buffer in early { context.fireChannelRead(wrapInboundOut(buffer)) }
        early = []
        pipeline.removeHandler(self, promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        bump(loop.counters.tlsFailures)
        context.close(promise: nil)
    }

    func wake(at tick: Int) -> Int? {
        guard channelContext != nil else { return nil }
        guard tick >= due else { return due }
        bump(loop.counters.timeouts)
        channelContext?.close(promise: nil)
        return channelContext == nil ? nil : tick + loop.ticks(1_000)
    }

    func terminate() {
        channelContext?.close(promise: nil)
    }
}
