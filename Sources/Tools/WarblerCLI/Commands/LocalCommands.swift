import AdminProtocol
import ArgumentParser
import Configuration
import Glibc
import Observability

struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Says what an error code means and what to do."
    )

    @Argument(help: "A code such as E-KEY-010; without one, all are listed.") var code: String?
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        guard let code else {
            let rows = ErrorCatalogue.all.map { entry -> AdminValue in
                ["code": .string(entry.code), "title": .string(entry.title)]
            }
            Terminal.show(json ? AdminValue.array(rows).json(indented: true) : table(rows))
            return
        }
        guard let entry = ErrorCatalogue.entry(for: code) else {
            let near = nearestWord(to: code.uppercased(), among: ErrorCatalogue.all.map(\.code))
            let hint = near.map { "; did you mean \($0)?" } ?? ""
            throw Outcome.fail("there is no code \(code)\(hint)", Outcome.usage)
        }
        Terminal.show(json ? document(entry).json(indented: true) : page(entry))
    }

    private func table(_ rows: [AdminValue]) -> String { Report.text(.array(rows)) }

    private func document(_ entry: ErrorCatalogue.Entry) -> AdminValue {
        [
            "code": .string(entry.code), "title": .string(entry.title),
            "meaning": .string(entry.meaning), "remedy": .string(entry.remedy),
            "exit_status": entry.exitStatus.map { .integer(Int64($0)) } ?? .null,
        ]
    }

    private func page(_ entry: ErrorCatalogue.Entry) -> String {
        var lines = ["\(entry.code): \(entry.title)", "", wrapped(entry.meaning), ""]
        lines.append(wrapped("What to do: " + entry.remedy))
        if let status = entry.exitStatus {
            lines += ["", "The server exits with status \(status)."]
        }
        return lines.joined(separator: "\n")
    }

    private func wrapped(_ text: String) -> String {
        var lines = [""]
        for word in text.split(separator: " ") {
            if lines[lines.count - 1].count + word.count > 78 { lines.append("") }
            lines[lines.count - 1] += (lines[lines.count - 1].isEmpty ? "" : " ") + word
        }
        return lines.joined(separator: "\n")
    }
}

struct ConfigCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Checks and prints configuration files.",
        subcommands: [ConfigCheck.self, ConfigShow.self, ConfigDefault.self, ConfigSet.self]
    )
}

struct ConfigCheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Lists everything that is wrong with a file.",
        discussion: "Environment variables WARBLER_SECTION__KEY are looked at too. Exits 78."
    )

    @Argument(help: "The file; without one, the node's.") var file: String?
    @OptionGroup var node: NodeOptions

    func run() throws {
        let configuration = try load(file, node)
        Terminal.show(
            node.json
                ? "{\"ok\":true}"
                : "The configuration is right. Server name: \(configuration.server.name)"
        )
    }
}

struct ConfigShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Prints the values in effect: defaults, file and environment together."
    )

    @Argument(help: "The file; without one, the node's.") var file: String?
    @OptionGroup var node: NodeOptions

    func run() throws { Terminal.show(try load(file, node).text(commented: false)) }
}

struct ConfigDefault: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "default",
        abstract: "Prints a commented file with every default."
    )

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp("Change a value.", valueName: "key=value")
    )
    var changes: [String] = []

    func run() throws {
        let configuration = try changed(nil, changes)
        Terminal.show(configuration.text(commented: true))
    }
}

struct ConfigSet: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Changes values in a file, keeping the others.",
        discussion: """
            The file is written anew with the standard comments; what it was before stays \
            beside it as FILE.before. A file that holds the registration token itself is \
            refused: keep the token in a file of its own.
            """
    )

    @Argument(help: "The file.") var file: String
    @Argument(help: ArgumentHelp("What to change.", valueName: "key=value"))
    var changes: [String]

    func run() throws {
        let configuration = try changed(file, changes)
        let server = configuration.server
        if server.registrationToken != nil, server.registrationTokenFile == nil {
            throw Outcome.fail(
                "\(file) holds the registration token itself: move it to a file first",
                Outcome.configuration
            )
        }
        guard replaceFile(file, with: configuration.text(commented: true)) else {
            throw Outcome.fail("\(file) cannot be written", Outcome.refused)
        }
    }
}

/// The file, or the defaults, with `KEY=VALUE` changes applied and checked.
private func changed(_ file: String?, _ changes: [String]) throws -> Configuration {
    var overrides: [(key: String, value: String)] = []
    for change in changes {
        guard let equals = change.firstIndex(of: "=") else {
            throw Outcome.fail("\(change) must be KEY=VALUE", Outcome.usage)
        }
        overrides.append(
            (String(change[..<equals]), String(change[change.index(after: equals)...]))
        )
    }
    do throws(ConfigurationErrors) {
        return try Configuration.load(file: file, overrides: overrides)
    } catch {
        throw Outcome.fail("the configuration has errors:\n\(error)", Outcome.configuration)
    }
}

/// Writes beside the file and renames, so that a crash leaves one whole file or the other.
private func replaceFile(_ path: String, with text: String) -> Bool {
    let draft = path + ".draft"
    let before = path + ".before"
    unlink(draft)
    let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { return false }
    let bytes = Array(text.utf8)
    let isWritten = write(descriptor, bytes, bytes.count) == bytes.count && fsync(descriptor) == 0
    close(descriptor)
    guard isWritten else { return false }
    unlink(before)
    return link(path, before) == 0 && rename(draft, path) == 0
}

private func load(_ named: String?, _ node: NodeOptions) throws -> Configuration {
    guard let file = named ?? node.configurationFile else {
        throw Outcome.fail("no configuration file is named", Outcome.usage)
    }
    do throws(ConfigurationErrors) {
        return try Configuration.load(file: file, environment: environment())
    } catch {
        if node.json {
            let rows = error.errors.map { item -> AdminValue in
                [
                    "place": .string(item.place), "message": .string(item.message),
                    "nearest": item.nearest.map { .string($0) } ?? .null,
                ]
            }
            Terminal.show(AdminValue.object([.init("errors", .array(rows))]).json(indented: true))
        } else {
            Terminal.note(error.description + "\n")
        }
        throw Outcome.configuration
    }
}
