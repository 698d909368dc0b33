import AdminProtocol
import ArgumentParser
import Configuration
import Glibc

/// How to find the node and how to show what it says.
struct NodeOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Socket of the node.", valueName: "path"))
    var socket: String?

    @Option(help: ArgumentHelp("Configuration file of the node.", valueName: "file"))
    var config: String?

    @Flag(help: "Print the answer as JSON.")
    var json = false

    /// The file named, or the usual place if there is a file.
    var configurationFile: String? {
        if let file = config ?? environmentValue("WARBLER_CONFIG") { return file }
        var candidates: [String] = []
        if let folder = environmentValue("XDG_CONFIG_HOME") {
            candidates.append("\(folder)/warbler/warbler.yaml")
        }
        if let home = environmentValue("HOME") {
            candidates.append("\(home)/.config/warbler/warbler.yaml")
        }
        let everyone = "/etc/warbler/warbler.yaml"
        candidates.insert(everyone, at: geteuid() == 0 ? 0 : candidates.count)
        return candidates.first { access($0, R_OK) == 0 }
    }

    func socketPath() throws -> String {
        if let path = socket ?? environmentValue("WARBLER_SOCKET") { return path }
        guard let file = configurationFile else {
            throw Outcome.fail(
                "no node is named: give --socket PATH or --config FILE",
                Outcome.usage
            )
        }
        do {
            return try Configuration.load(file: file, environment: environment())
                .adminSocketPath
        } catch {
            throw Outcome.fail("\(file) has errors:\n\(error)", Outcome.configuration)
        }
    }

    /// Asks the node and waits for its answer.
    func call(_ command: String, _ arguments: AdminValue = .object([])) throws -> AdminValue {
        let path = try socketPath()
        let request = AdminRequest(command: command, arguments: arguments)
        let progress = ProgressLine(isShown: !json)
        do throws(AdminClient.Problem) {
            let result = try AdminClient(socketPath: path).call(request) { progress.show($0) }
            progress.end()
            return result
        } catch {
            progress.end()
            throw outcome(of: error, at: path)
        }
    }

    /// Like `call`; when no node runs, the daemon's program is run on the data instead.
    func callOrRunOffline(
        _ command: String,
        _ arguments: AdminValue = .object([])
    ) throws -> AdminValue {
        let path = try socketPath()
        let request = AdminRequest(command: command, arguments: arguments)
        let progress = ProgressLine(isShown: !json)
        defer { progress.end() }
        do throws(AdminClient.Problem) {
            return try AdminClient(socketPath: path).call(request) { progress.show($0) }
        } catch .unreachable(let error) {
            guard let file = configurationFile else {
                throw outcome(of: .unreachable(error), at: path)
            }
            Terminal.note("No node answers at \(path): reading its data directly.\n")
            do throws(AdminClient.Problem) {
                return try OfflineNode(configurationFile: file).call(request) {
                    progress.show($0)
                }
            } catch {
                throw outcome(of: error, at: path)
            }
        } catch {
            throw outcome(of: error, at: path)
        }
    }

    private func outcome(of problem: AdminClient.Problem, at path: String) -> ExitCode {
        switch problem {
        case .unreachable(let error):
            let hint =
                error.number == EACCES
                ? "; only the user that runs it, and root, may" : "; is the node running?"
            return Outcome.fail("no node answers: \(error)\(hint)", Outcome.unreachable)
        case .interrupted(let why):
            return Outcome.fail(
                "the answer broke off, so the outcome is unknown: \(why)",
                Outcome.interrupted
            )
        case .refused(let failure):
            let hint = failure.code.hasPrefix("E-") ? " (warbler explain \(failure.code))" : ""
            if json { Terminal.show(AdminReply.failure(failure).line) }
            return Outcome.fail("\(failure.message) [\(failure.code)]\(hint)", Outcome.refused)
        }
    }

    /// Prints an answer as JSON or as lines for people.
    func show(_ value: AdminValue) {
        Terminal.show(json ? value.json(indented: true) : Report.text(value))
    }
}

/// One line on a terminal that is written over; plain lines elsewhere.
final class ProgressLine {
    private let isShown: Bool
    private var width = 0

    init(isShown: Bool) { self.isShown = isShown }

    func show(_ value: AdminValue) {
        guard isShown else { return }
        let text = Report.oneLine(value)
        if Terminal.hasErrorTerminal {
            let blank = String(repeating: " ", count: max(0, width - text.count))
            Terminal.note("\r\(text)\(blank)")
            width = text.count
        } else {
            Terminal.note(text + "\n")
        }
    }

    func end() {
        if width > 0 { Terminal.note("\n") }
        width = 0
    }
}

func environmentValue(_ name: String) -> String? {
    guard let value = getenv(name) else { return nil }
    let text = String(cString: value)
    return text.isEmpty ? nil : text
}

/// The whole environment of this process.
func environment() -> [String: String] {
    var result: [String: String] = [:]
    var entry = environ
    while let line = entry.pointee {
        let text = String(cString: line)
        if let equals = text.firstIndex(of: "=") {
            result[String(text[..<equals])] = String(text[text.index(after: equals)...])
        }
        entry += 1
    }
    return result
}
