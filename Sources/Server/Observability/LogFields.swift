package import Logging

/// Every key a log line may carry, in one place. A key that is not listed here is dropped by the
/// handler, so that a value can reach a log only after somebody decided that it may.
///
/// Never: message bodies, room or display names, account data, passwords, tokens, query strings.
package enum LogKey: String, Sendable, CaseIterable {
    case address, bytes, code, command, count, duration, epoch, file, from, index, level, limit
    case method, name, node, partition, pid, port, reason, records, replica, request, role, route
    case source, state, status, term, to, version
    /// Written as a pseudonym: equal values look alike within one run of the process.
    case user, room, device

    var isPersonal: Bool {
        switch self {
        case .user, .room, .device: true
        default: false
        }
    }
}

/// The value beside a `LogKey`: numbers and short texts of our own making.
package struct LogValue: Sendable, CustomStringConvertible, ExpressibleByStringInterpolation,
    ExpressibleByIntegerLiteral
{
    package let description: String
    package init(stringLiteral value: String) { description = value }
    package init(integerLiteral value: Int) { description = String(value) }
    package init(_ value: some CustomStringConvertible) { description = value.description }
}

extension Logger {
    /// Logs one line: a message that is the same every time, and what differs as fields.
    package func record(
        _ level: Logger.Level,
        _ message: StaticString,
        _ fields: KeyValuePairs<LogKey, LogValue> = [:]
    ) {
        guard logLevel <= level else { return }
        var metadata: Logger.Metadata = [:]
        for (key, value) in fields { metadata[key.rawValue] = .string(value.description) }
        log(level: level, "\(message)", metadata: metadata)
    }
}
