import Configuration
import Logging
import Observability

/// The process's log lines: where they go, in which form, and from which level on.
struct NodeLog: Sendable {
    let logger: Logger
    private let sink: LogSink
    private let threshold: LogThreshold

    /// Once per process.
    init(_ configuration: Configuration) throws {
        let settings = configuration.logging
        let sink: LogSink
        if let file = settings.file {
            guard let opened = LogSink(file: file) else {
                throw StartFailure(
                    "E-DISK-IO",
                    "cannot write the log file \(file)",
                    exitStatus: 74
                )
            }
            sink = opened
        } else {
            sink = .standardError
        }
        let threshold = LogThreshold(Self.level(settings))
        LoggingSystem.bootstrap {
            StructuredLogHandler(
                label: $0,
                format: settings.format == .json ? .json : .text,
                threshold: threshold,
                sink: sink
            )
        }
        self.sink = sink
        self.threshold = threshold
        logger = Logger(label: "warblerd")
    }

    /// Takes the level of a newly read configuration, and the file anew if it was moved away.
    func reload(_ configuration: Configuration) {
        threshold.level = Self.level(configuration.logging)
        sink.reopen()
    }

    private static func level(_ settings: Configuration.Logging) -> Logger.Level {
        Logger.Level(rawValue: settings.level.rawValue) ?? .info
    }
}
