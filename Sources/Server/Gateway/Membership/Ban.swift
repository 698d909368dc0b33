import HTTPService
import MatrixRules

/// `POST /_matrix/client/v3/rooms/{roomId}/ban`
/// <https://spec.matrix.org/v1.15/client-server-api/#post_matrixclientv3roomsroomidban>
extension Endpoint {
    static let ban = Endpoint(.post, "/rooms/{roomId}/ban", rate: .message) { call in
        let roomID = try call.roomID()
        let (user, reason) = try call.target(try call.body())
        try await call.change(
            MembershipChange(
                roomID: roomID,
                target: user,
                content: MemberContents(.ban, reason: reason)
            )
        )
        return .empty
    }
}
