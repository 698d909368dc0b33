import Encryption
import HTTPService
import Identity
import Keyspace
import MatrixModel
import Primitives
import Projections

/// What is known of a token before its session is looked up.
struct TokenMAC: Sendable {
    let bytes: [UInt8]
    let digest: Digest
    /// The account's.
    let partition: PartitionID
}

extension Gateway {
    func token(of request: HTTPRequest) -> String? {
        if let token = request.bearerToken { return token }
        guard settings.isTokenInQueryAccepted, !request.queryBytes.isEmpty else { return nil }
        return request.query("access_token").flatMap { $0.isEmpty ? nil : $0 }
    }

    func mac(of token: String) throws(MatrixError) -> TokenMAC {
        guard let partition = AccessToken.partition(of: token),
            (1...node.map.count).contains(Int(partition.raw))
        else {
            throw .unknownToken()
        }
        let mac = AccessToken.mac(token, key: node.tokenKey)
        return TokenMAC(bytes: mac, digest: Digest(mac), partition: partition)
    }

    /// The session of a token that the cache does not know.
    func lookUp(_ mac: TokenMAC) async throws -> Session {
        if let found = try read(mac) { return found }
        // This node's copy of the account may be behind the login.
        try await node.readBarrier([mac.partition])
        guard let found = try read(mac) else { throw MatrixError.unknownToken() }
        return found
    }

    /// Whether a session that was valid a moment ago is known without a read to be so still.
    func isCached(_ mac: [UInt8]) -> Bool { sessions.session(of: Digest(mac)) != nil }

    func isValid(_ mac: [UInt8], of session: Session) async throws -> Bool {
        let mac = TokenMAC(bytes: mac, digest: Digest(mac), partition: session.partition)
        do {
            return try await lookUp(mac) == session
        } catch let error as MatrixError where error.code == .unknownToken {
            return false
        }
    }

    private func read(_ mac: TokenMAC) throws -> Session? {
        let generation = sessions.generation
        let rows = node.view()(mac.partition)
        guard let token = try rows.token(mac.bytes), let account = try rows.account(token.userID),
            !account.isDeactivated
        else { return nil }
        let session = Session(
            userID: token.userID,
            deviceID: token.deviceID,
            keyID: account.keyID,
            isAdministrator: account.isAdministrator,
            partition: mac.partition
        )
        sessions.insert(session, for: mac.digest, generation: generation)
        return session
    }
}
