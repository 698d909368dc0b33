import HTTPService
import Homeserver
import Identity
import MatrixModel

/// `POST /_matrix/client/v3/account/password`
/// <https://spec.matrix.org/v1.15/client-server-api/#post_matrixclientv3accountpassword>
extension Endpoint {
    static let changePassword = Endpoint(.post, "/account/password") { call in
        let body = try call.body()
        let password = try body.text("new_password")
        if let password { try call.checkNewPassword(password) }
        let logsOutOthers = try body.flag("logout_devices") ?? true
        try await call.confirmPassword("password", body)
        guard let password else { throw MatrixError.missingParam("new_password") }
        let hash = try await call.gateway.passwords.hash(password)
        try await call.perform(
            .changePassword(
                ChangePassword(
                    userID: call.user,
                    passwordHash: hash,
                    logsOutOthers: logsOutOthers,
                    keeping: call.session.deviceID
                )
            ),
            in: call.session.partition
        )
        return .empty
    }
}
