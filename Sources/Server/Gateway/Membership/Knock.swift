import HTTPService
import Homeserver
import MatrixRules

/// `POST /_matrix/client/v3/knock/{roomIdOrAlias}`
/// <https://spec.matrix.org/v1.15/client-server-api/#post_matrixclientv3knockroomidoralias>
extension Endpoint {
    static let knock = Endpoint(.post, "/knock/{roomIdOrAlias}", rate: .join) { call in
        let reason = try call.optionalBody().text("reason")
        let roomID = try await call.resolve(call.path("roomIdOrAlias"))
        _ = try await call.room(roomID)
        let member = try await call.ownAccount().member()
        return try await call.change(
            MembershipChange(
                roomID: roomID,
                target: call.user,
                content: MemberContents(.knock, of: member, reason: reason)
            )
        ).roomReply
    }
}
