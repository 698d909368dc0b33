import HTTPService
import Homeserver
import MatrixModel

/// `PUT /_matrix/client/v3/directory/list/room/{roomId}`
/// <https://spec.matrix.org/v1.15/client-server-api/#put_matrixclientv3directorylistroomroomid>
extension Endpoint {
    static let setListing = Endpoint(
        .put,
        "/directory/list/room/{roomId}",
        rate: .message
    ) { call in
        let roomID = try call.roomID()
        let isPublic: Bool
        switch try call.optionalBody().text("visibility") ?? "public" {
        case "public": isPublic = true
        case "private": isPublic = false
        default: throw MatrixError.invalidParam("visibility must be public or private")
        }
        try await call.perform(
            .publishRoom(roomID: roomID, userID: call.user, isPublic: isPublic),
            in: call.partition(of: roomID)
        )
        return .empty
    }
}
