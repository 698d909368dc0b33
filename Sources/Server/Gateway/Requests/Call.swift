import Encryption
import HTTPService
import Homeserver
import Identity
import Keyspace
import MatrixModel
import Primitives
import Projections

/// One request on its way through an endpoint.
struct Call: Sendable {
    let gateway: Gateway
    let request: HTTPRequest
    /// Nil only where the endpoint takes anyone.
    let authenticated: Authenticated?

    struct Authenticated: Sendable {
        let session: Session
        /// MAC of the token: names this very session.
        let mac: [UInt8]
    }

    var settings: GatewaySettings { gateway.settings }

    /// Of endpoints that ask for a user.
    var session: Session {
        guard let authenticated else {
            preconditionFailure("an endpoint for anyone asked who its caller is")
        }
        return authenticated.session
    }

    var user: String { session.userID }
    var userID: UserID { UserID(trusted: session.userID) }

    // MARK: Path

    /// A place of the route's template.
    func path(_ name: String) -> String {
        guard let value = request.parameters[name] else {
            preconditionFailure("the route has no place \(name)")
        }
        return value
    }

    func roomID() throws(MatrixError) -> String {
        let text = path("roomId")
        guard RoomID(text) != nil else { throw .invalidParam("This is not a room ID") }
        return text
    }

    /// The user in the path, who must be the caller.
    func ownUser() throws(MatrixError) -> String {
        guard path("userId") == user else {
            throw .forbidden("This belongs to another user")
        }
        return user
    }

    func transactionID() throws(MatrixError) -> String {
        let text = path("txnId")
        guard (1...255).contains(text.utf8.count) else {
            throw .invalidParam("A transaction ID has 1 to 255 bytes")
        }
        return text
    }

    // MARK: Body

    /// The body, which must be a JSON object.
    func body() throws(MatrixError) -> JSONView {
        let limits = JSONLimits.accepted(
            bytes: settings.limits.bodyBytes,
            depth: settings.limits.jsonDepth
        )
        let root: JSONView
        do throws(JSONError) {
            root = try JSONDocument(parsing: request.body, limits: limits).root
        } catch {
            throw MatrixError(error)
        }
        guard root.isObject else { throw .badJSON("The body must be an object") }
        return root
    }

    /// The body where clients may leave it out.
    func optionalBody() throws(MatrixError) -> JSONView {
        guard !request.body.isEmpty else { return .emptyObject }
        return try body()
    }

    /// The body as the content of an event: canonical JSON.
    func content() throws(MatrixError) -> (view: JSONView, bytes: [UInt8]) {
        let view = try body()
        return (view, try view.canonicalContent())
    }

    // MARK: Commands

    /// Has a partition decide and record something, and returns its answer.
    @discardableResult
    func perform(
        _ action: Command.Action,
        in partition: PartitionID
    ) async throws(MatrixError) -> CommandAnswer {
        try await gateway.perform(action, in: partition)
    }

    func partition(of id: String) -> PartitionID { gateway.node.map.partition(of: id) }

    // MARK: Reads

    /// Rows of some partitions as of now or later (`Specs/Architecture.md`, Reads).
    func latest(_ ids: String...) async throws -> @Sendable (PartitionID) -> StateReader<AnyReader>
    {
        let partitions = Set(ids.map { partition(of: $0) })
        try await gateway.node.readBarrier(partitions.sorted())
        return gateway.node.view()
    }

    /// The reader of the partition that an ID belongs to, as of now or later.
    func latestRows(of id: String) async throws -> StateReader<AnyReader> {
        try await latest(id)(partition(of: id))
    }

    /// The caller as the reading side wants them named.
    var requester: Requester { Requester(userID: user, deviceID: session.deviceID) }
}

extension JSONView {
    static let emptyObject: JSONView = {
        guard let document = try? JSONDocument(parsing: Array("{}".utf8)) else {
            preconditionFailure("{} is JSON")
        }
        return document.root
    }()
}
