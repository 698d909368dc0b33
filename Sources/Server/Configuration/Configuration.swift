/// Everything a node can be told, with its default. `ConfigurationSchema` lists the same values by
/// name with their documentation; a test walks both, so neither can forget the other.
///
/// Nothing here switches encryption off: there is no such setting.
package struct Configuration: Sendable, Equatable {
    package var server = Server()
    /// Where clients connect. Never empty after `load`.
    package var listen: [Listener] = [Listener()]
    package var network = Network()
    package var data = DataFolder()
    package var keys = Keys()
    package var partitions = Partitions()
    package var storage = Storage()
    package var passwords = Passwords()
    package var limits = Limits()
    package var rateLimits = RateLimits()
    package var logging = Logging()
    package var metrics = Metrics()
    package var admin = Admin()

    package init() {}

    package struct Server: Sendable, Equatable {
        /// The part after the colon in user IDs. Fixed by the first start of a data folder.
        package var name = "localhost"
        /// What clients are told to connect to, without a trailing slash.
        package var publicBaseURL: String?
        package var defaultRoomVersion = RoomVersion.v11
        package var registration = Registration.closed
        /// Present when `registration` is `.token`.
        package var registrationToken: Secret?
        package var registrationTokenFile: String?
        package var shutdownGraceSeconds = 20
    }

    package enum RoomVersion: String, Sendable, CaseIterable {
        case v11 = "11"
        case v12 = "12"
    }

    package enum Registration: String, Sendable, CaseIterable {
        case closed, token, open
    }

    /// One address to accept client connections on.
    package struct Listener: Sendable, Equatable {
        package var address = "127.0.0.1"
        package var port = 8008
        package var tlsCertificateFile: String?
        package var tlsKeyFile: String?
        /// Plain HTTP on any address, because a trusted proxy in front ends TLS.
        package var behindProxy = false

        package init() {}
        package var usesTLS: Bool { tlsCertificateFile != nil && tlsKeyFile != nil }
        package var isLoopback: Bool { AddressRange.isLoopback(address) }
    }

    package struct Network: Sendable, Equatable {
        /// Peers whose `X-Forwarded-For` is believed.
        package var trustedProxies: [AddressRange] = []
        package var tokenInQuery = true
    }

    package struct DataFolder: Sendable, Equatable {
        package var directory = "data"
    }

    package struct Keys: Sendable, Equatable {
        package var provider = KeyProvider.file
        package var path = "root.key"
        package var command: [String] = []
        package var variable = "WARBLER_ROOT_KEY"
        package var requireSeparateRootKey = false
        package var rotationDays = 7
    }

    package enum KeyProvider: String, Sendable, CaseIterable {
        case file, exec, env
    }

    package struct Partitions: Sendable, Equatable {
        /// Fixed by the first start of a data folder.
        package var count = 64
    }

    package struct Storage: Sendable, Equatable {
        package var cacheBytes = 64 << 20
        package var logWriteBufferBytes = 64 << 20
        package var stateWriteBufferBytes = 64 << 20
        package var reserveLowBytes = 1 << 30
        package var reserveCriticalBytes = 256 << 20
    }

    package struct Passwords: Sendable, Equatable {
        package var charactersMin = 8
        package var memoryBytes = 19 << 20
        package var passes = 2
        package var concurrentHashes = 2
        package var waitingHashes = 256
    }

    /// Ceilings on what one request, connection or user may ask for.
    package struct Limits: Sendable, Equatable {
        package var requestLineBytes = 16 << 10
        package var headerBytes = 32 << 10
        package var headerCount = 100
        package var bodyBytes = 1 << 20
        package var filterBodyBytes = 64 << 10
        package var accountDataBodyBytes = 64 << 10
        package var jsonDepth = 100
        package var headSeconds = 10
        package var bodyBytesPerSecond = 1 << 10
        package var bodyGraceSeconds = 5
        package var idleSeconds = 75
        package var connections = 20_000
        package var connectionsPerAddress = 200
        package var connectionsPerTrustedAddress = 1_000
        package var http2Streams = 100
        package var http2ResetsPer10Seconds = 200
        package var longPollsPerDevice = 2
        package var longPollsPerUser = 20
        package var longPollSeconds = 60
        package var pageItems = 1_000
        package var invitesPerCreateRoom = 100
        package var initialStateEvents = 50
        package var devicesPerUser = 50
        package var pushRulesPerUser = 500
        package var filtersPerUser = 100
        package var roomsPerUserPerDay = 50
        package var invitesPerUserPerDay = 500
        package var pushGlobCharacters = 256
    }

    /// A token bucket: `burst` requests at once, refilled at `perSecond`.
    package struct Rate: Sendable, Equatable {
        package var perSecond: Double
        package var burst: Int
        package init(perSecond: Double, burst: Int) {
            self.perSecond = perSecond
            self.burst = burst
        }
    }

    package struct RateLimits: Sendable, Equatable {
        package var message = Rate(perSecond: 20, burst: 100)
        package var join = Rate(perSecond: 1, burst: 20)
        package var invite = Rate(perSecond: 1, burst: 30)
        package var createRoom = Rate(perSecond: 0.2, burst: 10)
        package var profile = Rate(perSecond: 0.2, burst: 10)
        package var registration = Rate(perSecond: 0.2, burst: 5)
        package var loginPerAddress = Rate(perSecond: 1, burst: 20)
        package var loginPerAccount = Rate(perSecond: 0.2, burst: 10)
        package var failedLogin = Rate(perSecond: 0.1, burst: 10)
        package var unknownToken = Rate(perSecond: 5, burst: 100)
        package var other = Rate(perSecond: 50, burst: 200)
    }

    package struct Logging: Sendable, Equatable {
        package var format = LogFormat.text
        package var level = LogLevel.info
        package var file: String?
    }

    package enum LogFormat: String, Sendable, CaseIterable {
        case text, json
    }

    package enum LogLevel: String, Sendable, CaseIterable {
        case trace, debug, info, notice, warning, error, critical
    }

    package struct Metrics: Sendable, Equatable {
        package var serve = MetricsAudience.loopback
    }

    package enum MetricsAudience: String, Sendable, CaseIterable {
        case off, loopback, everyone
    }

    package struct Admin: Sendable, Equatable {
        /// The local socket of the `warbler` command; nil: `admin.sock` in the data folder.
        package var socketPath: String?
    }

    /// Where the administration socket lies.
    package var adminSocketPath: String { admin.socketPath ?? data.directory + "/admin.sock" }

    /// For `--bench` only: lifts request rates, connections per address, long polls per device,
    /// devices, rooms and invitations per user. Everything else stays as configured.
    package mutating func liftLimitsForBench() {
        let lifted = Rate(perSecond: 1e9, burst: 1_000_000_000)
        rateLimits.message = lifted
        rateLimits.join = lifted
        rateLimits.invite = lifted
        rateLimits.createRoom = lifted
        rateLimits.profile = lifted
        rateLimits.registration = lifted
        rateLimits.loginPerAddress = lifted
        rateLimits.loginPerAccount = lifted
        rateLimits.failedLogin = lifted
        rateLimits.unknownToken = lifted
        rateLimits.other = lifted
        limits.connections = 1_000_000
        limits.connectionsPerAddress = 1_000_000
        limits.connectionsPerTrustedAddress = 1_000_000
        limits.longPollsPerDevice = 1_000_000
        limits.longPollsPerUser = 1_000_000
        limits.devicesPerUser = 1_000_000
        limits.roomsPerUserPerDay = 1_000_000
        limits.invitesPerUserPerDay = 1_000_000
        limits.invitesPerCreateRoom = 1_000_000
    }
}

/// Text that must not reach a log: printing, interpolating or dumping it shows no content.
package struct Secret: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    private let text: String
    package init(_ text: String) { self.text = text }
    /// The content itself. The caller keeps it out of logs and messages.
    package var revealed: String { text }
    package var description: String { "[hidden]" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
