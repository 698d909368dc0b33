import AdminProtocol
import ArgumentParser

struct UserCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user",
        abstract: "Creates and looks after accounts.",
        discussion: """
            A name is a local part (alice) or a whole user ID (@alice:example.org). A password \
            is never an argument, where other users of the machine could read it: it is typed, \
            or read from standard input, or generated and shown once.
            """,
        subcommands: [
            UserCreate.self, UserList.self, UserShow.self, UserResetPassword.self,
            UserDeactivate.self,
        ]
    )
}

/// Where a new password comes from.
struct PasswordOptions: ParsableArguments {
    @Flag(help: "Let the server make a password and show it once.")
    var generatePassword = false

    func members(for name: String) throws -> [AdminValue.Member] {
        if generatePassword { return [.init("generate_password", true)] }
        guard let password = Terminal.readPassword(for: name), !password.isEmpty else {
            throw Outcome.fail("no password was given", Outcome.usage)
        }
        return [.init("password", .string(password))]
    }
}

struct UserCreate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Makes an account."
    )

    @Argument(help: "Local part or user ID.") var name: String
    @Option(help: ArgumentHelp("Name shown to others.", valueName: "text"))
    var displayName: String?
    @OptionGroup var password: PasswordOptions
    @OptionGroup var node: NodeOptions

    func run() throws {
        var members: [AdminValue.Member] = [.init("name", .string(name))]
        if let displayName { members.append(.init("display_name", .string(displayName))) }
        members += try password.members(for: name)
        node.show(try node.call("user.create", .object(members)))
    }
}

struct UserList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Lists all accounts."
    )

    @OptionGroup var node: NodeOptions

    func run() throws {
        let answer = try node.call("user.list")
        node.show(node.json ? answer : answer["users"] ?? answer)
    }
}

struct UserShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Shows an account, its devices and rooms."
    )

    @Argument(help: "Local part or user ID.") var name: String
    @OptionGroup var node: NodeOptions

    func run() throws {
        node.show(try node.call("user.show", ["name": .string(name)]))
    }
}

struct UserResetPassword: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reset-password",
        abstract: "Gives an account a new password.",
        discussion: "All its sessions end, unless --keep-sessions is given."
    )

    @Argument(help: "Local part or user ID.") var name: String
    @Flag(help: "Leave the devices logged in.") var keepSessions = false
    @OptionGroup var password: PasswordOptions
    @OptionGroup var node: NodeOptions

    func run() throws {
        var members: [AdminValue.Member] = [
            .init("name", .string(name)), .init("keep_sessions", .bool(keepSessions)),
        ]
        members += try password.members(for: name)
        node.show(try node.call("user.reset-password", .object(members)))
    }
}

struct UserDeactivate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deactivate",
        abstract: "Closes an account for good.",
        discussion: """
            It leaves all rooms and cannot log in again; its name is not given out anew. With \
            --erase its key is destroyed as well: what it wrote can then be read by nobody.
            """
    )

    @Argument(help: "Local part or user ID.") var name: String
    @Flag(help: "Destroy the user's key: their messages are gone everywhere.") var erase = false
    @Flag(help: "Do not ask.") var yes = false
    @OptionGroup var node: NodeOptions

    func run() throws {
        if !yes {
            Terminal.note(
                "\(erase ? "Close and erase" : "Close") the account \(name) for good? [yes/no] "
            )
            guard readLine() == "yes" else {
                throw Outcome.fail("nothing was done", Outcome.refused)
            }
        }
        node.show(
            try node.call(
                "user.deactivate",
                ["name": .string(name), "erase": .bool(erase)]
            )
        )
    }
}
