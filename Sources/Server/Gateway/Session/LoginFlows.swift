import HTTPService
import MatrixModel

/// `GET /_matrix/client/v3/login`
/// <https://spec.matrix.org/v1.15/client-server-api/#get_matrixclientv3login>
extension Endpoint {
    static let loginFlows = Endpoint(.get, "/login", by: .anyone) { _ in
        Reply([
            "flows": [
                ["type": "m.login.password"],
                ["type": "m.login.token", "get_login_token": true],
            ]
        ])
    }
}
