package import Encryption
package import MatrixModel
import MatrixRules

/// Everything the gateway can be told, with its defaults.
package struct GatewaySettings: Sendable {
    package var serverName: String
    /// Told to clients by `/.well-known/matrix/client`, without a slash at the end.
    package var publicBaseURL: String?
    package var defaultRoomVersion = RoomVersion.v11
    package var registration = Registration.closed
    /// Accept `?access_token=` beside the `Authorization` header.
    package var isTokenInQueryAccepted = true

    package var passwordCharactersMin = 8
    package var passwordBytesMax = 512
    package var passwordCost = PasswordCost.user
    package var passwordThreads = 2
    package var passwordWaitingMax = 64

    /// Requests under way on the request threads, waiting ones included. Beyond: 503.
    package var requestsMax = 4_096
    package var sessionsCachedMax = 100_000
    /// How long a command is repeated under its ID before the client is told to try again.
    package var deadlineMilliseconds: UInt64 = 10_000

    package var limits = Limits()
    package var longPolls = SyncWaiter<AnyReader>.Limits()
    package var rates = Rates()

    package init(serverName: String) { self.serverName = serverName }

    package enum Registration: Sendable, Equatable {
        case closed
        /// Whoever has the token.
        case token(String)
        case open
    }

    package struct Limits: Sendable, Equatable {
        package var jsonDepth = 64
        package var bodyBytes = 1 << 20
        package var filterBodyBytes = 64 << 10
        package var accountDataBodyBytes = 64 << 10
        package var invitesPerCreateRoom = 100
        package var initialStateEvents = 50
        package var longPollMilliseconds: UInt64 = 60_000
        package var typingMilliseconds: UInt64 = 120_000
        package var displayNameBytes = 256
        package var avatarURLBytes = 1_000
        package var pushRules = PushRules.ownRulesMax
        package var pushPatternCharacters = Glob.lengthMax
        package init() {}
    }

    /// A token bucket: `burst` requests at once, refilled at `perSecond`.
    package struct Rate: Sendable, Hashable {
        package var perSecond: Double
        package var burst: Double
        package init(perSecond: Double, burst: Double) {
            self.perSecond = perSecond
            self.burst = burst
        }
        /// For `--bench` only.
        package static let lifted = Rate(perSecond: 1e9, burst: 1e9)
        package var isLifted: Bool { perSecond >= 1e9 }
    }

    package struct Rates: Sendable, Equatable {
        package var message = Rate(perSecond: 20, burst: 100)
        package var join = Rate(perSecond: 1, burst: 20)
        package var invite = Rate(perSecond: 1, burst: 30)
        package var createRoom = Rate(perSecond: 0.2, burst: 10)
        /// Names and avatars: each is one event in every room the user is in.
        package var profile = Rate(perSecond: 0.2, burst: 10)
        package var registration = Rate(perSecond: 0.2, burst: 5)
        package var loginPerAddress = Rate(perSecond: 1, burst: 20)
        package var loginPerAccount = Rate(perSecond: 0.2, burst: 10)
        package var failedLogin = Rate(perSecond: 0.1, burst: 10)
        /// Tokens that no session is known for, by address.
        package var unknownToken = Rate(perSecond: 5, burst: 100)
        package var other = Rate(perSecond: 50, burst: 200)
        /// Rooms one user may create in a day.
        package var roomsPerDay = Rate(perSecond: 50.0 / 86_400, burst: 50)
        /// Invitations one user may send in a day.
        package var invitesPerDay = Rate(perSecond: 500.0 / 86_400, burst: 500)

        package init() {}

        /// For `--bench` only.
        package static var lifted: Rates {
            var rates = Rates()
            rates.message = .lifted
            rates.join = .lifted
            rates.invite = .lifted
            rates.createRoom = .lifted
            rates.profile = .lifted
            rates.registration = .lifted
            rates.loginPerAddress = .lifted
            rates.loginPerAccount = .lifted
            rates.failedLogin = .lifted
            rates.unknownToken = .lifted
            rates.other = .lifted
            rates.roomsPerDay = .lifted
            rates.invitesPerDay = .lifted
            return rates
        }
    }
}
