import AdminProtocol
import ArgumentParser

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Shows how the node is doing.",
        discussion: """
            Readiness and what is against it, connections, waiting syncs, sizes of log and \
            state, the disk and its reserve, key epochs, and each partition with its last, \
            committed and applied index. Also answered while the node starts.
            """
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
        abstract: "Shows epochs, when each began, and the files that use it; never a key.",
        discussion: "A new epoch begins by itself after `keys.rotation_days`."
    )

    @OptionGroup var node: NodeOptions

    func run() throws { node.show(try node.call("keys.status")) }
}

struct KeysRotate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate",
        abstract: "Begins a new data-key epoch; the node goes on serving.",
        discussion: """
            What is written from then on lies under the new key; older files follow as the \
            store rewrites them.
            """
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
        abstract: "Reads every record and names those that are damaged or missing.",
        discussion: """
            The end of each partition is held against the mark, as a start does. Exits 2 when \
            something is damaged; the column WORD is what `log accept-loss` wants to hear.
            """
    )

    @Option(help: ArgumentHelp("Only this partition: a number, or `keys`.", valueName: "name"))
    var partition: String?
    @OptionGroup var node: NodeOptions

    func run() throws {
        let arguments: AdminValue =
            partition.map { ["partition": .string($0)] } ?? .object([])
        let answer = try node.callOrRunOffline("log.verify", arguments)
        node.show(answer)
        if let damaged = answer["damaged"]?.array, !damaged.isEmpty { throw Outcome.damaged }
    }
}

struct LogInspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Lists records of a partition: headers and kinds of facts, never content."
    )

    @Argument(help: "Partition: a number, or `keys`.") var partition: String
    @Option(help: ArgumentHelp("First index.", valueName: "index")) var from: Int64 = 1
    @Option(help: ArgumentHelp("Most records to list.", valueName: "number"))
    var count: Int64 = 20
    @OptionGroup var node: NodeOptions

    func run() throws {
        let answer = try node.callOrRunOffline(
            "log.inspect",
            [
                "partition": .string(partition), "from": .integer(from),
                "count": .integer(count),
            ]
        )
        node.show(node.json ? answer : answer["records"] ?? answer)
    }
}

struct LogAcceptLoss: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "accept-loss",
        abstract: "Records in the log itself that records are lost, so that the node starts.",
        discussion: """
            For a node without a copy to repair it from. Stop it first, and keep a copy of the \
            data folder. Without --yes-lose this lists what is damaged or missing and changes \
            nothing. With it, the indexes named are given up for good: blank records take their \
            places and the log says so. When rows were folded from them, all rows are moved aside \
            and folded anew by the next start. Exits 1 when nothing was changed.
            """
    )

    @Option(
        name: .customLong("yes-lose"),
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "What is given up, in the words of `log verify`, as 12:6-9.",
            valueName: "word"
        )
    )
    var words: [String] = []
    @OptionGroup var node: NodeOptions

    func run() throws {
        guard words.isEmpty else {
            let list = AdminValue.array(words.map { .string($0) })
            node.show(try node.callOrRunOffline("log.accept-loss", ["words": list]))
            return
        }
        let answer = try node.callOrRunOffline("log.verify")
        node.show(answer)
        let damaged = answer["damaged"]?.array ?? []
        guard !damaged.isEmpty else {
            throw Outcome.fail("nothing is damaged, nothing was changed", Outcome.refused)
        }
        let named = damaged.compactMap { $0["word"]?.string }.joined(separator: " ")
        throw Outcome.fail(
            "nothing was changed. To go on without these records:\n"
                + "    warbler log accept-loss --yes-lose \(named)",
            Outcome.refused
        )
    }
}

struct RebuildCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild",
        abstract: "Folds the log anew and compares the result with what is in use.",
        discussion: """
            Nothing is changed: the rows are folded into a folder beside the data, which needs \
            as much room as the state does and is removed at the end. Works on a running node, \
            at the cost of its disk and of one processor, and on a stopped one. Exits 2 when \
            the two differ, naming table, partition and key of the first row that does; then \
            stop the node, move the state folder away and start: it is folded from the log.
            """
    )

    @OptionGroup var node: NodeOptions

    func run() throws {
        let answer = try node.callOrRunOffline("rebuild")
        node.show(answer)
        guard answer["equal"]?.bool != true else { return }
        let first = answer["first"]
        let words = ["table", "partition", "key", "what"].compactMap { first?[$0]?.string }
        Terminal.complain("log and rows differ, first: \(words.joined(separator: " "))")
        throw Outcome.damaged
    }
}
