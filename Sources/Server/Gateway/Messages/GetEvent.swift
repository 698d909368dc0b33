import HTTPService

/// `GET /_matrix/client/v3/rooms/{roomId}/event/{eventId}`
/// <https://spec.matrix.org/v1.15/client-server-api/#get_matrixclientv3roomsroomideventeventid>
extension Endpoint {
    static let getEvent = Endpoint(.get, "/rooms/{roomId}/event/{eventId}") { call in
        let roomID = call.path("roomId")
        _ = try await call.latest(roomID)
        return Reply(
            try call.gateway.reading.event(
                roomID: roomID,
                eventID: call.path("eventId"),
                by: call.requester
            )
        )
    }
}
