import HTTPService
import Homeserver
import Identity

/// `POST /_matrix/client/v3/logout`
/// <https://spec.matrix.org/v1.15/client-server-api/#post_matrixclientv3logout>
extension Endpoint {
    static let logout = Endpoint(.post, "/logout") { call in
        try await call.perform(
            .removeDevices(userID: call.user, deviceIDs: [call.session.deviceID]),
            in: call.session.partition
        )
        return .empty
    }
}
