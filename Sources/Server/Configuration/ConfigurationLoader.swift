import Glibc
import Yams

extension Configuration {
    /// Defaults, then the file, then `WARBLER_SECTION__KEY` variables, then `overrides`
    /// (dotted keys from the command line); the later one wins.
    ///
    /// - Parameters:
    ///   - file: a YAML file; nil for defaults alone. Its folder is where relative paths start.
    ///   - environment: names without `__` are not looked at, so that variables of other
    ///     purpose (`WARBLER_ROOT_KEY`) may exist.
    /// - Throws: everything that is wrong, at once.
    package static func load(
        file: String?,
        environment: [String: String] = [:],
        overrides: [(key: String, value: String)] = []
    ) throws(ConfigurationErrors) -> Configuration {
        var loader = ConfigurationLoader()
        if let file { loader.read(file: file) }
        return try loader.finish(
            environment,
            overrides,
            folder: file.map(folderName) ?? "."
        )
    }

    /// The same for text at hand, called `name` in complaints.
    package static func load(
        yaml: String,
        named name: String,
        environment: [String: String] = [:],
        overrides: [(key: String, value: String)] = []
    ) throws(ConfigurationErrors) -> Configuration {
        var loader = ConfigurationLoader()
        loader.read(yaml: yaml, named: name)
        return try loader.finish(environment, overrides, folder: ".")
    }
}

/// Collects values and complaints from the three sources.
struct ConfigurationLoader {
    private(set) var configuration = Configuration()
    private(set) var errors: [ConfigurationError] = []
    /// Where each key was last set, for complaints that join several values.
    private var places: [String: String] = [:]

    // MARK: The file

    mutating func read(file: String) {
        switch readText(file) {
        case .failure(let problem): complain(file, problem.message)
        case .success(let text): read(yaml: text, named: file)
        }
    }

    mutating func read(yaml text: String, named file: String) {
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            complain(yamlPlace(error, file), yamlMessage(error))
            return
        }
        guard let root, !isNull(root) else { return }
        guard let sections = root.mapping else {
            complain(place(root, file), "the file must hold sections such as `server:`")
            return
        }
        let known = ConfigurationSchema.sections.map(\.name) + ["listen"]
        for (key, value) in sections {
            let name = key.string ?? "?"
            if name == "listen" {
                readListeners(value, file: file)
            } else if known.contains(name) {
                readSection(name, value, file: file)
            } else {
                complain(
                    place(key, file),
                    "there is no section `\(name)`",
                    nearest: nearestWord(to: name, among: known)
                )
            }
        }
    }

    private mutating func readSection(_ section: String, _ node: Node, file: String) {
        if isNull(node) { return }
        guard let mapping = node.mapping else {
            complain(place(node, file), "`\(section)` must be a group of keys")
            return
        }
        for (key, value) in mapping {
            set("\(section).\(key.string ?? "?")", raw(value), at: place(key, file))
        }
    }

    private mutating func readListeners(_ node: Node, file: String) {
        guard let items = node.sequence, !items.isEmpty else {
            complain(place(node, file), "`listen` must be a list with at least one address")
            return
        }
        configuration.listen = []
        for (index, item) in items.enumerated() {
            configuration.listen.append(Configuration.Listener())
            places["listen.\(index)"] = place(item, file)
            guard let mapping = item.mapping else {
                complain(place(item, file), "an entry of `listen` must be a group of keys")
                continue
            }
            for (key, value) in mapping {
                set("listen.\(index).\(key.string ?? "?")", raw(value), at: place(key, file))
            }
        }
    }

    // MARK: Environment and flags

    private mutating func apply(environment: [String: String]) {
        let prefix = "WARBLER_"
        for (name, value) in environment.sorted(by: { $0.key < $1.key }) {
            guard name.hasPrefix(prefix), name.contains("__") else { continue }
            let words = separated(String(name.dropFirst(prefix.count)).lowercased(), by: "__")
            set(words.joined(separator: "."), plain(value), at: name)
        }
    }

    private mutating func apply(overrides: [(key: String, value: String)]) {
        for (key, value) in overrides { set(key, plain(value), at: "--set \(key)") }
    }

    private mutating func set(_ key: String, _ value: RawValue, at place: String) {
        if key.hasPrefix("listen.") {
            setListener(key, value, at: place)
            return
        }
        guard let setting = ConfigurationSchema.settings[key] else {
            complainUnknown(key, at: place)
            return
        }
        do throws(SettingProblem) {
            try setting.apply(&configuration, value)
            places[key] = place
        } catch {
            complain(place, "`\(key)` \(error.message)")
        }
    }

    private mutating func setListener(_ key: String, _ value: RawValue, at place: String) {
        let words = key.split(separator: ".")
        guard words.count == 3, let index = Int(words[1]), index >= 0 else {
            complain(place, "`\(key)` must be listen.NUMBER.KEY, counted from 0")
            return
        }
        guard index <= configuration.listen.count else {
            complain(place, "`listen.\(index)` would leave a gap in the list")
            return
        }
        if index == configuration.listen.count {
            configuration.listen.append(Configuration.Listener())
        }
        places["listen.\(index)"] = places["listen.\(index)"] ?? place
        guard let setting = ConfigurationSchema.listener.first(where: { $0.path == words[2] })
        else {
            complain(
                place,
                "there is no key `\(words[2])` in an entry of `listen`",
                nearest: nearestWord(
                    to: String(words[2]),
                    among: ConfigurationSchema.listener.map(\.path)
                )
            )
            return
        }
        do throws(SettingProblem) {
            try setting.apply(&configuration.listen[index], value)
        } catch {
            complain(place, "`\(key)` \(error.message)")
        }
    }

    private mutating func complainUnknown(_ key: String, at place: String) {
        // A slip inside the right section is likelier than a similar key elsewhere.
        let section = key.prefix { $0 != "." } + "."
        let all = ConfigurationSchema.settings.keys.sorted()
        let near =
            nearestWord(to: key, among: all.filter { $0.hasPrefix(section) })
            ?? nearestWord(to: key, among: all)
        complain(place, "there is no key `\(key)`", nearest: near)
    }

    mutating func complain(_ place: String, _ message: String, nearest: String? = nil) {
        errors.append(ConfigurationError(place: place, message: message, nearest: nearest))
    }

    // MARK: Rules over several values

    mutating func finish(
        _ environment: [String: String],
        _ overrides: [(key: String, value: String)],
        folder: String
    ) throws(ConfigurationErrors) -> Configuration {
        apply(environment: environment)
        apply(overrides: overrides)
        checkTogether(folder: folder)
        if !errors.isEmpty { throw ConfigurationErrors(errors: errors) }
        return configuration
    }

    /// Resolves paths and secrets and checks what one value alone cannot tell.
    private mutating func checkTogether(folder: String) {
        resolvePaths(folder: folder)
        checkRegistration()
        checkListeners()
        checkKeys()
        let storage = configuration.storage
        if storage.reserveCriticalBytes > storage.reserveLowBytes {
            complain(
                places["storage.reserve_critical_bytes"] ?? places["storage.reserve_low_bytes"]
                    ?? "storage",
                "`storage.reserve_critical_bytes` must not exceed `storage.reserve_low_bytes`"
            )
        }
    }

    private mutating func resolvePaths(folder: String) {
        func resolved(_ path: String) -> String {
            path.hasPrefix("/") || folder == "." ? path : "\(folder)/\(path)"
        }
        configuration.data.directory = resolved(configuration.data.directory)
        configuration.keys.path = resolved(configuration.keys.path)
        configuration.logging.file = configuration.logging.file.map(resolved)
        configuration.admin.socketPath = configuration.admin.socketPath.map(resolved)
        configuration.server.registrationTokenFile =
            configuration.server.registrationTokenFile.map(resolved)
        for index in configuration.listen.indices {
            configuration.listen[index].tlsCertificateFile =
                configuration.listen[index].tlsCertificateFile.map(resolved)
            configuration.listen[index].tlsKeyFile =
                configuration.listen[index].tlsKeyFile.map(resolved)
        }
        // sockaddr_un holds 108 bytes with the closing zero.
        if configuration.adminSocketPath.utf8.count > 107 {
            complain(
                places["admin.socket_path"] ?? places["data.directory"] ?? "admin.socket_path",
                "`admin.socket_path` is longer than the 107 bytes a socket's path may have"
            )
        }
    }

    private mutating func checkRegistration() {
        let server = configuration.server
        let place = places["server.registration_token_file"] ?? "server.registration_token_file"
        if let file = server.registrationTokenFile, server.registration == .token {
            if server.registrationToken != nil {
                complain(place, "give the registration token itself or its file, not both")
                return
            }
            if isReadableByOthers(file) {
                complain(place, "\(file) can be read by others: chmod 600 it")
            }
            switch readText(file) {
            case .failure(let problem): complain(place, problem.message)
            case .success(let text):
                let line = String(text.prefix { !$0.isNewline })
                if line.isEmpty {
                    complain(place, "\(file) holds no token in its first line")
                } else {
                    configuration.server.registrationToken = Secret(line)
                }
            }
        } else if server.registration == .token, server.registrationToken == nil {
            complain(
                places["server.registration"] ?? "server.registration",
                "`registration: token` needs `registration_token` or `registration_token_file`"
            )
        }
    }

    private mutating func checkListeners() {
        for (index, listener) in configuration.listen.enumerated() {
            let place = places["listen.\(index)"] ?? "listen.\(index)"
            if (listener.tlsCertificateFile == nil) != (listener.tlsKeyFile == nil) {
                complain(place, "TLS needs both `tls_certificate_file` and `tls_key_file`")
            } else if !listener.usesTLS, !listener.isLoopback, !listener.behindProxy {
                complain(
                    place,
                    "plain HTTP is served on loopback only: give \(listener.address) a certificate "
                        + "and key, or say `behind_proxy: true`"
                )
            }
            for earlier in configuration.listen[..<index]
            where earlier.address == listener.address && earlier.port == listener.port
                && listener.port != 0
            {
                complain(place, "\(listener.address) port \(listener.port) is listed twice")
            }
        }
    }

    private mutating func checkKeys() {
        if configuration.keys.provider == .exec, configuration.keys.command.isEmpty {
            complain(
                places["keys.provider"] ?? "keys.provider",
                "`provider: exec` needs `command`, a list that begins with a program"
            )
        }
    }
}

// MARK: - YAML nodes

private func raw(_ node: Node) -> RawValue {
    if isNull(node) { return .null }
    if let scalar = node.scalar { return .scalar(scalar.string) }
    if let items = node.sequence { return .list(items.map(raw)) }
    return .mapping
}

private func isNull(_ node: Node) -> Bool {
    guard let scalar = node.scalar, scalar.style == .plain || scalar.style == .any else {
        return false
    }
    return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
}

/// The value of a variable or flag: text, or nothing.
private func plain(_ text: String) -> RawValue {
    text.isEmpty || text == "null" ? .null : .scalar(text)
}

private func place(_ node: Node, _ file: String) -> String {
    node.mark.map { "\(file):\($0.line)" } ?? file
}

private func yamlPlace(_ error: any Error, _ file: String) -> String {
    switch error as? YamlError {
    case .scanner(_, _, let mark, _), .parser(_, _, let mark, _), .composer(_, _, let mark, _):
        "\(file):\(mark.line)"
    case .duplicatedKeysInMapping(_, let context): "\(file):\(context.mark.line)"
    default: file
    }
}

private func yamlMessage(_ error: any Error) -> String {
    switch error as? YamlError {
    case .scanner(_, let problem, _, _), .parser(_, let problem, _, _),
        .composer(_, let problem, _, _):
        "this is not YAML: \(problem)"
    case .duplicatedKeysInMapping(let keys, _):
        "a group holds these keys twice: \(keys.sorted().joined(separator: ", "))"
    case .reader: "this is not YAML: the file is not UTF-8 text"
    default: "this is not YAML"
    }
}

private func separated(_ text: String, by separator: String) -> [String] {
    var words: [String] = []
    var rest = Substring(text)
    while let range = rest.firstRange(of: separator) {
        words.append(String(rest[..<range.lowerBound]))
        rest = rest[range.upperBound...]
    }
    words.append(String(rest))
    return words
}
