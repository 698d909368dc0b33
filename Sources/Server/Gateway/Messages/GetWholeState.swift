import HTTPService

/// `GET /_matrix/client/v3/rooms/{roomId}/state`
/// <https://spec.matrix.org/v1.15/client-server-api/#get_matrixclientv3roomsroomidstate>
extension Endpoint {
    static let getWholeState = Endpoint(.get, "/rooms/{roomId}/state") { call in
        let roomID = call.path("roomId")
        _ = try await call.latest(roomID)
        return Reply(try call.gateway.reading.state(roomID: roomID, by: call.requester))
    }
}
