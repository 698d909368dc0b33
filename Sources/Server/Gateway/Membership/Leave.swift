import HTTPService
import MatrixRules

/// `POST /_matrix/client/v3/rooms/{roomId}/leave`
/// <https://spec.matrix.org/v1.15/client-server-api/#post_matrixclientv3roomsroomidleave>
extension Endpoint {
    static let leave = Endpoint(.post, "/rooms/{roomId}/leave") { call in
        let roomID = try call.roomID()
        let reason = try call.optionalBody().text("reason")
        try await call.change(
            MembershipChange(
                roomID: roomID,
                target: call.user,
                content: MemberContents(.leave, reason: reason)
            )
        )
        return .empty
    }
}
