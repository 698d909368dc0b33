import HTTPService
import Homeserver
import MatrixModel

/// `GET /_matrix/client/v3/profile/{userId}`
/// <https://spec.matrix.org/v1.15/client-server-api/#get_matrixclientv3profileuserid>
extension Endpoint {
    static let getProfile = Endpoint(.get, "/profile/{userId}", by: .anyone) { call in
        let profile = try await call.profile()
        return Reply { profile.write(into: &$0) }
    }
}
