import HTTPService
import Homeserver
import MatrixModel
import MatrixRules

/// `PUT /_matrix/client/v3/directory/room/{roomAlias}`
/// <https://spec.matrix.org/v1.15/client-server-api/#put_matrixclientv3directoryroomroomalias>
extension Endpoint {
    static let setAlias = Endpoint(.put, "/directory/room/{roomAlias}", rate: .message) { call in
        let alias = try call.localAlias()
        let roomID = try call.body().needText("room_id")
        guard RoomID(roomID) != nil else {
            throw MatrixError.invalidParam("room_id is not a room ID")
        }
        guard try await call.room(roomID).membership(of: call.user) == .join else {
            throw MatrixError.forbidden("You are not in this room")
        }
        try call.gateway.reading.checkAliasCount(of: roomID)
        try await call.perform(
            .reserveAlias(alias: alias, roomID: roomID, creator: call.user, confirm: true),
            in: call.partition(of: alias)
        )
        return .empty
    }
}
