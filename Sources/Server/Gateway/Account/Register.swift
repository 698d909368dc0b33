import HTTPService
import Homeserver
import Identity
import MatrixModel

/// `POST /_matrix/client/v3/register`
/// <https://spec.matrix.org/v1.15/client-server-api/#post_matrixclientv3register>
extension Endpoint {
    /// Tells whether a name is taken and a registration token right: as dear as the routes that are
    /// there for that.
    static let register = Endpoint(
        .post,
        "/register",
        by: .anyone,
        rate: .loginPerAddress
    ) { call in
        switch call.request.query("kind") ?? "user" {
        case "user": break
        case "guest": throw MatrixError.guestsRefused
        default: throw MatrixError.invalidParam("kind must be user or guest")
        }
        let body = try call.body()
        if try body.text("type") == "m.login.application_service" {
            throw MatrixError(
                .appserviceLoginUnsupported,
                "There are no application services here",
                status: 400
            )
        }
        if case .closed = call.settings.registration {
            throw MatrixError.forbidden("Registration is closed on this server")
        }
        let device = try body.newDevice()
        let isLoginInhibited = try body.flag("inhibit_login") ?? false
        let name = try body.text("username")
        let user = try call.newUser(name ?? call.freshName())
        let password = try body.text("password")
        if let password { try call.checkNewPassword(password) }
        // Taken names are told before anything is asked of the person.
        guard try await call.gateway.account(user) == nil else {
            throw MatrixError(.userInUse, "This user ID is taken")
        }
        try call.confirmRegistration(body)
        guard let password else { throw MatrixError.missingParam("password") }
        try call.gateway.limit(
            .registration,
            call.request.remoteAddress.network.description
        )
        let hash = try await call.gateway.passwords.hash(password)
        let login = isLoginInhibited ? nil : call.mintToken(for: device, of: user)
        try await call.perform(
            .createAccount(
                CreateAccount(
                    userID: user,
                    passwordHash: hash,
                    isAdministrator: false,
                    device: login?.command
                )
            ),
            in: call.partition(of: user)
        )
        var answer: JSONValue = [
            "user_id": .string(user), "home_server": .string(call.settings.serverName),
        ]
        if let login {
            answer["access_token"] = .string(login.token)
            answer["device_id"] = .string(device.id)
        }
        return Reply(answer)
    }
}

extension Call {
    /// The ID of an account to be.
    func newUser(_ localpart: String) throws(MatrixError) -> String {
        guard
            let user = UserID(new: localpart, on: ServerName(trusted: settings.serverName))
        else {
            throw MatrixError(
                .invalidUsername,
                "A user name has only a-z, 0-9 and . _ = - / +"
            )
        }
        return user.raw
    }

    /// A name for who did not choose one.
    fileprivate func freshName() -> String {
        "u" + Base64.encode(gateway.node.random(8), urlSafe: true).lowercased()
    }
}
