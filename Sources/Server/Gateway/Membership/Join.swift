import HTTPService
import Homeserver
import MatrixModel
import MatrixRules
import Primitives

/// `POST /_matrix/client/v3/join/{roomIdOrAlias}`
/// <https://spec.matrix.org/v1.15/client-server-api/#post_matrixclientv3joinroomidoralias>
extension Endpoint {
    static let joinByAlias = Endpoint(.post, "/join/{roomIdOrAlias}", rate: .join) { call in
        let reason = try call.optionalBody().text("reason")
        return try await call.join(try await call.resolve(call.path("roomIdOrAlias")), reason)
    }
}

/// `POST /_matrix/client/v3/rooms/{roomId}/join`
/// <https://spec.matrix.org/v1.15/client-server-api/#post_matrixclientv3roomsroomidjoin>
extension Endpoint {
    static let join = Endpoint(.post, "/rooms/{roomId}/join", rate: .join) { call in
        let reason = try call.optionalBody().text("reason")
        return try await call.join(try call.roomID(), reason)
    }
}

extension Call {
    fileprivate func join(_ roomID: String, _ reason: String?) async throws -> Reply {
        let room = try await room(roomID)
        let member = try await ownAccount().member()
        var content = MemberContents(.join, of: member, reason: reason)
        content.authoriser = try await authoriser(of: room)
        return try await change(
            MembershipChange(roomID: roomID, target: user, content: content)
        ).roomReply
    }

    /// For a restricted room: a member who may let others in, if the caller is in one of the rooms
    /// that open it. The evidence rides the command; the room's leader checks the rest.
    func authoriser(of room: RoomView) async throws -> String? {
        let rules = try room.joinRules()
        guard rules.rule?.isRestricted == true else { return nil }
        switch try room.membership(of: user) {
        case .join, .invite, .ban: return nil
        case .leave, .knock: break
        }
        guard try await isInAny(of: rules.allowedRooms), let power = try room.power() else {
            return nil
        }
        let candidates =
            [power.create.sender] + power.create.additionalCreators
            + (power.levels?.users.keys.sorted() ?? [])
        for candidate in candidates
        where power.permitsAuthorisingJoins(candidate)
            && candidate.serverName == settings.serverName
        {
            if try room.membership(of: candidate.raw) == .join { return candidate.raw }
        }
        // Where the default level will do, any member does.
        let any = try room.firstJoined { user in
            user.serverName == settings.serverName && power.permitsAuthorisingJoins(user)
        }
        if let any { return any.raw }
        throw MatrixError(
            .unableToGrantJoin,
            "Nobody in the room here may let others in"
        )
    }

    private func isInAny(of rooms: [RoomID]) async throws -> Bool {
        let known = rooms.prefix(100).map(\.raw)
        let partitions = Set(known.map { partition(of: $0) })
        try await gateway.node.readBarrier(partitions.sorted())
        let view = gateway.node.view()
        for roomID in known {
            guard let room = try RoomView(roomID, view(partition(of: roomID))) else { continue }
            if try room.membership(of: user) == .join { return true }
        }
        return false
    }
}
