import HTTPService
import Homeserver
import Identity
import MatrixModel
import MatrixRules
import Projections

/// `PUT /_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey}`
/// <https://spec.matrix.org/v1.15/client-server-api/#put_matrixclientv3roomsroomidstateeventtypestatekey>
extension Endpoint {
    static let setState = Endpoint(
        .put,
        "/rooms/{roomId}/state/{eventType}/{stateKey}",
        rate: .message
    ) { call in
        try await call.setState(call.path("eventType"), call.path("stateKey"))
    }
}

/// `PUT /_matrix/client/v3/rooms/{roomId}/state/{eventType}`: the empty state key.
extension Endpoint {
    static let setStateWithoutKey = Endpoint(
        .put,
        "/rooms/{roomId}/state/{eventType}",
        rate: .message
    ) { call in
        try await call.setState(call.path("eventType"), "")
    }
}

extension Call {
    fileprivate func setState(_ type: String, _ stateKey: String) async throws -> Reply {
        let roomID = try roomID()
        try MatrixError.checkKey(type, "An event's type")
        try MatrixError.checkKey(stateKey, "A state key")
        let (view, content) = try content()
        var draft = EventIntent(
            type: type,
            stateKey: stateKey,
            content: content,
            relation: Relation(of: view)
        )
        var isDirect = false
        switch type {
        case "m.room.member":
            draft.subject = try await subject(stateKey, view)
            draft.content = try await authorised(view, content, stateKey, in: roomID)
            isDirect = try view.flag("is_direct") ?? false
        case "m.room.canonical_alias" where stateKey.isEmpty:
            try await checkAliases(view, of: roomID)
        case "m.room.redaction":
            throw MatrixError.badJSON("A redaction is not a state event")
        default: break
        }
        return try await perform(
            .sendEvent(
                SendEvent(
                    roomID: roomID,
                    sender: user,
                    senderKeyID: session.keyID,
                    deviceID: session.deviceID,
                    draft: draft,
                    isDirect: isDirect
                )
            ),
            in: partition(of: roomID)
        ).eventReply
    }

    /// Somebody else's profile in a member event is sealed under their own key. Who has no account
    /// here can be banned, and has no profile that a client may make up.
    private func subject(_ target: String, _ content: JSONView) async throws -> Member? {
        guard UserID(target) != nil else {
            throw MatrixError.invalidParam("The state key is no user ID")
        }
        let word = try content.needText("membership")
        guard let membership = Membership(word) else {
            throw MatrixError.badJSON("There is no such membership")
        }
        // What a route of its own is for costs the same here.
        switch membership {
        case .join, .knock: try gateway.limit(.join, user)
        case .invite: try gateway.limit(.invite, user)
        case .leave, .ban: break
        }
        guard target != user else { return nil }
        guard let account = try await gateway.account(target) else {
            if membership == .invite {
                throw MatrixError.notFound("There is no such user here")
            }
            guard content["displayname"] == nil, content["avatar_url"] == nil else {
                throw MatrixError.invalidParam("The user has no profile here")
            }
            return nil
        }
        if membership == .invite { try countInvitations(1) }
        return Member(
            userID: target,
            keyID: account.row.keyID,
            displayName: try content.text("displayname"),
            avatarURL: try content.text("avatar_url")
        )
    }

    /// The content with whom the server found to let the caller into a restricted room. What a
    /// client says of that is dropped: it would be believed.
    private func authorised(
        _ view: JSONView,
        _ content: [UInt8],
        _ target: String,
        in roomID: String
    ) async throws -> [UInt8] {
        let key = "join_authorised_via_users_server"
        var authoriser: String?
        if target == user, view["membership"]?.isString("join") == true {
            authoriser = try await self.authoriser(of: try await room(roomID))
        }
        guard authoriser != nil || view[key] != nil else { return content }
        var changed = JSONValue(view)
        changed[key] = authoriser.map { .string($0) }
        return try changed.canonicalContent()
    }

    /// Every alias that a room calls its own must point to it.
    private func checkAliases(_ content: JSONView, of roomID: String) async throws {
        var aliases = try content.texts("alt_aliases") ?? []
        if let alias = try content.text("alias"), !alias.isEmpty { aliases.append(alias) }
        guard aliases.count <= 100 else {
            throw MatrixError.invalidParam("At most 100 aliases")
        }
        for text in Set(aliases) {
            guard let alias = RoomAlias(text) else {
                throw MatrixError.invalidParam("This is no room alias")
            }
            let row = try await latestRows(of: alias.raw).alias(alias.raw)
            guard row?.isConfirmed == true, row?.roomID == roomID else {
                throw MatrixError(.badAlias, "The alias does not point to this room")
            }
        }
    }
}
