package import Glibc
package import Logging
import Synchronization

/// From which level on lines are written, for all loggers at once: it may change while they run.
package final class LogThreshold: Sendable {
    private let state: Mutex<Logger.Level>
    package init(_ level: Logger.Level) { state = Mutex(level) }
    package var level: Logger.Level {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}

/// Writes each event as one line of text or one JSON object:
///
///     2026-11-21T10:15:02.031Z info  [gateway] request done method=PUT status=200
///     {"time":"2026-11-21T10:15:02.031Z","level":"info","logger":"gateway","message":…}
///
/// Control characters are escaped and values cut at 300 characters, so that nothing a client
/// sends can forge a line or flood the log.
package struct StructuredLogHandler: LogHandler {
    package enum Format: String, Sendable { case text, json }

    package static let valueCharactersMax = 300

    /// The threshold's, unless this logger was given one of its own.
    package var logLevel: Logger.Level {
        get { ownLevel ?? threshold.level }
        set { ownLevel = newValue }
    }
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    private let label: String
    private let format: Format
    private let sink: LogSink
    private let threshold: LogThreshold
    private var ownLevel: Logger.Level?
    private let now: @Sendable () -> timespec

    package init(label: String, format: Format, threshold: LogThreshold, sink: LogSink) {
        self.init(label: label, format: format, threshold: threshold, sink: sink, now: wallClock)
    }

    /// With a clock of the caller's, for tests.
    package init(
        label: String,
        format: Format,
        threshold: LogThreshold,
        sink: LogSink,
        now: @escaping @Sendable () -> timespec
    ) {
        self.label = label
        self.format = format
        self.sink = sink
        self.now = now
        self.threshold = threshold
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var merged = metadata
        if let provided = metadataProvider?.get() {
            merged.merge(provided) { _, new in new }
        }
        if let own = event.metadata { merged.merge(own) { _, new in new } }
        let fields = merged.sorted { $0.key < $1.key }
            .map { (key: $0.key, text: allowed($0.key, $0.value)) }
        sink.write(
            line: format == .json
                ? jsonLine(event.level, event.message.description, fields)
                : textLine(event.level, event.message.description, fields)
        )
    }

    private func allowed(_ key: String, _ value: Logger.MetadataValue) -> String {
        guard let key = LogKey(rawValue: key) else { return "[unlisted]" }
        return key.isPersonal ? pseudonym(value.description) : cut(value.description)
    }

    private func cut(_ text: String) -> String {
        text.count <= Self.valueCharactersMax
            ? text : text.prefix(Self.valueCharactersMax) + "…"
    }

    private func textLine(
        _ level: Logger.Level,
        _ message: String,
        _ fields: [(key: String, text: String)]
    ) -> String {
        let name = level.rawValue.padded(to: 8)
        var line = "\(timestamp(now())) \(name) [\(label)] \(escaped(cut(message), quotes: false))"
        for field in fields {
            let plain = field.text.unicodeScalars.allSatisfy {
                $0.value > 0x20 && $0 != "\"" && $0 != "\\" && $0.value != 0x7F
            }
            let text =
                plain && !field.text.isEmpty
                ? field.text : "\"\(escaped(field.text, quotes: true))\""
            line += " \(escaped(cut(field.key), quotes: false))=\(text)"
        }
        return line + "\n"
    }

    private func jsonLine(
        _ level: Logger.Level,
        _ message: String,
        _ fields: [(key: String, text: String)]
    ) -> String {
        func json(_ text: String) -> String { "\"\(escaped(text, quotes: true))\"" }
        var line = "{\"time\":\"\(timestamp(now()))\",\"level\":\"\(level.rawValue)\""
        line += ",\"logger\":\(json(label)),\"message\":\(json(cut(message)))"
        for field in fields { line += ",\(json(cut(field.key))):\(json(field.text))" }
        return line + "}\n"
    }
}

private func wallClock() -> timespec {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return time
}

/// The process's own hash seed keeps a log of one run from being joined with another's.
private func pseudonym(_ text: String) -> String {
    var hasher = Hasher()
    hasher.combine(text)
    let hash = UInt64(bitPattern: Int64(hasher.finalize()))
    return "~" + String(hash & 0xFFFF_FFFF_FFFF, radix: 16)
}

private func timestamp(_ time: timespec) -> String {
    var seconds = time.tv_sec
    var parts = tm()
    gmtime_r(&seconds, &parts)
    func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : String(value) }
    let milliseconds = String(1_000 + time.tv_nsec / 1_000_000).dropFirst()
    return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
        + "T\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)).\(milliseconds)Z"
}

private func escaped(_ text: String, quotes: Bool) -> String {
    var result = ""
    result.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"" where quotes: result += "\\\""
        case "\\" where quotes: result += "\\\\"
        case "\n": result += "\\n"
        case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{2028}", "\u{2029}":
            let hex = String(scalar.value, radix: 16)
            result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
