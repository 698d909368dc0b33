import HTTPService
import Homeserver
import MatrixModel
import MatrixRules

/// `POST /_matrix/client/v3/rooms/{roomId}/invite`
/// <https://spec.matrix.org/v1.15/client-server-api/#post_matrixclientv3roomsroomidinvite>
extension Endpoint {
    static let invite = Endpoint(.post, "/rooms/{roomId}/invite", rate: .invite) { call in
        let roomID = try call.roomID()
        let (user, reason) = try call.target(try call.body())
        try call.countInvitations(1)
        let member = try await call.account(user).member()
        try await call.change(
            MembershipChange(
                roomID: roomID,
                target: user,
                content: MemberContents(.invite, of: member, reason: reason),
                subject: member
            )
        )
        return .empty
    }
}
