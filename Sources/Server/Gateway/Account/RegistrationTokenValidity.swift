import HTTPService
import MatrixModel

/// `GET /_matrix/client/v1/register/m.login.registration_token/validity`
/// <https://spec.matrix.org/v1.15/client-server-api/#get_matrixclientv1registermloginregistration_tokenvalidity>
extension Endpoint {
    static let registrationTokenValidity = Endpoint(
        .get,
        "/register/m.login.registration_token/validity",
        prefixes: Endpoint.first,
        by: .anyone,
        rate: .loginPerAddress
    ) { call in
        guard let token = call.request.query("token") else {
            throw MatrixError.missingParam("token")
        }
        guard case .token(let expected) = call.settings.registration else {
            throw MatrixError.forbidden("This server does not register by token")
        }
        return Reply(["valid": .bool(Call.isEqual(token, expected))])
    }
}
