import HTTPService

/// `GET /_matrix/client/v3/rooms/{roomId}/context/{eventId}`
/// <https://spec.matrix.org/v1.15/client-server-api/#get_matrixclientv3roomsroomidcontexteventid>
extension Endpoint {
    static let getContext = Endpoint(.get, "/rooms/{roomId}/context/{eventId}") { call in
        let roomID = call.path("roomId")
        _ = try await call.latest(roomID)
        return Reply(
            try call.gateway.reading.context(
                roomID: roomID,
                eventID: call.path("eventId"),
                limit: call.request.query("limit"),
                filter: call.request.query("filter"),
                by: call.requester
            )
        )
    }
}
