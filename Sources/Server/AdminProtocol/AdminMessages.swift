/// What `warbler` asks of the daemon: one JSON object on one line.
///
///     {"command":"user.create","arguments":{"name":"alice"}}
package struct AdminRequest: Sendable, Equatable {
    /// Noun and verb, as in `user.create`.
    package let command: String
    /// An object; empty when the command takes nothing.
    package let arguments: AdminValue

    package init(command: String, arguments: AdminValue = .object([])) {
        self.command = command
        self.arguments = arguments
    }

    package var line: String {
        AdminValue.object([
            .init("command", .string(command)), .init("arguments", arguments),
        ]).json()
    }

    package init(line: [UInt8]) throws(AdminParseError) {
        let value = try AdminValue(parsing: line)
        guard let command = value["command"]?.string else {
            throw AdminParseError(message: "`command` is missing", offset: 0)
        }
        let arguments = value["arguments"] ?? .object([])
        guard arguments.object != nil else {
            throw AdminParseError(message: "`arguments` must be an object", offset: 0)
        }
        self.init(command: command, arguments: arguments)
    }
}

/// What the daemon answers: any number of progress lines, then exactly one result or failure.
///
///     {"progress":{"records":120000}}
///     {"ok":true,"result":{…}}
///     {"ok":false,"code":"M_USER_IN_USE","error":"there is an account of that name"}
package enum AdminReply: Sendable, Equatable {
    case progress(AdminValue)
    case result(AdminValue)
    case failure(AdminFailure)

    package var line: String {
        let value: AdminValue =
            switch self {
            case .progress(let value): ["progress": value]
            case .result(let value): ["ok": true, "result": value]
            case .failure(let failure):
                ["ok": false, "code": .string(failure.code), "error": .string(failure.message)]
            }
        return value.json()
    }

    package init(line: [UInt8]) throws(AdminParseError) {
        let value = try AdminValue(parsing: line)
        if let progress = value["progress"] {
            self = .progress(progress)
        } else if value["ok"]?.bool == true {
            self = .result(value["result"] ?? .null)
        } else if value["ok"]?.bool == false {
            self = .failure(
                AdminFailure(
                    code: value["code"]?.string ?? "E-ADMIN-UNKNOWN",
                    message: value["error"]?.string ?? "the daemon gave no reason"
                )
            )
        } else {
            throw AdminParseError(message: "neither progress nor an answer", offset: 0)
        }
    }
}

/// A command that was refused or went wrong; the code is a Matrix error code or one that
/// `warbler explain` knows.
package struct AdminFailure: Error, Sendable, Equatable, CustomStringConvertible {
    package let code: String
    package let message: String
    package init(code: String, message: String) {
        self.code = code
        self.message = message
    }
    package var description: String { "\(code): \(message)" }

    package static func unknownCommand(_ command: String) -> AdminFailure {
        AdminFailure(code: "E-ADMIN-COMMAND", message: "this node knows no command \(command)")
    }
    package static func badArgument(_ message: String) -> AdminFailure {
        AdminFailure(code: "E-ADMIN-ARGUMENT", message: message)
    }
}

extension AdminRequest {
    /// The named argument, or a failure that says which one is missing.
    package func text(_ name: String) throws(AdminFailure) -> String {
        guard let text = arguments[name]?.string, !text.isEmpty else {
            throw .badArgument("`\(name)` is missing")
        }
        return text
    }

    package func flag(_ name: String) -> Bool { arguments[name]?.bool ?? false }
}
