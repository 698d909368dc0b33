import HTTPService

/// `GET /_matrix/client/v3/rooms/{roomId}/messages`
/// <https://spec.matrix.org/v1.15/client-server-api/#get_matrixclientv3roomsroomidmessages>
extension Endpoint {
    static let getMessages = Endpoint(.get, "/rooms/{roomId}/messages") { call in
        let request = call.request
        let roomID = call.path("roomId")
        let from = request.query("from")
        // A token names positions that this node has, or waits for; the end is wherever it is now.
        if from?.isEmpty ?? true { _ = try await call.latest(roomID) }
        return Reply(
            try call.gateway.reading.messages(
                MessagesRequest(
                    roomID: roomID,
                    from: from,
                    to: request.query("to"),
                    dir: request.query("dir"),
                    limit: request.query("limit"),
                    filter: request.query("filter")
                ),
                by: call.requester
            )
        )
    }
}
