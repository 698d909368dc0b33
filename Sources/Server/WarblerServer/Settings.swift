import Configuration
import Encryption
import Gateway
import HTTPService
import Homeserver
import MatrixModel
import MultiRaft

// How the configuration's words become the settings of each module.

extension GatewaySettings {
    init(_ configuration: Configuration, isBench: Bool) {
        self.init(serverName: configuration.server.name)
        publicBaseURL = configuration.server.publicBaseURL
        defaultRoomVersion =
            RoomVersion(rawValue: configuration.server.defaultRoomVersion.rawValue) ?? .v11
        switch configuration.server.registration {
        case .closed: registration = .closed
        case .open: registration = .open
        case .token: registration = .token(configuration.server.registrationToken?.revealed ?? "")
        }
        isTokenInQueryAccepted = configuration.network.tokenInQuery
        passwordCharactersMin = configuration.passwords.charactersMin
        passwordCost = PasswordCost(
            passes: UInt32(configuration.passwords.passes),
            memoryKiB: UInt32(configuration.passwords.memoryBytes >> 10),
            lanes: 1
        )
        passwordThreads = configuration.passwords.concurrentHashes
        passwordWaitingMax = configuration.passwords.waitingHashes
        limits.bodyBytes = configuration.limits.bodyBytes
        limits.filterBodyBytes = configuration.limits.filterBodyBytes
        limits.accountDataBodyBytes = configuration.limits.accountDataBodyBytes
        precondition(
            configuration.limits.jsonDepth <= JSONLimits.acceptedDepthMax,
            "what the configuration lets in can be read again"
        )
        limits.jsonDepth = configuration.limits.jsonDepth
        limits.invitesPerCreateRoom = configuration.limits.invitesPerCreateRoom
        limits.initialStateEvents = configuration.limits.initialStateEvents
        limits.longPollMilliseconds = UInt64(configuration.limits.longPollSeconds) * 1_000
        limits.pushRules = configuration.limits.pushRulesPerUser
        limits.pushPatternCharacters = configuration.limits.pushGlobCharacters
        longPolls.perDevice = configuration.limits.longPollsPerDevice
        longPolls.perUser = configuration.limits.longPollsPerUser
        if isBench {
            rates = .lifted
        } else {
            rates = Rates(configuration.rateLimits, configuration.limits)
        }
    }
}

extension ReadSettings {
    init(_ configuration: Configuration) {
        self.init(serverName: configuration.server.name, incarnation: 1)
        pageEventsMax = configuration.limits.pageItems
        publicRoomsMax = min(publicRoomsMax, configuration.limits.pageItems)
    }
}

extension NodeSettings {
    init(_ configuration: Configuration) {
        self.init(
            serverName: configuration.server.name,
            partitions: configuration.partitions.count
        )
        accounts.devices = configuration.limits.devicesPerUser
        accounts.filters = configuration.limits.filtersPerUser
    }
}

extension GatewaySettings.Rates {
    init(_ rates: Configuration.RateLimits, _ limits: Configuration.Limits) {
        self.init()
        message = GatewaySettings.Rate(rates.message)
        join = GatewaySettings.Rate(rates.join)
        invite = GatewaySettings.Rate(rates.invite)
        createRoom = GatewaySettings.Rate(rates.createRoom)
        profile = GatewaySettings.Rate(rates.profile)
        registration = GatewaySettings.Rate(rates.registration)
        loginPerAddress = GatewaySettings.Rate(rates.loginPerAddress)
        loginPerAccount = GatewaySettings.Rate(rates.loginPerAccount)
        failedLogin = GatewaySettings.Rate(rates.failedLogin)
        unknownToken = GatewaySettings.Rate(rates.unknownToken)
        other = GatewaySettings.Rate(rates.other)
        roomsPerDay = GatewaySettings.Rate(
            perSecond: Double(limits.roomsPerUserPerDay) / 86_400,
            burst: Double(limits.roomsPerUserPerDay)
        )
        invitesPerDay = GatewaySettings.Rate(
            perSecond: Double(limits.invitesPerUserPerDay) / 86_400,
            burst: Double(limits.invitesPerUserPerDay)
        )
    }
}

extension GatewaySettings.Rate {
    init(_ rate: Configuration.Rate) {
        self.init(perSecond: rate.perSecond, burst: Double(rate.burst))
    }
}

extension HTTPSettings {
    init(_ configuration: Configuration) {
        self.init()
        let limits = configuration.limits
        requestLineBytesMax = limits.requestLineBytes
        headerBytesMax = limits.headerBytes
        headerCountMax = limits.headerCount
        bodyBytesMax = limits.bodyBytes
        bodyBytesPerAddressMax = max(bodyBytesPerAddressMax, 4 * limits.bodyBytes)
        headTimeoutMilliseconds = limits.headSeconds * 1_000
        bodyBytesPerSecondMin = limits.bodyBytesPerSecond
        bodyGraceMilliseconds = limits.bodyGraceSeconds * 1_000
        idleTimeoutMilliseconds = limits.idleSeconds * 1_000
        connectionsMax = limits.connections
        connectionsPerAddressMax = limits.connectionsPerAddress
        connectionsPerTrustedAddressMax = limits.connectionsPerTrustedAddress
        streamsMax = limits.http2Streams
        streamResetsMax = limits.http2ResetsPer10Seconds
        trustedProxies = configuration.network.trustedProxies.compactMap {
            HTTPService.AddressRange("\($0)")
        }
    }
}
