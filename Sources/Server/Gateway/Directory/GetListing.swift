import HTTPService
import MatrixModel

/// `GET /_matrix/client/v3/directory/list/room/{roomId}`
/// <https://spec.matrix.org/v1.15/client-server-api/#get_matrixclientv3directorylistroomroomid>
extension Endpoint {
    static let getListing = Endpoint(
        .get,
        "/directory/list/room/{roomId}",
        by: .anyone
    ) { call in
        let room = try await call.room(try call.roomID())
        return Reply(["visibility": try room.isPublished ? "public" : "private"])
    }
}
