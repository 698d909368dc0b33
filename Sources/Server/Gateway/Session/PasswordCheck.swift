import HTTPService
import Identity
import MatrixModel
import Projections

extension Call {
    func checkPasswordSize(_ password: String) throws(MatrixError) {
        guard password.utf8.count <= settings.passwordBytesMax else {
            throw .invalidParam("A password has at most \(settings.passwordBytesMax) bytes")
        }
    }

    /// A password for a new account or a change.
    func checkNewPassword(_ password: String) throws(MatrixError) {
        try checkPasswordSize(password)
        guard password.count >= settings.passwordCharactersMin else {
            throw MatrixError(
                .weakPassword,
                "A password has at least \(settings.passwordCharactersMin) characters"
            )
        }
    }

    /// Throws unless the password is the account's. Takes equally long for everybody, so that the
    /// time does not tell who exists.
    func checkPassword(_ password: String, of user: String) async throws {
        let principal = user + " " + request.remoteAddress.network.description
        if let wait = gateway.limiter.peek(.failedLogin, principal, now: wallMilliseconds()) {
            throw MatrixError.limitExceeded(retryAfterMilliseconds: Int64(clamping: wait))
        }
        let account = try await gateway.account(user)
        let stored = try account?.passwordHash()
        let isRight = try await gateway.passwords.isRight(password, against: stored)
        if account?.row.isDeactivated == true {
            // Its credentials went with it: nobody's password is right, and this says why.
            throw MatrixError(.userDeactivated, "This account has been deactivated")
        }
        guard isRight else {
            _ = gateway.limiter.take(.failedLogin, principal, now: wallMilliseconds())
            throw MatrixError.forbidden("Invalid username or password")
        }
    }
}
