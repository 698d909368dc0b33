import AdminProtocol
import ArgumentParser

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Shows how the node is doing."
    )

    @OptionGroup var node: NodeOptions

    func run() throws { node.show(try node.call("status")) }
}

struct KeysCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "Looks after the keys that encrypt everything.",
        subcommands: [KeysStatus.self, KeysRotate.self, KeysShredRoom.self]
    )
}

struct KeysStatus: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Shows epochs, ages and fingerprints; never a key."
    )

    @OptionGroup var node: NodeOptions

    func run() throws { node.show(try node.call("keys.status")) }
}

struct KeysRotate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate",
        abstract: "Begins a new data-key epoch; the node goes on serving."
    )

    @OptionGroup var node: NodeOptions

    func run() throws { node.show(try node.call("keys.rotate")) }
}

struct KeysShredRoom: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shred-room",
        abstract: "Destroys a room's key: its messages can then be read by nobody."
    )

    @Argument(help: "Room ID.") var room: String
    @Flag(help: "Do not ask.") var yes = false
    @OptionGroup var node: NodeOptions

    func run() throws {
        if !yes {
            Terminal.note("Destroy all messages of \(room) for good? [yes/no] ")
            guard readLine() == "yes" else {
                throw Outcome.fail("nothing was done", Outcome.refused)
            }
        }
        node.show(try node.call("keys.shred-room", ["room_id": .string(room)]))
    }
}

struct LogCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log",
        abstract: "Checks and reads the message log.",
        discussion: "These also work while the node is stopped.",
        subcommands: [LogVerify.self, LogInspect.self, LogAcceptLoss.self]
    )
}

struct LogVerify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Reads every record and names the first bad one of each partition.",
        discussion: "Exits 2 when a record is damaged."
    )

    @Option(help: ArgumentHelp("Only this partition.", valueName: "number"))
    var partition: Int64?
    @OptionGroup var node: NodeOptions

    func run() throws {
        let arguments: AdminValue =
            partition.map { ["partition": .integer($0)] } ?? .object([])
        let answer = try node.callOrRunOffline("log.verify", arguments)
        node.show(answer)
        if let damaged = answer["damaged"]?.array, !damaged.isEmpty { throw Outcome.damaged }
    }
}

struct LogInspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Lists records of a partition.",
        discussion: "Shows headers only, unless --content is given."
    )

    @Argument(help: "Partition number.") var partition: Int64
    @Option(help: ArgumentHelp("First index.", valueName: "index")) var from: Int64 = 1
    @Option(help: ArgumentHelp("Most records to list.", valueName: "number"))
    var count: Int64 = 20
    @Flag(help: "Open and show the content too.") var content = false
    @OptionGroup var node: NodeOptions

    func run() throws {
        let answer = try node.callOrRunOffline(
            "log.inspect",
            [
                "partition": .integer(partition), "from": .integer(from),
                "count": .integer(count), "content": .bool(content),
            ]
        )
        node.show(node.json ? answer : answer["records"] ?? answer)
    }
}

struct LogAcceptLoss: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "accept-loss",
        abstract: "Records in the log itself that a damaged record is lost."
    )

    @Argument(help: "Partition number.") var partition: Int64
    @Argument(help: "Index that `log verify` named.") var index: Int64
    @OptionGroup var node: NodeOptions

    func run() throws {
        node.show(
            try node.callOrRunOffline(
                "log.accept-loss",
                ["partition": .integer(partition), "index": .integer(index)]
            )
        )
    }
}

struct RebuildCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild",
        abstract: "Folds the log anew and compares the result with what is in use.",
        discussion: "Exits 2 when they differ."
    )

    @OptionGroup var node: NodeOptions

    func run() throws {
        let answer = try node.callOrRunOffline("rebuild")
        node.show(answer)
        if answer["equal"]?.bool == false { throw Outcome.damaged }
    }
}
