import HTTPService
import Identity
import MatrixModel
import MatrixRules
import MultiRaft

/// `PUT /_matrix/client/v3/rooms/{roomId}/typing/{userId}`
/// <https://spec.matrix.org/v1.15/client-server-api/#put_matrixclientv3roomsroomidtypinguserid>
extension Endpoint {
    static let typing = Endpoint(.put, "/rooms/{roomId}/typing/{userId}") { call in
        let roomID = try call.roomID()
        let user = try call.ownUser()
        let body = try call.body()
        guard let isTyping = try body.flag("typing") else {
            throw MatrixError.missingParam("typing")
        }
        let timeout = try body.integer("timeout") ?? 30_000
        guard timeout >= 0 else { throw MatrixError.invalidParam("timeout is negative") }
        // Skips the log: nothing is promised of it, so this node's own copy of the room will do.
        let rows = call.gateway.node.view()(call.partition(of: roomID))
        guard let room = try RoomView(roomID, rows), try room.membership(of: user) == .join else {
            throw MatrixError.forbidden("You are not in this room")
        }
        let now = wallMilliseconds()
        let until = now + min(UInt64(timeout), call.settings.limits.typingMilliseconds)
        call.gateway.feed.setTyping(
            roomID: roomID,
            userID: user,
            until: isTyping ? until : nil,
            now: now
        )
        return .empty
    }
}
