import Encryption
import Identity
import MatrixModel

/// User-interactive authentication
/// (<https://spec.matrix.org/v1.15/client-server-api/#user-interactive-authentication-api>).
/// Every flow here has one stage, so a request that proves its stage is through.
extension Call {
    /// Asks for proof that the caller knows their password.
    func confirmPassword(_ purpose: String, _ body: JSONView) async throws {
        let challenge = challenge(purpose, stage: "m.login.password", subject: user)
        guard let auth = try challenge.stage(of: body) else { throw challenge.ask() }
        let name = try auth.loginName()
        let password = try auth.needText("password")
        try checkPasswordSize(password)
        guard localUser(name) == user else {
            throw challenge.refuse(.forbidden("This is another user's password"))
        }
        do {
            try await checkPassword(password, of: user)
        } catch let error as MatrixError where error.code == .forbidden {
            throw challenge.refuse(error)
        }
    }

    /// Asks for what registration asks for: nothing, or the registration token.
    func confirmRegistration(_ body: JSONView) throws(MatrixError) {
        switch settings.registration {
        case .closed:
            throw .forbidden("Registration is closed on this server")
        case .open:
            let challenge = challenge("register", stage: "m.login.dummy", subject: "")
            guard try challenge.stage(of: body) != nil else { throw challenge.ask() }
        case .token(let expected):
            let stage = "m.login.registration_token"
            let challenge = challenge("register", stage: stage, subject: "")
            guard let auth = try challenge.stage(of: body) else { throw challenge.ask() }
            guard Self.isEqual(try auth.needText("token"), expected) else {
                throw challenge.refuse(
                    MatrixError(.unauthorized, "The registration token is not valid")
                )
            }
        }
    }

    static func isEqual(_ given: String, _ expected: String) -> Bool {
        // Hashed first, so that the comparison takes as long for every length.
        Cipher.constantTimeEquals(
            Cipher.sha256(Array(given.utf8)),
            Cipher.sha256(Array(expected.utf8))
        )
    }

    private func challenge(_ purpose: String, stage: String, subject: String) -> Challenge {
        Challenge(
            purpose: purpose,
            stage: stage,
            subject: subject,
            now: wallMilliseconds(),
            sessions: gateway.interactive,
            nonce: gateway.node.random(8)
        )
    }
}

/// What the client is asked, and whether it answered.
struct Challenge: Sendable {
    let purpose: String
    let stage: String
    let subject: String
    let now: UInt64
    let sessions: InteractiveSessions
    let nonce: [UInt8]

    /// The `auth` object when it holds this flow's stage. A session is not needed (some clients
    /// answer at once), but one that is named must be ours.
    func stage(of body: JSONView) throws(MatrixError) -> JSONView? {
        guard let auth = try body.object("auth") else { return nil }
        if let session = try auth.text("session"), !session.isEmpty {
            guard sessions.isValid(session, purpose, subject: subject, now: now) else {
                throw refuse(MatrixError(.unknown, "The session is not known or is over"))
            }
        }
        // Without a type the client asks how far it is.
        guard let type = try auth.text("type") else { return nil }
        guard type == stage else {
            throw refuse(MatrixError(.unrecognized, "This stage is not part of the flow"))
        }
        return auth
    }

    /// 401 with the flow and a session.
    func ask() -> MatrixError { refuse(nil) }

    func refuse(_ error: MatrixError?) -> MatrixError {
        MatrixError(
            error?.code ?? .unauthorized,
            error?.message ?? "Authentication is needed",
            status: 401,
            fields: [
                .init("flows", [["stages": [.string(stage)]]]),
                .init("params", [:]),
                .init("completed", []),
                .init(
                    "session",
                    .string(sessions.begin(purpose, subject: subject, now: now, nonce: nonce))
                ),
            ]
        )
    }
}
