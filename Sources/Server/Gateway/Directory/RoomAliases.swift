import HTTPService

/// `GET /_matrix/client/v3/rooms/{roomId}/aliases`
/// <https://spec.matrix.org/v1.15/client-server-api/#get_matrixclientv3roomsroomidaliases>
extension Endpoint {
    static let roomAliases = Endpoint(.get, "/rooms/{roomId}/aliases") { call in
        let roomID = call.path("roomId")
        _ = try await call.latest(roomID)
        return Reply(try call.gateway.reading.aliases(roomID: roomID, by: call.requester))
    }
}
