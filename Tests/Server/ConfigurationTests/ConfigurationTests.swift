import Configuration
import Foundation
import Keyspace
import Testing

@Suite("Configuration")
struct ConfigurationTests {
    /// Loads `yaml` as if it were the file `warbler.yaml` in a folder of its own.
    private func load(
        _ yaml: String,
        environment: [String: String] = [:],
        overrides: [(key: String, value: String)] = []
    ) -> (configuration: Configuration, complaints: [String]) {
        do throws(ConfigurationErrors) {
            let configuration = try Configuration.load(
                yaml: yaml,
                named: "warbler.yaml",
                environment: environment,
                overrides: overrides
            )
            return (configuration, [])
        } catch {
            return (Configuration(), error.errors.map(\.description))
        }
    }

    @Test("The printed default file reads back as the defaults")
    func defaultsRoundTrip() {
        let (configuration, complaints) = load(Configuration.defaultText)
        #expect(complaints == [])
        #expect(configuration == Configuration())
        #expect(load(Configuration().text(commented: false)).configuration == Configuration())
    }

    @Test("An empty file gives the defaults")
    func emptyFile() {
        for text in ["", "# nothing\n", "server:\n", "{}"] {
            #expect(load(text).complaints == [])
            #expect(load(text).configuration == Configuration())
        }
    }

    @Test("Every key is documented, or stands beside one that is, and shown in the file")
    func everyKeyIsShown() {
        let text = Configuration.defaultText
        for section in ConfigurationSchema.sections {
            #expect(!section.documentation.isEmpty)
            for setting in section.settings {
                let key = setting.path.dropFirst(section.name.count + 1)
                #expect(text.contains("  \(key): "), "\(setting.path)")
                #expect(!setting.documentation.isEmpty || key.hasSuffix("_burst"))
            }
        }
    }

    @Test("Every number of a setting has its unit in its name or is a count")
    func numbersHaveUnits() {
        let units = ["bytes", "seconds", "days", "per_second", "characters", "port"]
        let counts = [
            "count", "passes", "hashes", "depth", "connections", "streams", "resets", "polls",
            "items", "invites", "events", "devices", "rules", "filters", "rooms", "burst",
        ]
        for section in ConfigurationSchema.sections {
            for setting in section.settings where Int(setting.show(Configuration())) != nil {
                let isNamed = (units + counts).contains { setting.path.contains($0) }
                #expect(isNamed, "\(setting.path)")
            }
        }
    }

    @Test("Values of each kind are read")
    func kinds() {
        let (configuration, complaints) = load(
            """
            server:
              name: chat.example.org:8448
              public_base_url: https://chat.example.org
              default_room_version: 12
              registration: open
            network: {trusted_proxies: ["10.0.0.0/8", "::1"], token_in_query: no}
            keys: {provider: exec, command: [/usr/bin/fetch, "root key"], rotation_days: 30}
            storage: {cache_bytes: 1 GiB, log_write_buffer_bytes: 33554432}
            rate_limits: {message_per_second: 2.5, message_burst: 7}
            metrics: {serve: "off"}
            """
        )
        #expect(complaints == [])
        #expect(configuration.server.name == "chat.example.org:8448")
        #expect(configuration.server.defaultRoomVersion == .v12)
        #expect(configuration.server.registration == .open)
        #expect(configuration.network.trustedProxies.map(\.description) == ["10.0.0.0/8", "::1"])
        #expect(!configuration.network.tokenInQuery)
        #expect(configuration.keys.command == ["/usr/bin/fetch", "root key"])
        #expect(configuration.storage.cacheBytes == 1 << 30)
        #expect(configuration.storage.logWriteBufferBytes == 32 << 20)
        #expect(configuration.rateLimits.message == .init(perSecond: 2.5, burst: 7))
        #expect(configuration.metrics.serve == .off)
    }

    @Test("As many partitions may be configured as can be numbered, and not one more")
    func partitionsMax() {
        let max = PartitionMap.countMax
        let (most, complaints) = load("server:\n  name: a.example\npartitions:\n  count: \(max)")
        #expect(complaints == [])
        #expect(PartitionMap(count: most.partitions.count).all.count == max)
        #expect(
            load("server:\n  name: a.example\npartitions:\n  count: \(max + 1)").complaints == [
                "warbler.yaml:4: `partitions.count` must be between 1 and 4095, not 4096"
            ]
        )
    }

    @Test(
        "A mistake is named with its line and the nearest key",
        arguments: [
            (
                "server:\n  nmae: x",
                "warbler.yaml:2: there is no key `server.nmae`; did you mean `server.name`?"
            ),
            (
                "sever:\n  name: x",
                "warbler.yaml:1: there is no section `sever`; did you mean `server`?"
            ),
            (
                "\n\nlimits:\n  body_bytes: lots",
                "warbler.yaml:4: `limits.body_bytes` must be a size such as 65536, 64 KiB, 1 MiB "
                    + "or 2 GiB, not \"lots\""
            ),
            (
                "partitions: {count: 0}",
                "warbler.yaml:1: `partitions.count` must be between 1 and 4095, not 0"
            ),
            (
                "limits: {body_bytes: 1 KiB}",
                "warbler.yaml:1: `limits.body_bytes` must be between 64 KiB and 64 MiB, not 1 KiB"
            ),
            (
                "logging: {level: loud}",
                "warbler.yaml:1: `logging.level` must be one of trace, debug, info, notice, "
                    + "warning, error, critical, not \"loud\""
            ),
            (
                "server: {name: [a]}",
                "warbler.yaml:1: `server.name` must be text, not a list"
            ),
            (
                "server: {name: \"exa mple\"}",
                "warbler.yaml:1: `server.name` must be a host name such as example.org, with an "
                    + "optional port, not \"exa mple\""
            ),
            (
                "listen:\n  - address: 127.0.0.1\n    prot: 1",
                "warbler.yaml:3: there is no key `prot` in an entry of `listen`; did you mean "
                    + "`port`?"
            ),
            ("listen: []", "warbler.yaml:1: `listen` must be a list with at least one address"),
            ("server: 3", "warbler.yaml:1: `server` must be a group of keys"),
            ("- a", "warbler.yaml:1: the file must hold sections such as `server:`"),
            (
                "keys: {provider: exec}",
                "warbler.yaml:1: `provider: exec` needs `command`, a list that begins with a "
                    + "program"
            ),
            (
                "server: {registration: token}",
                "warbler.yaml:1: `registration: token` needs `registration_token` or "
                    + "`registration_token_file`"
            ),
            (
                "storage:\n  reserve_low_bytes: 1 MiB",
                "warbler.yaml:2: `storage.reserve_critical_bytes` must not exceed "
                    + "`storage.reserve_low_bytes`"
            ),
        ]
    )
    func mistakes(yaml: String, complaint: String) {
        #expect(load(yaml).complaints == [complaint])
    }

    @Test("Broken YAML names its line", arguments: ["server: {", "a: b: c", "server:\n\tname: x"])
    func brokenYAML(yaml: String) {
        let complaints = load(yaml).complaints
        #expect(complaints.count == 1)
        #expect(complaints[0].hasPrefix("warbler.yaml:"))
        #expect(complaints[0].contains("not YAML"))
    }

    @Test("A key given twice is an error")
    func duplicateKeys() {
        let complaints = load("server:\n  name: a\n  name: b\n").complaints
        #expect(complaints.count == 1)
        #expect(complaints[0].contains("twice: name"))
    }

    @Test("All mistakes are told at once")
    func allAtOnce() {
        let complaints = load("server: {nmae: x}\nlogging: {level: loud}\nkyes: {}").complaints
        #expect(complaints.count == 3)
    }

    @Test("The environment wins over the file, and flags over both")
    func precedence() {
        let yaml = "server: {name: file.example}"
        let environment = [
            "WARBLER_SERVER__NAME": "env.example", "WARBLER_LIMITS__BODY_BYTES": "2 MiB",
            "WARBLER_ROOT_KEY": "not a setting", "PATH": "/bin",
            "WARBLER_NETWORK__TRUSTED_PROXIES": "10.0.0.1, 10.0.0.2",
        ]
        let (configuration, complaints) = load(yaml, environment: environment)
        #expect(complaints == [])
        #expect(configuration.server.name == "env.example")
        #expect(configuration.limits.bodyBytes == 2 << 20)
        #expect(configuration.network.trustedProxies.count == 2)
        let flagged = load(
            yaml,
            environment: environment,
            overrides: [("server.name", "flag.example")]
        )
        #expect(flagged.configuration.server.name == "flag.example")
    }

    @Test("A misspelt variable is an error too")
    func misspeltVariable() {
        let complaints = load("", environment: ["WARBLER_SERVER__NMAE": "x"]).complaints
        #expect(
            complaints == [
                "WARBLER_SERVER__NMAE: there is no key `server.nmae`; did you mean `server.name`?"
            ]
        )
    }

    @Test("Listeners can be changed and added from outside, without gaps")
    func listenersByVariable() {
        let changed = load(
            "",
            environment: ["WARBLER_LISTEN__0__PORT": "8009", "WARBLER_LISTEN__1__PORT": "8010"]
        )
        #expect(changed.complaints == [])
        #expect(changed.configuration.listen.map(\.port) == [8009, 8010])
        let gap = load("", environment: ["WARBLER_LISTEN__2__PORT": "1"])
        #expect(gap.complaints.count == 1)
    }

    @Test(
        "Plain HTTP is for loopback, or for behind a proxy",
        arguments: [
            ("127.0.0.1", false, true), ("127.5.0.1", false, true), ("::1", false, true),
            ("localhost", false, true), ("0.0.0.0", false, false), ("::", false, false),
            ("192.0.2.1", false, false), ("::ffff:127.0.0.1", false, true),
            ("0.0.0.0", true, true),
        ]
    )
    func plainHTTP(address: String, behindProxy: Bool, isFine: Bool) {
        let yaml = "listen: [{address: \"\(address)\", behind_proxy: \(behindProxy)}]"
        #expect(load(yaml).complaints.isEmpty == isFine)
    }

    @Test("TLS needs both halves")
    func tlsHalves() {
        let half = load("listen: [{address: 0.0.0.0, tls_certificate_file: c.pem}]")
        #expect(half.complaints.count == 1)
        let whole = load(
            "listen: [{address: 0.0.0.0, tls_certificate_file: c.pem, tls_key_file: k.pem}]"
        )
        #expect(whole.complaints == [])
        #expect(whole.configuration.listen[0].usesTLS)
    }

    @Test("Nothing named like switching encryption off exists")
    func encryptionCannotBeSwitchedOff() {
        let names = ConfigurationSchema.settings.keys.sorted()
        for word in ["encrypt", "plaintext", "insecure", "unsafe", "bench", "sync_writes"] {
            #expect(!names.contains { $0.contains(word) })
        }
    }

    @Test(
        "Server names",
        arguments: [
            ("example.org", true), ("localhost", true), ("10.0.0.1:8448", true), ("[::1]", true),
            ("[::1]:443", true), ("a:0", false), ("a:b", false), ("", false), ("a b", false),
            ("[x]", false), ("ä.org", false), ("a/b", false),
            (String(repeating: "a", count: 231), false),
        ]
    )
    func serverNames(name: String, isFine: Bool) {
        #expect(load("server: {name: \"\(name)\"}").complaints.isEmpty == isFine)
    }
}

@Suite("Configuration files")
struct ConfigurationFileTests {
    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("configuration-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: true
        )
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }

    private func write(_ text: String, to path: String, mode: Int = 0o600) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    @Test("Relative paths start at the file's folder")
    func relativePaths() throws {
        try withFolder { folder in
            try write("data: {directory: d}\nkeys: {path: /k}", to: folder + "/w.yaml")
            let configuration = try Configuration.load(file: folder + "/w.yaml")
            #expect(configuration.data.directory == folder + "/d")
            #expect(configuration.keys.path == "/k")
            #expect(configuration.adminSocketPath == folder + "/d/admin.sock")
        }
    }

    @Test("A registration token comes from its file and shows nowhere")
    func tokenFile() throws {
        try withFolder { folder in
            try write("s3cret-token\nmore", to: folder + "/token")
            let yaml = "server: {registration: token, registration_token_file: token}"
            try write(yaml, to: folder + "/w.yaml")
            let configuration = try Configuration.load(file: folder + "/w.yaml")
            #expect(configuration.server.registrationToken?.revealed == "s3cret-token")
            var dumped = ""
            dump(configuration, to: &dumped)
            #expect(!dumped.contains("s3cret"))
            #expect(!"\(configuration)".contains("s3cret"))
            #expect(!configuration.text(commented: true).contains("s3cret"))
        }
    }

    @Test("A token file that others can read is refused")
    func openTokenFile() throws {
        try withFolder { folder in
            try write("t", to: folder + "/token", mode: 0o644)
            let yaml = "server: {registration: token, registration_token_file: token}"
            try write(yaml, to: folder + "/w.yaml")
            #expect(throws: ConfigurationErrors.self) {
                try Configuration.load(file: folder + "/w.yaml")
            }
        }
    }

    @Test("A missing file, a folder and bad UTF-8 are named")
    func unreadable() throws {
        try withFolder { folder in
            for path in [folder + "/none.yaml", folder] {
                #expect(throws: ConfigurationErrors.self) { try Configuration.load(file: path) }
            }
            try Data([0xFF, 0xFE, 0x00]).write(to: URL(fileURLWithPath: folder + "/bad.yaml"))
            #expect(throws: ConfigurationErrors.self) {
                try Configuration.load(file: folder + "/bad.yaml")
            }
        }
    }
}

@Suite("Address ranges")
struct AddressRangeTests {
    @Test(
        "Membership",
        arguments: [
            ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/9", "10.127.1.1", true), ("10.0.0.0/9", "10.128.1.1", false),
            ("0.0.0.0/0", "1.2.3.4", true), ("::1", "::1", true), ("::1", "::2", false),
            ("fd00::/8", "fd12::1", true), ("10.0.0.1", "::ffff:10.0.0.1", true),
            ("10.0.0.1", "name", false), ("::/0", "10.0.0.1", false),
        ]
    )
    func contains(range: String, address: String, isInside: Bool) throws {
        #expect(try #require(AddressRange(range)).contains(address) == isInside)
    }

    @Test("What is no range", arguments: ["", "a", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "1"])
    func refused(text: String) {
        #expect(AddressRange(text) == nil)
    }
}
