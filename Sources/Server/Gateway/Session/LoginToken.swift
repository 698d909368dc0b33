import HTTPService
import Homeserver
import Identity
import MatrixModel

/// `POST /_matrix/client/v1/login/get_token`
/// <https://spec.matrix.org/v1.15/client-server-api/#post_matrixclientv1loginget_token>
extension Endpoint {
    static let loginToken = Endpoint(.post, "/login/get_token", prefixes: Endpoint.first) { call in
        try await call.confirmPassword("get_token", try call.optionalBody())
        let partition = call.session.partition
        let token = AccessToken.mint(
            .login,
            partition,
            secret: call.gateway.node.random(AccessToken.secretCount)
        )
        try await call.perform(
            .issueLoginToken(
                userID: call.user,
                tokenMAC: AccessToken.mac(token, key: call.gateway.node.tokenKey),
                expiresAt: wallMilliseconds() + loginTokenMilliseconds
            ),
            in: partition
        )
        return Reply([
            "login_token": .string(token),
            "expires_in_ms": .integer(Int64(loginTokenMilliseconds)),
        ])
    }

    private static var loginTokenMilliseconds: UInt64 { 120_000 }
}
