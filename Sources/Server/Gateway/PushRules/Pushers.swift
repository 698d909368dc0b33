import HTTPService
import MatrixModel

/// `GET /_matrix/client/v3/pushers`: none can be set yet.
/// <https://spec.matrix.org/v1.15/client-server-api/#get_matrixclientv3pushers>
extension Endpoint {
    static let pushers = Endpoint(.get, "/pushers") { _ in Reply(["pushers": []]) }
}
