import HTTPService

/// `GET /_matrix/client/v3/joined_rooms`
/// <https://spec.matrix.org/v1.15/client-server-api/#get_matrixclientv3joined_rooms>
extension Endpoint {
    static let joinedRooms = Endpoint(.get, "/joined_rooms") { call in
        _ = try await call.latest(call.user)
        return Reply(try call.gateway.reading.joinedRooms(by: call.requester))
    }
}
