extension ConfigurationSchema {
    static let limits = Section(
        name: "limits",
        documentation: "Ceilings on what one request, connection or user may ask for.",
        settings: [
            .bytes(
                "limits.request_line_bytes",
                \.limits.requestLineBytes,
                1 << 10...1 << 20,
                "Longest request line; longer ones are answered 414."
            ),
            .bytes(
                "limits.header_bytes",
                \.limits.headerBytes,
                1 << 10...1 << 20,
                "All header fields of a request together; more is answered 431."
            ),
            .integer(
                "limits.header_count",
                \.limits.headerCount,
                10...10_000,
                "Header fields of a request; more are answered 431."
            ),
            .bytes(
                "limits.body_bytes",
                \.limits.bodyBytes,
                64 << 10...64 << 20,
                "Largest request body; larger ones are answered 413 M_TOO_LARGE."
            ),
            .bytes(
                "limits.filter_body_bytes",
                \.limits.filterBodyBytes,
                1 << 10...1 << 20,
                "The same for stored filters."
            ),
            .bytes(
                "limits.account_data_body_bytes",
                \.limits.accountDataBodyBytes,
                1 << 10...1 << 20,
                "The same for account data."
            ),
            .integer(
                "limits.json_depth",
                \.limits.jsonDepth,
                64...128,
                "Deepest nesting of arrays and objects in a body."
            ),
            .integer(
                "limits.head_seconds",
                \.limits.headSeconds,
                1...600,
                "How long the head of a request may take to arrive."
            ),
            .bytes(
                "limits.body_bytes_per_second",
                \.limits.bodyBytesPerSecond,
                1...1 << 30,
                "Slowest pace at which a body may arrive, after the time below."
            ),
            .integer(
                "limits.body_grace_seconds",
                \.limits.bodyGraceSeconds,
                0...600,
                "How long a body may be slower than that."
            ),
            .integer(
                "limits.idle_seconds",
                \.limits.idleSeconds,
                1...86_400,
                "After this long without a request a connection is closed."
            ),
            .integer(
                "limits.connections",
                \.limits.connections,
                10...1_000_000,
                "Open connections in all."
            ),
            .integer(
                "limits.connections_per_address",
                \.limits.connectionsPerAddress,
                1...1_000_000,
                "Open connections of one client address."
            ),
            .integer(
                "limits.connections_per_trusted_address",
                \.limits.connectionsPerTrustedAddress,
                1...1_000_000,
                "The same for loopback and trusted proxies."
            ),
            .integer(
                "limits.http2_streams",
                \.limits.http2Streams,
                1...10_000,
                "Requests under way on one HTTP/2 connection."
            ),
            .integer(
                "limits.http2_resets_per_10_seconds",
                \.limits.http2ResetsPer10Seconds,
                1...1_000_000,
                "Streams a client may reset in 10 seconds."
            ),
            .integer(
                "limits.long_polls_per_device",
                \.limits.longPollsPerDevice,
                1...1_000_000,
                "Waiting /sync requests of one device; the oldest is answered empty."
            ),
            .integer(
                "limits.long_polls_per_user",
                \.limits.longPollsPerUser,
                1...1_000_000,
                "The same for all devices of a user together."
            ),
            .integer(
                "limits.long_poll_seconds",
                \.limits.longPollSeconds,
                1...3_600,
                "Longest wait of a /sync; a longer timeout is shortened to this."
            ),
            .integer(
                "limits.page_items",
                \.limits.pageItems,
                10...100_000,
                "Most events or listed rooms of one page; a larger `limit` is lowered to this."
            ),
            .integer(
                "limits.invites_per_create_room",
                \.limits.invitesPerCreateRoom,
                0...1_000_000,
                "Invitations in one createRoom."
            ),
            .integer(
                "limits.initial_state_events",
                \.limits.initialStateEvents,
                0...10_000,
                "State events in one createRoom."
            ),
            .integer(
                "limits.devices_per_user",
                \.limits.devicesPerUser,
                1...1_000_000,
                "Logins of one user that exist at once."
            ),
            .integer(
                "limits.push_rules_per_user",
                \.limits.pushRulesPerUser,
                10...100_000,
                "Push rules of one user."
            ),
            .integer(
                "limits.filters_per_user",
                \.limits.filtersPerUser,
                1...100_000,
                "Stored filters of one user."
            ),
            .integer(
                "limits.rooms_per_user_per_day",
                \.limits.roomsPerUserPerDay,
                0...1_000_000,
                "Rooms one user may create in a day."
            ),
            .integer(
                "limits.invites_per_user_per_day",
                \.limits.invitesPerUserPerDay,
                0...1_000_000,
                "Invitations one user may send in a day."
            ),
            .integer(
                "limits.push_glob_characters",
                \.limits.pushGlobCharacters,
                16...4_096,
                "Longest pattern of a push rule."
            ),
        ]
    )

    static let rateLimits = Section(
        name: "rate_limits",
        documentation: """
            Requests per second, and how many may come at once; the rest are answered 429 with
            Retry-After. Counted per user, or per address where there is no user yet.
            """,
        settings: [
            rate("message", \.rateLimits.message, "Sending, redacting, setting state."),
            rate("join", \.rateLimits.join, "Joining rooms."),
            rate("invite", \.rateLimits.invite, "Inviting."),
            rate("create_room", \.rateLimits.createRoom, "Creating rooms."),
            rate(
                "profile",
                \.rateLimits.profile,
                "Changing one's name or avatar, which is an event in every joined room."
            ),
            rate("registration", \.rateLimits.registration, "Registering, per address."),
            rate("login_per_address", \.rateLimits.loginPerAddress, "Logging in, per address."),
            rate(
                "login_per_account",
                \.rateLimits.loginPerAccount,
                "Logging in, per account and address together."
            ),
            rate(
                "failed_login",
                \.rateLimits.failedLogin,
                "Wrong passwords, per account and address together."
            ),
            rate(
                "unknown_token",
                \.rateLimits.unknownToken,
                "Requests with a token that is not known, per address."
            ),
            rate("other", \.rateLimits.other, "Every other request."),
        ].flatMap(\.self)
    )

    private static func rate(
        _ name: String,
        _ field: Setting<Configuration>.Field<Configuration.Rate>,
        _ documentation: String
    ) -> [Setting<Configuration>] {
        [
            Setting(
                path: "rate_limits.\(name)_per_second",
                documentation: documentation
            ) { root, raw throws(SettingProblem) in
                try Setting<Configuration.Rate>.number("", \.perSecond, 0.001...1e9, "")
                    .apply(&root[keyPath: field], raw)
            } show: {
                shortText($0[keyPath: field].perSecond)
            },
            Setting(path: "rate_limits.\(name)_burst", documentation: "") {
                root,
                raw throws(SettingProblem) in
                try Setting<Configuration.Rate>.integer("", \.burst, 1...1_000_000_000, "")
                    .apply(&root[keyPath: field], raw)
            } show: {
                String($0[keyPath: field].burst)
            },
        ]
    }
}
