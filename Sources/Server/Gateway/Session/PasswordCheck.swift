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
        // Counted before the hash, so that many guesses at once are no more than one by one, and
        // given back to whoever was right.
        let guesser = guesser(of: user)
        try gateway.limit(.failedLogin, guesser)
        let account = try await gateway.account(user)
        let stored = try account?.passwordHash()
        let isRight = try await gateway.passwords.isRight(password, against: stored)
        // Of a deactivated account nobody's password is right: its credentials went with it.
        guard isRight else { throw MatrixError.forbidden("Invalid username or password") }
        gateway.limiter.giveBack(.failedLogin, guesser)
    }

    /// Whose guesses at an account are counted together.
    func guesser(of user: String) -> String {
        user + " " + request.remoteAddress.network.description
    }
}
