import MatrixModel
import MatrixRules

/// The body of `createRoom`, parsed and within limits.
struct NewRoomRequest: Sendable {
    var version: RoomVersion
    var preset: RoomPreset
    var isPublished: Bool
    var isDirect: Bool
    var alias: String?
    var name: String?
    var topic: String?
    var invitees: [String]
    var initialState: [InitialState]
    /// Without the keys that the server decides.
    var creationContent: [JSONValue.Member]
    var additionalCreators: [UserID]
    var powerLevels: JSONView?

    struct InitialState: Sendable {
        var type: String
        var stateKey: String
        /// Canonical JSON.
        var content: [UInt8]
    }

    init(
        _ body: JSONView,
        defaultVersion: RoomVersion,
        server: String,
        limits: GatewaySettings.Limits
    ) throws(MatrixError) {
        version = try Self.version(try body.text("room_version")) ?? defaultVersion
        switch try body.text("visibility") ?? "private" {
        case "public": isPublished = true
        case "private": isPublished = false
        default: throw .invalidParam("visibility must be public or private")
        }
        preset = RoomPreset(isPublic: isPublished)
        if let word = try body.text("preset") {
            guard let known = RoomPreset(rawValue: word) else {
                throw .invalidParam("There is no preset of this name")
            }
            preset = known
        }
        isDirect = try body.flag("is_direct") ?? false
        name = try body.text("name")
        topic = try body.text("topic")
        alias = try Self.alias(try body.text("room_alias_name"), on: server)
        invitees = try Self.invitees(body, max: limits.invitesPerCreateRoom)
        initialState = try Self.initialState(body, max: limits.initialStateEvents, alias: alias)
        powerLevels = try body.object("power_level_content_override")
        creationContent = []
        additionalCreators = []
        guard let creation = try body.object("creation_content") else { return }
        for member in creation.members {
            switch member.key {
            case "creator", "room_version": break
            case "additional_creators" where version.creatorsAreAboveLevels:
                additionalCreators = try Self.users(
                    try creation.texts("additional_creators") ?? []
                )
            default: creationContent.append(.init(member.key, JSONValue(member.value)))
            }
        }
    }

    private static func version(_ text: String?) throws(MatrixError) -> RoomVersion? {
        guard let text else { return nil }
        guard let version = RoomVersion(rawValue: text) else {
            throw MatrixError(
                .unsupportedRoomVersion,
                "This server does not know this room version"
            )
        }
        return version
    }

    private static func alias(
        _ localpart: String?,
        on server: String
    ) throws(MatrixError) -> String? {
        guard let localpart else { return nil }
        guard let alias = RoomAlias(localpart: localpart, on: ServerName(trusted: server)) else {
            throw .invalidParam("This cannot be an alias")
        }
        return alias.raw
    }

    private static func invitees(_ body: JSONView, max: Int) throws(MatrixError) -> [String] {
        if let others = try body.list("invite_3pid"), !others.isEmpty {
            throw .invalidParam("This server invites by user ID only")
        }
        var seen: Set<String> = []
        let names = try users(try body.texts("invite") ?? []).map(\.raw)
            .filter { seen.insert($0).inserted }
        guard names.count <= max else {
            throw .invalidParam("At most \(max) invitations with a new room")
        }
        return names
    }

    private static func users(_ texts: [String]) throws(MatrixError) -> [UserID] {
        var users: [UserID] = []
        for text in texts {
            guard let user = UserID(text) else { throw .invalidParam("This is no user ID") }
            users.append(user)
        }
        return users
    }

    private static func initialState(
        _ body: JSONView,
        max: Int,
        alias: String?
    ) throws(MatrixError) -> [InitialState] {
        let list = try body.list("initial_state") ?? []
        guard list.count <= max else {
            throw .invalidParam("At most \(max) events of initial state")
        }
        var states: [InitialState] = []
        for entry in list {
            guard entry.isObject else { throw .badJSON("initial_state must hold objects") }
            let type = try entry.needText("type")
            let stateKey = try entry.text("state_key") ?? ""
            try MatrixError.checkKey(type, "type")
            try MatrixError.checkKey(stateKey, "state_key")
            let content = try entry.needObject("content")
            switch type {
            case "m.room.create", "m.room.member", "m.room.power_levels", "m.room.redaction":
                // The request has fields of their own for them, with checks of their own.
                throw MatrixError(.invalidRoomState, "initial_state cannot hold \(type)")
            case "m.room.canonical_alias" where stateKey.isEmpty:
                try checkAliases(content, alias)
            default: break
            }
            states.append(
                InitialState(
                    type: type,
                    stateKey: stateKey,
                    content: try content.canonicalContent()
                )
            )
        }
        return states
    }

    /// No alias can point to a room that is not there yet, but the one that is made with it.
    private static func checkAliases(
        _ content: JSONView,
        _ known: String?
    ) throws(MatrixError) {
        var aliases = try content.texts("alt_aliases") ?? []
        if let alias = try content.text("alias"), !alias.isEmpty { aliases.append(alias) }
        guard aliases.allSatisfy({ $0 == known }) else {
            throw MatrixError(.badAlias, "The alias does not point to this room")
        }
    }
}
