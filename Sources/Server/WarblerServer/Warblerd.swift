import AdminProtocol
import ArgumentParser
import Configuration
import Glibc
import KeyFiles
import Observability

/// `warblerd`: one node. Wiring, upkeep (flush, disk reserve, key rotation), and what operators ask
/// for.
@main
struct Warblerd: ParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "warblerd",
        abstract: "A Warbler node: durable, encrypted messaging over the Matrix API.",
        discussion: """
            Exit status: 0 stopped; 64 wrong usage; 74 the disk cannot be trusted; 75 try again \
            later; 78 the configuration or the keys are wrong.

            SIGTERM or SIGINT stops it: requests under way are finished first. SIGHUP lets it read \
            the certificate, its key and the log's settings again.
            """,
        version: version
    )

    @Option(help: "The configuration file.")
    var config: String?

    @Option(
        name: .customLong("set"),
        help: "A setting over the file's: SECTION.KEY=VALUE. Repeatable."
    )
    var settings: [String] = []

    @Flag(help: "Check the configuration, say what is wrong with it, and end.")
    var check = false

    @Flag(help: "Print the configuration with every default and end.")
    var printDefaultConfiguration = false

    @Flag(
        help: """
            For benchmarks on loopback only: lifts limits. The data it writes opens in no normal \
            start.
            """
    )
    var bench = false

    @Flag(help: "With --bench: write files without encryption.")
    var benchPlain = false

    @Option(help: "Run one command on the data of a stopped node.")
    var offline: String?

    @Option(help: "Arguments of the --offline command, as JSON.")
    var arguments = "{}"

    mutating func run() throws {
        if printDefaultConfiguration {
            print(Configuration.defaultText)
            return
        }
        let loaded = try load()
        if check {
            print("the configuration is right")
            return
        }
        if benchPlain, !bench {
            throw ValidationError("--bench-plain goes with --bench")
        }
        hardenProcess()
        let mode = StoreMode(isBench: bench, isPlain: benchPlain)
        do {
            if let offline {
                try OfflineCommand(name: offline, argumentsText: arguments).run(loaded, mode)
            } else {
                let again = self
                try Service(loaded, mode) { try again.read() }.run()
            }
        } catch let failure as StartFailure {
            writeError(failure.description)
            throw ExitCode(failure.exitStatus)
        }
    }

    private func load() throws -> Configuration {
        do { return try read() } catch let errors as ConfigurationErrors {
            writeError(errors.description)
            throw ExitCode(78)
        }
    }

    private func read() throws -> Configuration {
        var overrides: [(key: String, value: String)] = []
        for setting in settings {
            guard let equals = setting.firstIndex(of: "=") else {
                throw ValidationError("--set takes SECTION.KEY=VALUE, not '\(setting)'")
            }
            overrides.append(
                (String(setting[..<equals]), String(setting[setting.index(after: equals)...]))
            )
        }
        var loaded = try Configuration.load(
            file: config,
            environment: environment(),
            overrides: overrides
        )
        if bench {
            guard loaded.listen.allSatisfy(\.isLoopback) else {
                throw ValidationError("--bench listens on loopback only")
            }
            loaded.liftLimitsForBench()
        }
        return loaded
    }

    private func environment() -> [String: String] {
        var found: [String: String] = [:]
        var entry = environ
        while let pointer = entry.pointee {
            let text = String(cString: pointer)
            if let equals = text.firstIndex(of: "=") {
                found[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            entry += 1
        }
        return found
    }
}

/// Nothing of this process may reach a core file: it holds keys.
private func hardenProcess() {
    if !ProcessMemory.forbidDumps() {
        writeError("warning: the kernel does not keep this process out of core dumps")
    }
    var none = rlimit(rlim_cur: 0, rlim_max: 0)
    setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
    var files = rlimit()
    if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &files) == 0 {
        files.rlim_cur = files.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &files)
    }
    signal(SIGPIPE, SIG_IGN)
}

func writeError(_ text: String) {
    let bytes = Array((text + "\n").utf8)
    _ = bytes.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
}
