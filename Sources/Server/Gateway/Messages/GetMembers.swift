import HTTPService

/// `GET /_matrix/client/v3/rooms/{roomId}/members`
/// <https://spec.matrix.org/v1.15/client-server-api/#get_matrixclientv3roomsroomidmembers>
extension Endpoint {
    static let getMembers = Endpoint(.get, "/rooms/{roomId}/members") { call in
        let request = call.request
        let roomID = call.path("roomId")
        _ = try await call.latest(roomID)
        return Reply(
            try call.gateway.reading.members(
                roomID: roomID,
                at: request.query("at"),
                membership: request.query("membership"),
                notMembership: request.query("not_membership"),
                by: call.requester
            )
        )
    }
}
