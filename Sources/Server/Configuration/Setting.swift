/// What a file, an environment variable or a flag says for one key.
enum RawValue: Sendable, Equatable {
    case null
    case scalar(String)
    case list([RawValue])
    case mapping

    var kind: String {
        switch self {
        case .null: "nothing"
        case .scalar(let text): "\"\(text)\""
        case .list: "a list"
        case .mapping: "a group of keys"
        }
    }
}

/// Why a value does not fit its key, in words that follow the key's name.
struct SettingProblem: Error {
    let message: String
}

/// One key of the file: how it is read into a `Root`, shown as YAML, and explained.
package struct Setting<Root: Sendable>: Sendable {
    /// Dotted, as in `server.name`; for a listener the key alone.
    package let path: String
    package let documentation: String
    let apply: @Sendable (inout Root, RawValue) throws(SettingProblem) -> Void
    package let show: @Sendable (Root) -> String

    typealias Field<Value> = any WritableKeyPath<Root, Value> & Sendable

    static func integer(
        _ path: String,
        _ field: Field<Int>,
        _ range: ClosedRange<Int>,
        _ documentation: String
    ) -> Setting {
        Setting(path: path, documentation: documentation) { root, raw throws(SettingProblem) in
            let text = try scalar(raw, wanted: "a whole number")
            guard let number = Int(text.filter { $0 != "_" }) else {
                throw SettingProblem(message: "must be a whole number, not \"\(text)\"")
            }
            root[keyPath: field] = try checked(number, range) { String($0) }
        } show: {
            String($0[keyPath: field])
        }
    }

    static func bytes(
        _ path: String,
        _ field: Field<Int>,
        _ range: ClosedRange<Int>,
        _ documentation: String
    ) -> Setting {
        Setting(path: path, documentation: documentation) { root, raw throws(SettingProblem) in
            let text = try scalar(raw, wanted: "a size")
            guard let count = ByteCount.parse(text) else {
                throw SettingProblem(
                    message: "must be a size such as 65536, 64 KiB, 1 MiB or 2 GiB, not \"\(text)\""
                )
            }
            root[keyPath: field] = try checked(count, range, ByteCount.text)
        } show: {
            ByteCount.text($0[keyPath: field])
        }
    }

    static func number(
        _ path: String,
        _ field: Field<Double>,
        _ range: ClosedRange<Double>,
        _ documentation: String
    ) -> Setting {
        Setting(path: path, documentation: documentation) { root, raw throws(SettingProblem) in
            let text = try scalar(raw, wanted: "a number")
            guard let number = Double(text), number.isFinite else {
                throw SettingProblem(message: "must be a number, not \"\(text)\"")
            }
            root[keyPath: field] = try checked(number, range, shortText)
        } show: {
            shortText($0[keyPath: field])
        }
    }

    static func flag(_ path: String, _ field: Field<Bool>, _ documentation: String) -> Setting {
        Setting(path: path, documentation: documentation) { root, raw throws(SettingProblem) in
            let text = try scalar(raw, wanted: "true or false")
            switch text.lowercased() {
            case "true", "yes", "on": root[keyPath: field] = true
            case "false", "no", "off": root[keyPath: field] = false
            default: throw SettingProblem(message: "must be true or false, not \"\(text)\"")
            }
        } show: {
            $0[keyPath: field] ? "true" : "false"
        }
    }

    static func text(
        _ path: String,
        _ field: Field<String>,
        _ documentation: String,
        check: @escaping @Sendable (String) throws(SettingProblem) -> Void = { _ in }
    ) -> Setting {
        Setting(path: path, documentation: documentation) { root, raw throws(SettingProblem) in
            let text = try scalar(raw, wanted: "text")
            guard !text.isEmpty else { throw SettingProblem(message: "must not be empty") }
            try check(text)
            root[keyPath: field] = text
        } show: {
            quoted($0[keyPath: field])
        }
    }

    static func optionalText(
        _ path: String,
        _ field: Field<String?>,
        _ documentation: String,
        check: @escaping @Sendable (String) throws(SettingProblem) -> Void = { _ in }
    ) -> Setting {
        Setting(path: path, documentation: documentation) { root, raw throws(SettingProblem) in
            if raw == .null {
                root[keyPath: field] = nil
                return
            }
            let text = try scalar(raw, wanted: "text")
            guard !text.isEmpty else { throw SettingProblem(message: "must not be empty") }
            try check(text)
            root[keyPath: field] = text
        } show: {
            $0[keyPath: field].map { quoted($0) } ?? "null"
        }
    }

    /// Shown masked: the effective configuration may be printed.
    static func secret(
        _ path: String,
        _ field: Field<Secret?>,
        _ documentation: String
    ) -> Setting {
        Setting(path: path, documentation: documentation) { root, raw throws(SettingProblem) in
            if raw == .null {
                root[keyPath: field] = nil
                return
            }
            let text = try scalar(raw, wanted: "text")
            guard !text.isEmpty else { throw SettingProblem(message: "must not be empty") }
            root[keyPath: field] = Secret(text)
        } show: {
            $0[keyPath: field] == nil ? "null" : "\"[hidden]\""
        }
    }

    static func choice<Value>(
        _ path: String,
        _ field: Field<Value>,
        _ documentation: String
    ) -> Setting where Value: RawRepresentable<String> & CaseIterable & Sendable {
        Setting(path: path, documentation: documentation) { root, raw throws(SettingProblem) in
            let names = Value.allCases.map(\.rawValue)
            let text = try scalar(raw, wanted: "one of \(names.joined(separator: ", "))")
            guard let value = Value(rawValue: text) else {
                throw SettingProblem(
                    message: "must be one of \(names.joined(separator: ", ")), not \"\(text)\""
                )
            }
            root[keyPath: field] = value
        } show: {
            let text = $0[keyPath: field].rawValue
            // `11` and `off` would otherwise read back as a number and a boolean elsewhere.
            return text == "off" || text.allSatisfy(\.isNumber) ? quoted(text) : text
        }
    }

    static func texts(
        _ path: String,
        _ field: Field<[String]>,
        _ documentation: String
    ) -> Setting {
        Setting(path: path, documentation: documentation) { root, raw throws(SettingProblem) in
            root[keyPath: field] = try scalars(raw)
        } show: {
            "[" + $0[keyPath: field].map(quoted).joined(separator: ", ") + "]"
        }
    }

    static func ranges(
        _ path: String,
        _ field: Field<[AddressRange]>,
        _ documentation: String
    ) -> Setting {
        Setting(path: path, documentation: documentation) { root, raw throws(SettingProblem) in
            var ranges: [AddressRange] = []
            for text in try scalars(raw) {
                guard let range = AddressRange(text) else {
                    throw SettingProblem(
                        message: "holds \"\(text)\", which is no IP address or ADDRESS/BITS range"
                    )
                }
                ranges.append(range)
            }
            root[keyPath: field] = ranges
        } show: {
            "[" + $0[keyPath: field].map { quoted($0.description) }.joined(separator: ", ") + "]"
        }
    }
}

private func scalar(_ raw: RawValue, wanted: String) throws(SettingProblem) -> String {
    guard case .scalar(let text) = raw else {
        throw SettingProblem(message: "must be \(wanted), not \(raw.kind)")
    }
    return text
}

/// A list of texts; a single text counts as a list of one, and an environment variable may
/// separate several by commas.
private func scalars(_ raw: RawValue) throws(SettingProblem) -> [String] {
    switch raw {
    case .null: return []
    case .scalar(let text):
        return text.split(separator: ",").map { trimmed($0) }.filter { !$0.isEmpty }
    case .list(let items):
        var texts: [String] = []
        for item in items { texts.append(try scalar(item, wanted: "a list of texts")) }
        return texts
    case .mapping: throw SettingProblem(message: "must be a list, not a group of keys")
    }
}

private func trimmed(_ text: Substring) -> String {
    var text = text
    while text.first == " " { text.removeFirst() }
    while text.last == " " { text.removeLast() }
    return String(text)
}

private func checked<Value: Comparable>(
    _ value: Value,
    _ range: ClosedRange<Value>,
    _ show: (Value) -> String
) throws(SettingProblem) -> Value {
    guard range.contains(value) else {
        throw SettingProblem(
            message: "must be between \(show(range.lowerBound)) and \(show(range.upperBound)), "
                + "not \(show(value))"
        )
    }
    return value
}

/// YAML's double-quoted form.
func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": result += "\\\""
        case "\\": result += "\\\\"
        case "\n": result += "\\n"
        case "\t": result += "\\t"
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result + "\""
}
