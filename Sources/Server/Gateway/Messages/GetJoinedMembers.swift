import HTTPService

/// `GET /_matrix/client/v3/rooms/{roomId}/joined_members`
/// <https://spec.matrix.org/v1.15/client-server-api/#get_matrixclientv3roomsroomidjoined_members>
extension Endpoint {
    static let getJoinedMembers = Endpoint(.get, "/rooms/{roomId}/joined_members") { call in
        let roomID = call.path("roomId")
        _ = try await call.latest(roomID)
        return Reply(try call.gateway.reading.joinedMembers(roomID: roomID, by: call.requester))
    }
}
