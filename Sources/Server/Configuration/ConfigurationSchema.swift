/// Every key there is, in the order of the printed file. The documentation is what a person reads
/// in `warblerd --print-default-configuration`; each value has its unit in its name or there.
package enum ConfigurationSchema {
    package struct Section: Sendable {
        package let name: String
        package let documentation: String
        package let settings: [Setting<Configuration>]
    }

    package static let sections: [Section] = [
        server, network, data, keys, partitions, storage, passwords, limits, rateLimits, logging,
        metrics, admin,
    ]

    package static let settings: [String: Setting<Configuration>] = Dictionary(
        uniqueKeysWithValues: sections.flatMap(\.settings).map { ($0.path, $0) }
    )

    static let listenerDocumentation = """
        Where clients connect: one entry for each address. Plain HTTP is served on loopback
        addresses only; any other address needs a certificate and its key, or
        `behind_proxy: true` when a reverse proxy in front ends TLS.
        """

    static let listener: [Setting<Configuration.Listener>] = [
        .text("address", \.address, "An IP address, or localhost.") {
            text throws(SettingProblem) in
            guard text == "localhost" || AddressRange.parse(text) != nil else {
                throw SettingProblem(message: "must be an IP address or localhost, not \"\(text)\"")
            }
        },
        .integer("port", \.port, 0...65_535, "0 lets the system choose; the log names it."),
        .flag("behind_proxy", \.behindProxy, "Serve plain HTTP although not on loopback."),
        .optionalText(
            "tls_certificate_file",
            \.tlsCertificateFile,
            "PEM, the whole chain. Read again on SIGHUP, with the key."
        ),
        .optionalText("tls_key_file", \.tlsKeyFile, "PEM, readable by its owner only."),
    ]

    private static let server = Section(
        name: "server",
        documentation: "Who this server is.",
        settings: [
            .text(
                "server.name",
                \.server.name,
                "The part after the colon in user IDs (@alice:NAME). It can NEVER change once\n"
                    + "the data folder exists: every ID and signature contains it.",
                check: checkServerName
            ),
            .optionalText(
                "server.public_base_url",
                \.server.publicBaseURL,
                "What clients are told to connect to, such as https://chat.example.org.",
                check: checkBaseURL
            ),
            .choice(
                "server.default_room_version",
                \.server.defaultRoomVersion,
                "Room version of new rooms: \"11\" or \"12\"."
            ),
            .choice(
                "server.registration",
                \.server.registration,
                "Who may register: closed (accounts are made with `warbler user create`),\n"
                    + "token (whoever has the registration token), or open (anybody)."
            ),
            .secret(
                "server.registration_token",
                \.server.registrationToken,
                "For `registration: token`. Better kept in a file of its own:"
            ),
            .optionalText(
                "server.registration_token_file",
                \.server.registrationTokenFile,
                "A file whose first line is the token, readable by its owner only."
            ),
            .integer(
                "server.shutdown_grace_seconds",
                \.server.shutdownGraceSeconds,
                0...600,
                "How long a stop waits for requests under way."
            ),
        ]
    )

    private static let network = Section(
        name: "network",
        documentation: "What is believed about connections.",
        settings: [
            .ranges(
                "network.trusted_proxies",
                \.network.trustedProxies,
                "Reverse proxies whose X-Forwarded-For is believed, as addresses or ranges:\n"
                    + "[\"127.0.0.1\", \"10.0.0.0/8\"]. Everybody else's is ignored."
            ),
            .flag(
                "network.token_in_query",
                \.network.tokenInQuery,
                "Accept ?access_token= beside the Authorization header. Never logged."
            ),
        ]
    )

    private static let data = Section(
        name: "data",
        documentation: "Where everything is kept, encrypted.",
        settings: [
            .text(
                "data.directory",
                \.data.directory,
                "Relative paths here and below start at the folder of this file."
            )
        ]
    )

    private static let keys = Section(
        name: "keys",
        documentation:
            "The root key: 32 bytes that open everything else. Keep a copy somewhere else:\n"
            + "without it the data cannot be read by anybody, ever.",
        settings: [
            .choice(
                "keys.provider",
                \.keys.provider,
                "file: read `path`; exec: run `command` and read its output; env: read the\n"
                    + "environment variable `variable`."
            ),
            .text("keys.path", \.keys.path, "For provider file. Mode 0600."),
            .texts(
                "keys.command",
                \.keys.command,
                "For provider exec: a program and its arguments, run without a shell."
            ),
            .text("keys.variable", \.keys.variable, "For provider env."),
            .flag(
                "keys.require_separate_root_key",
                \.keys.requireSeparateRootKey,
                "Refuse to start when the key file is on the data's file system (E-KEY-003);\n"
                    + "otherwise that is a warning: who steals the disk then has both."
            ),
            .integer(
                "keys.rotation_days",
                \.keys.rotationDays,
                1...365,
                "Age at which a new data-key epoch begins, without a restart."
            ),
        ]
    )

    private static let partitions = Section(
        name: "partitions",
        documentation: "Units of ordering and, in a cluster, of placement.",
        settings: [
            .integer(
                "partitions.count",
                \.partitions.count,
                1...4_095,
                "Fixed when the data folder is made; later starts must say the same."
            )
        ]
    )

    private static let storage = Section(
        name: "storage",
        documentation: "Memory and disk.",
        settings: [
            .bytes(
                "storage.cache_bytes",
                \.storage.cacheBytes,
                1 << 20...1 << 40,
                "Memory for blocks read from disk."
            ),
            .bytes(
                "storage.log_write_buffer_bytes",
                \.storage.logWriteBufferBytes,
                1 << 20...1 << 34,
                "Memory before the message log is written to tables."
            ),
            .bytes(
                "storage.state_write_buffer_bytes",
                \.storage.stateWriteBufferBytes,
                1 << 20...1 << 34,
                "The same for what is derived from the log."
            ),
            .bytes(
                "storage.reserve_low_bytes",
                \.storage.reserveLowBytes,
                0...1 << 44,
                "Below this much free space writes are refused (503), but for redactions,\n"
                    + "logouts and others that give space or access back; reads go on, and\n"
                    + "writes resume by themselves when there is room again."
            ),
            .bytes(
                "storage.reserve_critical_bytes",
                \.storage.reserveCriticalBytes,
                0...1 << 44,
                "Below this those are refused too."
            ),
        ]
    )

    private static let passwords = Section(
        name: "passwords",
        documentation: "Stored as Argon2id.",
        settings: [
            .integer(
                "passwords.characters_min",
                \.passwords.charactersMin,
                1...128,
                "Shortest password accepted for a new account or a change."
            ),
            .bytes(
                "passwords.memory_bytes",
                \.passwords.memoryBytes,
                8 << 20...1 << 30,
                "Argon2id memory for each hash."
            ),
            .integer("passwords.passes", \.passwords.passes, 1...64, "Argon2id passes."),
            .integer(
                "passwords.concurrent_hashes",
                \.passwords.concurrentHashes,
                1...64,
                "Hashes computed at once; each takes a core and memory_bytes."
            ),
            .integer(
                "passwords.waiting_hashes",
                \.passwords.waitingHashes,
                1...100_000,
                "Logins that may wait for one; more are answered 503."
            ),
        ]
    )

    private static let logging = Section(
        name: "logging",
        documentation: "One line for each thing worth knowing.",
        settings: [
            .choice("logging.format", \.logging.format, "text or json (one object per line)."),
            .choice(
                "logging.level",
                \.logging.level,
                "trace, debug, info, notice, warning, error or critical."
            ),
            .optionalText(
                "logging.file",
                \.logging.file,
                "Appended to; null writes to standard error."
            ),
        ]
    )

    private static let metrics = Section(
        name: "metrics",
        documentation: "GET /metrics in the OpenMetrics text format.",
        settings: [
            .choice(
                "metrics.serve",
                \.metrics.serve,
                "off, loopback (requests from this machine only), or everyone."
            )
        ]
    )

    private static let admin = Section(
        name: "admin",
        documentation: "The local socket that the `warbler` command talks to.",
        settings: [
            .optionalText(
                "admin.socket_path",
                \.admin.socketPath,
                "null puts admin.sock into the data folder. Only the server's own user and\n"
                    + "root are answered."
            )
        ]
    )
}

/// RFC 3986's reg-name as Matrix narrows it: a DNS name, an IPv4 address or a bracketed IPv6
/// address, with an optional port; at most 230 bytes, so that a user ID fits into 255.
private func checkServerName(_ name: String) throws(SettingProblem) {
    let problem = SettingProblem(
        message: "must be a host name such as example.org, with an optional port, not \"\(name)\""
    )
    guard name.utf8.count <= 230 else {
        throw SettingProblem(message: "must not be longer than 230 bytes")
    }
    var host = Substring(name)
    let portStart: Substring.Index?
    if host.hasPrefix("[") {
        guard let close = host.firstIndex(of: "]") else { throw problem }
        guard AddressRange.parse(String(host[...close])) != nil else { throw problem }
        portStart = host.index(after: close)
        host = host[..<close]
    } else {
        portStart = host.firstIndex(of: ":")
        let labels = host[..<(portStart ?? host.endIndex)]
        let allowed = labels.utf8.allSatisfy {
            switch $0 {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard allowed, !labels.isEmpty else { throw problem }
    }
    guard let portStart, portStart != name.endIndex else { return }
    let port = name[portStart...]
    guard port.first == ":", let number = Int(port.dropFirst()), (1...65_535).contains(number)
    else { throw problem }
}

private func checkBaseURL(_ url: String) throws(SettingProblem) {
    guard url.hasPrefix("https://") || url.hasPrefix("http://"), !url.hasSuffix("/"),
        !url.contains(" "), url.contains("://"), !url.hasSuffix("://")
    else {
        throw SettingProblem(
            message: "must be a URL such as https://chat.example.org, without a slash at the end"
        )
    }
}
