import HTTPService
import Identity
import MatrixModel

/// `GET /_matrix/client/v3/account/whoami`
/// <https://spec.matrix.org/v1.15/client-server-api/#get_matrixclientv3accountwhoami>
extension Endpoint {
    static let whoAmI = Endpoint(.get, "/account/whoami") { call in
        Reply([
            "user_id": .string(call.user), "device_id": .string(call.session.deviceID),
            "is_guest": false,
        ])
    }
}
