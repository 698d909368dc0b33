import HTTPService
import MatrixModel

/// `GET /_matrix/client/v3/register/available`
/// <https://spec.matrix.org/v1.15/client-server-api/#get_matrixclientv3registeravailable>
extension Endpoint {
    static let registerAvailable = Endpoint(
        .get,
        "/register/available",
        by: .anyone,
        rate: .loginPerAddress
    ) { call in
        guard let name = call.request.query("username") else {
            throw MatrixError.missingParam("username")
        }
        if case .closed = call.settings.registration {
            throw MatrixError.forbidden("Registration is closed on this server")
        }
        let user = try call.newUser(name)
        guard try await call.gateway.account(user) == nil else {
            throw MatrixError(.userInUse, "This user ID is taken")
        }
        return Reply(["available": true])
    }
}
