import HTTPService
import MatrixModel

/// One endpoint of the Client-Server API: how it is reached, what it asks of the caller, and what
/// it does. Each is a value in a file of its own, listed in `Endpoint.all`.
struct Endpoint: Sendable {
    /// Runs on the request threads: may block on reads, and may wait.
    typealias Answer = @Sendable (Call) async throws -> Reply
    /// Runs on an event loop, or a request thread: must not block. Answers later by the call.
    typealias Start = @Sendable (Call, Responder) -> Void

    enum Caller: Sendable {
        /// Anybody; a token is not looked at.
        case anyone
        /// Whoever has an access token.
        case user
    }

    enum Work: Sendable {
        case answer(Answer)
        case start(Start)
    }

    let method: HTTPMethod
    /// Below the API's prefix.
    let path: String
    let prefixes: [String]
    let caller: Caller
    let rate: RateKind
    let body: Body
    let work: Work

    enum Body: Sendable {
        case general, filter, accountData
    }

    /// Endpoints of r0 moved to v3 as they were; clients of both exist.
    static let releases = ["/_matrix/client/r0", "/_matrix/client/v3"]
    /// Endpoints that came later.
    static let first = ["/_matrix/client/v1"]

    init(
        _ method: HTTPMethod,
        _ path: String,
        prefixes: [String] = Endpoint.releases,
        by caller: Caller = .user,
        rate: RateKind = .other,
        body: Body = .general,
        _ answer: @escaping Answer
    ) {
        self.init(
            method,
            path,
            prefixes: prefixes,
            by: caller,
            rate: rate,
            body: body,
            work: .answer(answer)
        )
    }

    init(
        _ method: HTTPMethod,
        _ path: String,
        prefixes: [String] = Endpoint.releases,
        by caller: Caller = .user,
        rate: RateKind = .other,
        body: Body = .general,
        work: Work
    ) {
        self.method = method
        self.path = path
        self.prefixes = prefixes
        self.caller = caller
        self.rate = rate
        self.body = body
        self.work = work
    }

    /// The whole paths it answers.
    var templates: [String] { prefixes.map { $0 + path } }
}

/// What an endpoint answers: a JSON body with 200, unless an error is thrown.
struct Reply: Sendable {
    let body: [UInt8]

    init(_ body: [UInt8]) { self.body = body }

    /// `{}`
    static let empty = Reply(Array("{}".utf8))

    init(_ write: (inout JSONWriter) -> Void) {
        var writer = JSONWriter()
        writer.object(write)
        body = writer.finish()
    }

    init(_ value: JSONValue) { body = value.serialized() }
}
