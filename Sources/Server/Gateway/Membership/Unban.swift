import HTTPService
import MatrixRules

/// `POST /_matrix/client/v3/rooms/{roomId}/unban`
/// <https://spec.matrix.org/v1.15/client-server-api/#post_matrixclientv3roomsroomidunban>
extension Endpoint {
    static let unban = Endpoint(.post, "/rooms/{roomId}/unban", rate: .message) { call in
        let roomID = try call.roomID()
        let (user, reason) = try call.target(try call.body())
        try await call.change(
            MembershipChange(
                roomID: roomID,
                target: user,
                content: MemberContents(.leave, reason: reason),
                required: [.ban]
            )
        )
        return .empty
    }
}
