import HTTPService
import Homeserver
import Identity

/// `POST /_matrix/client/v3/rooms/{roomId}/forget`
/// <https://spec.matrix.org/v1.15/client-server-api/#post_matrixclientv3roomsroomidforget>
extension Endpoint {
    static let forget = Endpoint(.post, "/rooms/{roomId}/forget") { call in
        try await call.perform(
            .forgetRoom(userID: call.user, roomID: try call.roomID()),
            in: call.session.partition
        )
        return .empty
    }
}
