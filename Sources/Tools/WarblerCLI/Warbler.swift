import ArgumentParser

/// The command line of a running node. Everything but `explain` and `config` is asked of the
/// daemon over its local socket; this program opens no data itself.
@main
struct Warbler: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "warbler",
        abstract: "Looks after a Warbler node.",
        discussion: """
            The node is found by --socket, by $WARBLER_SOCKET, or by the configuration file: \
            --config, $WARBLER_CONFIG, /etc/warbler/warbler.yaml for root and \
            ~/.config/warbler/warbler.yaml for others.

            Exit status: 0 done; 1 refused or failed; 2 done, and something is wrong with the \
            data; 64 wrong usage; 69 no node answers; 76 the answer broke off, so the outcome \
            is unknown; 78 the configuration has errors.
            """,
        subcommands: [
            UserCommands.self, StatusCommand.self, KeysCommands.self, LogCommands.self,
            RebuildCommand.self, ExplainCommand.self, ConfigCommands.self,
        ]
    )
}

/// Ends the program with one of the documented statuses, after it said why.
enum Outcome {
    static let refused = ExitCode(1)
    static let damaged = ExitCode(2)
    static let usage = ExitCode(64)
    static let unreachable = ExitCode(69)
    static let interrupted = ExitCode(76)
    static let configuration = ExitCode(78)

    static func fail(_ message: String, _ status: ExitCode) -> ExitCode {
        Terminal.complain(message)
        return status
    }
}
