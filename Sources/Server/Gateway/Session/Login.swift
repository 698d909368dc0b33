import HTTPService
import Homeserver
import Identity
import Keyspace
import MatrixModel
import Primitives

/// `POST /_matrix/client/v3/login`
/// <https://spec.matrix.org/v1.15/client-server-api/#post_matrixclientv3login>
extension Endpoint {
    static let login = Endpoint(.post, "/login", by: .anyone, rate: .loginPerAddress) { call in
        let body = try call.body()
        let device = try body.newDevice()
        let type = try body.needText("type")
        let user: String
        switch type {
        case "m.login.password": user = try await passwordLogin(call, body)
        case "m.login.token": user = try await tokenLogin(call, try body.needText("token"))
        default: throw MatrixError(.unknown, "Unknown login type", status: 400)
        }
        let token = try await call.addDevice(device, to: user)
        var answer: JSONValue = [
            "user_id": .string(user), "access_token": .string(token),
            "device_id": .string(device.id), "home_server": .string(call.settings.serverName),
        ]
        if let url = call.settings.publicBaseURL {
            answer["well_known"] = ["m.homeserver": ["base_url": .string(url)]]
        }
        return Reply(answer)
    }

    private static func passwordLogin(_ call: Call, _ body: JSONView) async throws -> String {
        let name = try body.loginName()
        let password = try body.needText("password")
        try call.checkPasswordSize(password)
        guard let user = call.localUser(name) else {
            // As slow as a wrong password: who asks learns nothing.
            _ = try await call.gateway.passwords.isRight(password, against: nil)
            throw MatrixError.forbidden("Invalid username or password")
        }
        // By account and network: nobody locks somebody else out of their own account.
        try call.gateway.limit(.loginPerAccount, call.guesser(of: user))
        try await call.checkPassword(password, of: user)
        return user
    }

    private static func tokenLogin(_ call: Call, _ token: String) async throws -> String {
        guard let partition = AccessToken.partition(of: token, .login),
            (1...call.gateway.node.map.count).contains(Int(partition.raw))
        else { throw MatrixError.forbidden("The login token is unknown or used up") }
        let mac = AccessToken.mac(token, key: call.gateway.node.tokenKey)
        let answer = try await call.perform(.spendLoginToken(tokenMAC: mac), in: partition)
        guard case .text(let user) = answer else {
            throw MatrixError.forbidden("The login token is unknown or used up")
        }
        return user
    }
}

extension JSONView {
    /// `identifier` of a login or a password stage, or the older `user`.
    func loginName() throws(MatrixError) -> String {
        guard let identifier = try object("identifier") else { return try needText("user") }
        guard try identifier.needText("type") == "m.id.user" else {
            throw MatrixError(
                .unknown,
                "Only m.id.user identifiers are known here",
                status: 400
            )
        }
        return try identifier.needText("user")
    }
}
