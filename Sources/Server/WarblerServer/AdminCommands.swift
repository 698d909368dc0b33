import AdminProtocol
import Configuration
import Dispatch
import Encryption
import Gateway
import Homeserver
import KeyFiles
import Keyspace
import MatrixModel
import MessageLog
import MultiRaft
import Partitions
import Primitives
import Projections
import RocksKeyValue
import Synchronization

/// What the operator asks of a running node over its local socket.
struct AdminCommands: Sendable {
    let node: RocksNode
    let gateway: Gateway
    let files: NodeFiles
    let configuration: Configuration
    let rotation: KeyRotation
    let picture: NodePicture
    let erasure: KeyErasure<RocksKeyValueStore>
    let disk: DiskReserve

    func run(
        _ request: AdminRequest,
        _ progress: (AdminValue) -> Void
    ) throws(AdminFailure) -> AdminValue {
        switch request.command {
        case "status": return try reading { try picture.value() }
        case "user.create": return try createUser(request)
        case "user.list": return try listUsers()
        case "user.show": return try showUser(request)
        case "user.reset-password": return try resetPassword(request)
        case "user.deactivate": return try deactivate(request, progress)
        case "keys.status": return try keysStatus()
        case "keys.rotate": return try rotate()
        case "keys.shred-room": return try shredRoom(request, progress)
        case "log.verify": return try logTools.verify(request, progress)
        case "log.inspect": return try logTools.inspect(request)
        case "log.accept-loss":
            throw AdminFailure(
                code: "E-NODE-LOCKED",
                message: "stop the node first: a loss is accepted on its data at rest"
            )
        case "rebuild": return try rebuild(progress)
        default: throw .unknownCommand(request.command)
        }
    }

    // MARK: Helpers

    private func userID(_ request: AdminRequest) throws(AdminFailure) -> String {
        let name = try request.text("name")
        if name.hasPrefix("@") {
            guard let user = UserID(name), user.serverName == node.serverName else {
                throw .badArgument("\(name) is not a user of \(node.serverName)")
            }
            return user.raw
        }
        guard let user = UserID(new: name.lowercased(), on: ServerName(trusted: node.serverName))
        else { throw .badArgument("\(name) cannot be a user name: use a-z, 0-9 and . _ = - /") }
        return user.raw
    }

    func submit(
        _ action: Command.Action,
        to partition: PartitionID
    ) throws(AdminFailure) -> CommandAnswer {
        let command = Command(
            id: node.mintCommandID(),
            answerLifetime: Command.mintedLifetime,
            action: action
        )
        if let error = disk.refusal(of: command) {
            throw AdminFailure(code: "E-DISK-LOW", message: error.message)
        }
        let done = DispatchSemaphore(value: 0)
        let outcome = Mutex<CommandOutcome?>(nil)
        node.submit(command, to: partition) { result in
            outcome.withLock { $0 = result }
            done.signal()
        }
        done.wait()
        switch outcome.withLock({ $0 }) {
        case .answered(let answer, _): return answer
        case .rejected(let error):
            throw AdminFailure(code: error.code.rawValue, message: error.message)
        case .unavailable(let why): throw AdminFailure(code: "unavailable", message: why)
        case .outcomeUnknown, nil:
            throw AdminFailure(code: "unknown", message: "it may have happened: look, then repeat")
        }
    }

    func reading<Value>(_ body: () throws -> Value) throws(AdminFailure) -> Value {
        do { return try body() } catch let error as AdminFailure { throw error } catch {
            guard let trouble = error as? KeyError else {
                throw AdminFailure(code: "E-DISK-DAMAGED", message: "\(error)")
            }
            throw AdminFailure(
                code: trouble.code.rawValue,
                message: "\(trouble.message): \(trouble.remedy)"
            )
        }
    }

    private func password(_ request: AdminRequest) throws(AdminFailure) -> (String, Bool) {
        if request.flag("generate_password") { return (generatedPassword(), true) }
        let text = try request.text("password")
        guard text.count >= configuration.passwords.charactersMin else {
            throw .badArgument(
                "the password needs \(configuration.passwords.charactersMin) characters"
            )
        }
        return (text, false)
    }

    /// 20 letters and digits without look-alikes: about 115 bits.
    private func generatedPassword() -> String {
        let alphabet = Array("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789")
        var text = ""
        while text.count < 20 {
            let byte = Int(Entropy.bytes(1)[0])
            if byte < 256 / alphabet.count * alphabet.count {
                text.append(alphabet[byte % alphabet.count])
            }
        }
        return text
    }

    private func hash(_ password: String) throws(AdminFailure) -> String {
        let cost = PasswordCost(
            passes: UInt32(configuration.passwords.passes),
            memoryKiB: UInt32(configuration.passwords.memoryBytes >> 10),
            lanes: 1
        )
        guard
            let text = PasswordHash.hash(
                Array(password.utf8),
                salt: Entropy.bytes(PasswordHash.saltCount),
                cost: cost,
                pepper: Pepper(id: 1, secret: node.serverSecret(.pepper))
            )
        else { throw AdminFailure(code: "memory", message: "no memory to hash a password") }
        return text
    }

    /// Each looked at before what it is held against, so that none is ahead of its witness.
    private var logTools: LogTools<RocksView, RocksView> {
        let mark = files.mark.current
        let rows = files.state.view()
        return LogTools(recovery: LogRecovery(log: files.log.view(), rows: rows, mark: mark))
    }

    // MARK: Users

    private func createUser(_ request: AdminRequest) throws(AdminFailure) -> AdminValue {
        let user = try userID(request)
        let (password, isGenerated) = try password(request)
        let partition = node.map.partition(of: user)
        _ = try submit(
            .createAccount(
                CreateAccount(
                    userID: user,
                    passwordHash: try hash(password),
                    isAdministrator: request.flag("admin"),
                    device: nil
                )
            ),
            to: partition
        )
        if let name = try? request.text("display_name") {
            _ = try submit(
                .setProfile(SetProfile(userID: user, displayName: name, avatarURL: nil)),
                to: partition
            )
        }
        return isGenerated
            ? ["user_id": .string(user), "password": .string(password)]
            : ["user_id": .string(user)]
    }

    private func listUsers() throws(AdminFailure) -> AdminValue {
        var users: [AdminValue] = []
        let view = node.view()
        for partition in node.map.all {
            try reading {
                try view.reader(partition).accounts { user, row in
                    users.append([
                        "user_id": .string(user), "created": .integer(Int64(row.createdAt)),
                        "admin": .bool(row.isAdministrator),
                        "deactivated": .bool(row.isDeactivated),
                    ])
                    return true
                }
            }
        }
        return ["users": .array(users)]
    }

    private func showUser(_ request: AdminRequest) throws(AdminFailure) -> AdminValue {
        let user = try userID(request)
        let reader = node.view().reader(node.map.partition(of: user))
        return try reading {
            guard let row = try reader.account(user) else {
                throw AdminFailure(code: "M_NOT_FOUND", message: "there is no user \(user)")
            }
            let rooms = try reader.memberships(user)
            return [
                "user_id": .string(user), "created": .integer(Int64(row.createdAt)),
                "admin": .bool(row.isAdministrator), "deactivated": .bool(row.isDeactivated),
                "devices": .array(try reader.devices(user).map { .string($0.deviceID) }),
                "rooms_joined": .integer(Int64(rooms.count { $0.row.membership == "join" })),
            ]
        }
    }

    private func resetPassword(_ request: AdminRequest) throws(AdminFailure) -> AdminValue {
        let user = try userID(request)
        let (password, isGenerated) = try password(request)
        _ = try submit(
            .changePassword(
                ChangePassword(
                    userID: user,
                    passwordHash: try hash(password),
                    logsOutOthers: !request.flag("keep_sessions"),
                    keeping: nil
                )
            ),
            to: node.map.partition(of: user)
        )
        return isGenerated
            ? ["user_id": .string(user), "password": .string(password)]
            : ["user_id": .string(user)]
    }

    private func deactivate(
        _ request: AdminRequest,
        _ progress: (AdminValue) -> Void
    ) throws(AdminFailure) -> AdminValue {
        let user = try userID(request)
        let erase = request.flag("erase")
        let partition = node.map.partition(of: user)
        let keyID = try reading { try node.view().reader(partition).account(user)?.keyID }
        _ = try submit(.deactivate(userID: user, erase: erase), to: partition)
        guard erase, let keyID else { return ["user_id": .string(user)] }
        return [
            "user_id": .string(user), "erasure": .string(try destroy(keyID, progress)),
        ]
    }

    // MARK: Keys and state

    private func keysStatus() throws(AdminFailure) -> AdminValue {
        try reading {
            guard case .object(var members) = try rotation.status() else { return .null }
            let state = try erasure.isFinal() ? "complete" : "under_way"
            members.append(AdminValue.Member("erasure", .string(state)))
            return .object(members)
        }
    }

    private func rotate() throws(AdminFailure) -> AdminValue {
        try reading { ["epoch": .integer(Int64(try rotation.rotate()))] }
    }

    private func shredRoom(
        _ request: AdminRequest,
        _ progress: (AdminValue) -> Void
    ) throws(AdminFailure) -> AdminValue {
        let room = try request.text("room_id")
        let reader = node.view().reader(node.map.partition(of: room))
        let row = try reading { try reader.room(room) }
        guard let row else {
            throw AdminFailure(code: "M_NOT_FOUND", message: "there is no room \(room)")
        }
        return ["room_id": .string(room), "erasure": .string(try destroy(row.keyID, progress))]
    }

    private func rebuild(_ progress: (AdminValue) -> Void) throws(AdminFailure) -> AdminValue {
        try reading { try RebuildCheck(files).run(configuration, progress) }
    }
}
