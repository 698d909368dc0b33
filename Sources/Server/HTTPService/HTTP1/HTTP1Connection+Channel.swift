import NIOCore

/// What the channel tells the connection.
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
        case .body(let intake): context.service.releaseBody(intake)
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

    func resumeReading() {
        guard readIsHeld, !holdsReads else { return }
        readIsHeld = false
        channelContext?.read()
    }

    func errorCaught(context channelContext: ChannelHandlerContext, error: any Error) {
        // Resets and broken TLS records are the peer's affair; there is nothing to tell it.
        channelContext.close(promise: nil)
    }
}
