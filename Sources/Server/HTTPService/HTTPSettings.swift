/// Every limit of the HTTP service, with its unit in its name. A request *at* a limit is served,
/// one byte or one field more is refused.
package struct HTTPSettings: Sendable {
    /// Bytes of the request line (or of the HTTP/2 `:path`) without its line end. Beyond: 414.
    package var requestLineBytesMax = 16 * 1024
    /// Bytes of all field lines with their line ends. Beyond: 431.
    package var headerBytesMax = 32 * 1024
    /// Beyond: 431.
    package var headerCountMax = 100
    /// Bytes of a body where the route says nothing. Beyond: 413.
    package var bodyBytesMax = 1024 * 1024
    /// Bytes of all request bodies being received at one time. Beyond: 503, the request is shed.
    package var bodyBytesInFlightMax = 512 * 1024 * 1024
    /// The same for one IPv4 address or one IPv6 /64, loopback and trusted proxies apart.
    package var bodyBytesPerAddressMax = 32 * 1024 * 1024
    /// Bytes of all large answers that clients have not taken yet. Beyond: 503 instead of another.
    package var answerBytesInFlightMax = 256 * 1024 * 1024
    /// The same for one IPv4 address or one IPv6 /64, loopback and trusted proxies apart. One answer
    /// may be larger.
    package var answerBytesPerAddressMax = 32 * 1024 * 1024

    /// From the first byte of a head (or from the handshake's start) to its last. Beyond: 408.
    package var headTimeoutMilliseconds = 10_000
    /// A body slower than this after the grace is refused with 408.
    package var bodyBytesPerSecondMin = 1024
    package var bodyGraceMilliseconds = 5_000
    /// A body of which no byte comes for this long is refused too, however fast it was before.
    package var bodyStallMilliseconds = 20_000
    /// A kept-alive connection without a request is closed after this.
    package var idleTimeoutMilliseconds = 75_000
    /// A peer that takes no byte of its answer for this long is cut off.
    package var writeStallMilliseconds = 30_000
    /// A large answer that is taken more slowly than this, once that time is over, is cut off.
    package var answerBytesPerSecondMin = 4 * 1024
    /// How long a refused client's remaining bytes are read and dropped, so that it can read why.
    package var lingerMilliseconds = 2_000
    package var lingerBytesMax = 4 * 1024 * 1024
    /// A client that closed its sending side may still read: its answer must come within this.
    package var halfClosedMilliseconds = 10_000

    /// Connections by one IPv4 address or one IPv6 /64. Beyond: closed at once.
    package var connectionsPerAddressMax = 200
    /// The same for loopback and trusted proxies, which speak for many.
    package var connectionsPerTrustedAddressMax = 1_000
    /// All connections; at most three quarters of the descriptors that the process may have.
    package var connectionsMax = 50_000
    /// Bytes read ahead while an earlier request of the connection is being answered.
    package var pipelineBytesMax = 64 * 1024

    /// Streams open at once on one HTTP/2 connection.
    package var streamsMax = 100
    /// Stream resets by the peer within `streamResetWindowMilliseconds`. Beyond: GOAWAY, closed.
    package var streamResetsMax = 200
    package var streamResetWindowMilliseconds = 10_000
    package var streamWindowBytes = 256 * 1024
    package var connectionWindowBytes = 1024 * 1024

    /// Peers whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed. Nobody by default.
    package var trustedProxies: [AddressRange] = []
    /// Fields of every response, also of refusals: by default what browsers need (CORS).
    package var commonHeaders: [HTTPHeader] = HTTPSettings.matrixCrossOriginHeaders

    /// Event loop threads.
    package var eventLoops = 2
    package var listenBacklog = 1024
    /// Resolution of all time-outs above.
    package var tickMilliseconds = 250

    package init() {}

    /// The fields that the Client-Server API demands for web browsers ("Web Browser Clients").
    package static let matrixCrossOriginHeaders: [HTTPHeader] = [
        HTTPHeader("Access-Control-Allow-Origin", "*"),
        HTTPHeader("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE, OPTIONS"),
        HTTPHeader(
            "Access-Control-Allow-Headers",
            "X-Requested-With, Content-Type, Authorization, Date"
        ),
    ]
}

/// One address to listen on.
package struct HTTPListener: Sendable {
    package var host: String
    /// 0 lets the system choose; `HTTPServer.start` tells which.
    package var port: Int
    package var isTLS: Bool

    package init(host: String, port: Int, isTLS: Bool = false) {
        self.host = host
        self.port = port
        self.isTLS = isTLS
    }
}
