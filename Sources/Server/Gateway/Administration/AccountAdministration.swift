import Encryption
import Homeserver
import Identity
import Keyspace
import MatrixModel
import Primitives
import Projections

/// What the operator's command does to accounts, past registration and its limits, on the same
/// road: through the partition that owns the account.
package struct AccountAdministration: Sendable {
    /// An account as the operator sees it.
    package struct Account: Sendable, Hashable {
        package let userID: String
        /// Milliseconds since 1970.
        package let createdAt: UInt64
        package let isAdministrator: Bool
        package let isDeactivated: Bool
        /// Device IDs.
        package let devices: [String]
        package let roomsJoined: Int
    }

    private let gateway: Gateway

    package init(_ gateway: Gateway) { self.gateway = gateway }

    /// A new account; returns its user ID.
    /// - Parameter name: a local part or a whole user ID of this server.
    package func create(
        _ name: String,
        password: String,
        isAdministrator: Bool = false
    ) async throws -> String {
        let server = gateway.settings.serverName
        let local = try localpart(name)
        guard let user = UserID(new: local, on: ServerName(trusted: server)) else {
            throw MatrixError(.invalidUsername, "A user name has only a-z, 0-9 and . _ = - / +")
        }
        try check(password)
        let hash = try await gateway.passwords.hash(password)
        _ = try await gateway.perform(
            .createAccount(
                CreateAccount(
                    userID: user.raw,
                    passwordHash: hash,
                    isAdministrator: isAdministrator,
                    device: nil
                )
            ),
            in: gateway.node.map.partition(of: user.raw)
        )
        return user.raw
    }

    /// Sets a password and logs every device out, unless told otherwise.
    package func resetPassword(
        of name: String,
        to password: String,
        logsOut: Bool = true
    ) async throws {
        let account = try await find(name)
        try check(password)
        let hash = try await gateway.passwords.hash(password)
        _ = try await gateway.perform(
            .changePassword(
                ChangePassword(
                    userID: account.userID,
                    passwordHash: hash,
                    logsOutOthers: logsOut,
                    keeping: nil
                )
            ),
            in: gateway.node.map.partition(of: account.userID)
        )
    }

    /// Ends an account; with `erase` its key is destroyed and everything it sealed is gone.
    package func deactivate(_ name: String, erase: Bool) async throws {
        let account = try await find(name)
        try await gateway.deactivate(account.userID, keyID: account.row.keyID, erase: erase)
    }

    package func show(_ name: String) async throws -> Account {
        let account = try await find(name)
        return try describe(account.userID, account.row, account.rows)
    }

    /// Every account of the server, by user ID.
    package func list() async throws -> [Account] {
        try await gateway.node.readBarrier(gateway.node.map.all)
        let view = gateway.node.view()
        var found: [Account] = []
        for partition in gateway.node.map.all {
            let rows = view(partition)
            var accounts: [(String, AccountRow)] = []
            try rows.accounts { user, row in
                accounts.append((user, row))
                return true
            }
            for (user, row) in accounts { found.append(try describe(user, row, rows)) }
        }
        return found.sorted { $0.userID < $1.userID }
    }

    // MARK: Steps

    private func localpart(_ name: String) throws(MatrixError) -> String {
        guard name.hasPrefix("@") else { return name }
        guard let user = UserID(name), user.serverName == gateway.settings.serverName else {
            throw .invalidParam("\(name) is no user of this server")
        }
        return String(user.localpart)
    }

    private func find(_ name: String) async throws -> AccountView {
        let user = "@\(try localpart(name)):\(gateway.settings.serverName)"
        guard let account = try await gateway.account(user) else {
            throw MatrixError.notFound("There is no user \(user)")
        }
        return account
    }

    private func check(_ password: String) throws(MatrixError) {
        let settings = gateway.settings
        guard password.count >= settings.passwordCharactersMin,
            password.utf8.count <= settings.passwordBytesMax
        else {
            throw MatrixError(
                .weakPassword,
                "A password has at least \(settings.passwordCharactersMin) characters and at most "
                    + "\(settings.passwordBytesMax) bytes"
            )
        }
    }

    private func describe(
        _ user: String,
        _ row: AccountRow,
        _ rows: StateReader<AnyReader>
    ) throws -> Account {
        Account(
            userID: user,
            createdAt: row.createdAt,
            isAdministrator: row.isAdministrator,
            isDeactivated: row.isDeactivated,
            devices: try rows.devices(user).map(\.deviceID),
            roomsJoined: try rows.memberships(user).count { $0.row.membership == "join" }
        )
    }
}
