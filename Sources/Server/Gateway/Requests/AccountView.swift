import Encryption
import Homeserver
import Keyspace
import MatrixModel
import Primitives
import Projections

/// One account's rows with the key that opens them.
struct AccountView: Sendable {
    let userID: String
    let row: AccountRow
    let rows: StateReader<AnyReader>
    /// Nil once it was destroyed or lost: what it sealed is erased.
    private let key: UserKey?

    /// Nil where there is no such account.
    init?(
        _ userID: String,
        _ rows: StateReader<AnyReader>,
        _ lookUp: (UInt64) -> KeyLookup
    ) throws {
        guard let row = try rows.account(userID) else { return nil }
        self.userID = userID
        self.row = row
        self.rows = rows
        switch lookUp(row.keyID) {
        case .found(let secret): key = UserKey(id: KeyID(row.keyID), secret: secret)
        case .destroyed, .lost: key = nil
        case .absent: throw MatrixError.unavailable("")
        }
    }

    /// Nil for what is erased.
    func open(_ sealed: [UInt8], _ binding: ItemBinding) throws -> [UInt8]? {
        guard let key, !sealed.isEmpty else { return nil }
        return try ItemSealer.open(sealed, for: binding, with: key)
    }

    func profile() throws -> Profile {
        guard let sealed = try rows.profile(userID)?.sealed,
            let bytes = try open(sealed, .profile(userID))
        else { return Profile() }
        return try Profile(bytes)
    }

    func passwordHash() throws -> String? {
        try open(row.sealedCredentials, .credentials(userID))
            .map { String(decoding: $0, as: UTF8.self) }
    }

    /// An item of account data; `roomID` is empty for global ones.
    func accountData(_ roomID: String, _ type: String) throws -> [UInt8]? {
        guard let sealed = try rows.accountData(userID, roomID, type)?.sealed else { return nil }
        return try open(sealed, .accountData(userID, roomID, type))
    }

    func member() throws -> Member {
        let profile = try profile()
        return Member(
            userID: userID,
            keyID: row.keyID,
            displayName: profile.displayName,
            avatarURL: profile.avatarURL
        )
    }
}

extension Gateway {
    /// An account as of now or later; nil where there is none.
    func account(_ user: String) async throws -> AccountView? {
        let partition = node.map.partition(of: user)
        try await node.readBarrier([partition])
        return try AccountView(user, node.view()(partition), node.key)
    }
}

extension Call {
    func ownAccount() async throws -> AccountView {
        guard let account = try await gateway.account(user), !account.row.isDeactivated else {
            throw MatrixError.unknownToken()
        }
        return account
    }

    /// A local account that takes part: 404 where there is none.
    func account(_ user: String) async throws -> AccountView {
        guard let account = try await gateway.account(user), !account.row.isDeactivated else {
            throw MatrixError.notFound("There is no such user here")
        }
        return account
    }
}
