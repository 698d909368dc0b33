import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix
import NIOSSL
import Synchronization

/// A client over TLS that writes and reads single HTTP/2 frames.
final class HTTP2Client: Sendable {
    private let channel: any Channel
    private let log: Log

    /// What came, and who waits for more of it.
    private final class Log: Sendable {
        struct Contents {
            var frames: [HTTP2Frame] = []
            var isClosed = false
            var waiting: [CheckedContinuation<Void, Never>] = []
        }

        let contents = Mutex(Contents())

        func change(_ body: (inout Contents) -> Void) {
            let woken = contents.withLock { contents in
                body(&contents)
                defer { contents.waiting = [] }
                return contents.waiting
            }
            for continuation in woken { continuation.resume() }
        }

        /// Waits until `found` finds something, or the connection is closed.
        func first<Found: Sendable>(
            _ found: @Sendable ([HTTP2Frame]) -> Found?
        ) async -> Found? {
            while true {
                let (result, isClosed) = contents.withLock { (found($0.frames), $0.isClosed) }
                if let result { return result }
                if isClosed { return nil }
                await withCheckedContinuation { continuation in
                    let isStale = contents.withLock { contents in
                        if contents.isClosed || found(contents.frames) != nil { return true }
                        contents.waiting.append(continuation)
                        return false
                    }
                    if isStale { continuation.resume() }
                }
            }
        }
    }

    private final class Reader: ChannelInboundHandler {
        typealias InboundIn = HTTP2Frame
        let log: Log

        init(_ log: Log) { self.log = log }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let frame = unwrapInboundIn(data)
            log.change { $0.frames.append(frame) }
        }

        func channelInactive(context: ChannelHandlerContext) {
            log.change { $0.isClosed = true }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            if error is NIOHTTP2Errors.StreamError { return }
            context.close(promise: nil)
        }
    }

    init(port: Int, headerBlockValidation: Bool = true) async throws {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.applicationProtocols = ["h2"]
        configuration.minimumTLSVersion = .tlsv13
        let context = try NIOSSLContext(configuration: configuration)
        let log = Log()
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(
                        NIOSSLClientHandler(context: context, serverHostname: nil)
                    )
                    try pipeline.addHandler(
                        NIOHTTP2Handler(
                            mode: .client,
                            headerBlockValidation: headerBlockValidation ? .enabled : .disabled,
                            contentLengthValidation: .disabled
                        )
                    )
                    try pipeline.addHandler(Reader(log))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        self.log = log
    }

    func write(_ payload: HTTP2Frame.FramePayload, _ id: HTTP2StreamID) {
        channel.writeAndFlush(HTTP2Frame(streamID: id, payload: payload), promise: nil)
    }

    /// - Parameter fields: beside the four pseudo fields.
    func ask(
        _ method: String,
        _ path: String,
        _ id: HTTP2StreamID,
        fields: [(String, String)] = [],
        body: [UInt8]? = nil,
        endsStream: Bool = true
    ) {
        let pseudo = [
            (":method", method), (":path", path), (":scheme", "https"), (":authority", "a"),
        ]
        let headers = HPACKHeaders(pseudo + fields)
        write(.headers(.init(headers: headers, endStream: body == nil && endsStream)), id)
        if let body { send(body, id, isLast: true) }
    }

    func send(_ bytes: [UInt8], _ id: HTTP2StreamID, isLast: Bool) {
        write(.data(.init(data: .byteBuffer(ByteBuffer(bytes: bytes)), endStream: isLast)), id)
    }

    func close() { channel.close(promise: nil) }

    struct Answer: Sendable {
        var status: String
        var headers: HPACKHeaders
        var body: [UInt8] = []
        var text: String { String(decoding: body, as: UTF8.self) }
    }

    /// The whole answer of a stream; nil when the connection ends instead.
    func answer(_ id: HTTP2StreamID) async -> Answer? {
        await log.first { frames in
            var answer: Answer?
            for frame in frames where frame.streamID == id {
                switch frame.payload {
                case .headers(let headers):
                    let status = headers.headers.first(name: ":status") ?? ""
                    answer = Answer(status: status, headers: headers.headers)
                    if headers.endStream { return answer }
                case .data(let data):
                    if case .byteBuffer(let buffer) = data.data {
                        answer?.body += buffer.readableBytesView
                    }
                    if data.endStream { return answer }
                default:
                    break
                }
            }
            return nil
        }
    }

    /// Waits for a GOAWAY; its last stream and its code.
    func goAway() async -> (HTTP2StreamID, HTTP2ErrorCode)? {
        await log.first { frames in
            for case .goAway(let last, let code, _) in frames.map(\.payload) { return (last, code) }
            return nil
        }
    }

    /// Waits for the reset of a stream.
    func reset(_ id: HTTP2StreamID) async -> HTTP2ErrorCode? {
        await log.first { frames in
            for frame in frames where frame.streamID == id {
                if case .rstStream(let code) = frame.payload { return code }
            }
            return nil
        }
    }

    /// Waits for the end of the connection.
    func closed() async {
        _ = await log.first { _ in Optional<Bool>.none }
    }

    /// The window of the connection is what frames to the root stream widened it to.
    func widenConnection(by bytes: Int) {
        write(.windowUpdate(windowSizeIncrement: bytes), .rootStream)
    }
}
