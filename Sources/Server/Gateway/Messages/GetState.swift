import HTTPService

/// `GET /_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey}`
/// <https://spec.matrix.org/v1.15/client-server-api/#get_matrixclientv3roomsroomidstateeventtypestatekey>
extension Endpoint {
    static let getState = Endpoint(
        .get,
        "/rooms/{roomId}/state/{eventType}/{stateKey}"
    ) { call in
        try await call.state(call.path("eventType"), call.path("stateKey"))
    }
}

/// `GET /_matrix/client/v3/rooms/{roomId}/state/{eventType}`: the empty state key.
extension Endpoint {
    static let getStateWithoutKey = Endpoint(
        .get,
        "/rooms/{roomId}/state/{eventType}"
    ) { call in
        try await call.state(call.path("eventType"), "")
    }
}

extension Call {
    fileprivate func state(_ type: String, _ stateKey: String) async throws -> Reply {
        let roomID = path("roomId")
        _ = try await latest(roomID)
        return Reply(
            try gateway.reading.stateEvent(
                roomID: roomID,
                type: type,
                stateKey: stateKey,
                format: request.query("format"),
                by: requester
            )
        )
    }
}
