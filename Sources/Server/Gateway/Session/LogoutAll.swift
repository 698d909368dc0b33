import HTTPService
import Homeserver
import Identity

/// `POST /_matrix/client/v3/logout/all`
/// <https://spec.matrix.org/v1.15/client-server-api/#post_matrixclientv3logoutall>
extension Endpoint {
    static let logoutAll = Endpoint(.post, "/logout/all") { call in
        // None named: all of them.
        try await call.perform(
            .removeDevices(userID: call.user, deviceIDs: []),
            in: call.session.partition
        )
        return .empty
    }
}
