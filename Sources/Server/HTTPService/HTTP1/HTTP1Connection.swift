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
        /// Counts the body while it is here.
        let hold: AnswerHold?
        var offset: Int
        var pace: Pace
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
    var isFresh = true
    var inputClosed = false
    var readIsHeld = false
    var flushIsDue = false

    init(context: LoopContext, peer: IPAddress, isTLS: Bool) {
        self.context = context
        self.peer = peer
        self.isTLS = isTLS
        since = context.wheel.tick
    }

    var settings: HTTPSettings { context.settings }
    var isClosed: Bool { if case .closed = stage { true } else { false } }

    // MARK: work

    /// Goes as far as the bytes at hand allow.
    func work() {
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

    // MARK: time-outs

    func armTimeout() {
        context.wheel.schedule(self, at: dueTick())
    }

    func dueTick() -> Int {
        let milliseconds: Int
        switch stage {
        case .head:
            milliseconds =
                inbox.isEmpty && !isFresh
                ? settings.idleTimeoutMilliseconds : settings.headTimeoutMilliseconds
        case .body(let intake):
            return intake.pace.dueTick(context)
        case .answering:
            guard inputClosed else { return .max }
            milliseconds = settings.halfClosedMilliseconds
        case .writing(let outflow):
            return outflow.pace.dueTick(context)
        case .ending:
            milliseconds = settings.lingerMilliseconds
        case .closed:
            return .max
        }
        return since + context.ticks(milliseconds) + 1
    }

    func wake(at tick: Int) -> Int? {
        guard !isClosed else { return nil }
        let due = dueTick()
        guard tick >= due else { return due }
        bump(context.counters.timeouts)
        since = tick
        switch stage {
        case .head where !inbox.isEmpty && channelContext?.channel.isWritable == true:
            refuse(.tooSlow)
        case .body(let intake):
            context.service.releaseBody(intake)
            refuse(.tooSlow, template: intake.request.template)
        case .head, .answering, .writing, .ending:
            close()
        case .closed:
            return nil
        }
        return isClosed ? nil : max(dueTick(), tick + 1)
    }

    func drain() {
        if case .head = stage, inbox.isEmpty { end(lingers: false, flushed: nil) }
    }

    func terminate() {
        close()
    }
}
