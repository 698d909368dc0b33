import HTTPService
import Keyspace
import MatrixModel

/// `GET /_matrix/client/v3/publicRooms`
/// <https://spec.matrix.org/v1.15/client-server-api/#get_matrixclientv3publicrooms>
extension Endpoint {
    static let publicRooms = Endpoint(.get, "/publicRooms") { call in
        var request = PublicRoomsRequest()
        if let text = call.request.query("limit") {
            guard let limit = Int(text), limit >= 0 else {
                throw MatrixError.invalidParam("limit must be a number from 0")
            }
            request.limit = limit
        }
        request.since = call.request.query("since")
        return try await call.publicRooms(request, server: call.request.query("server"))
    }
}

/// `POST /_matrix/client/v3/publicRooms`
/// <https://spec.matrix.org/v1.15/client-server-api/#post_matrixclientv3publicrooms>
extension Endpoint {
    static let searchPublicRooms = Endpoint(.post, "/publicRooms") { call in
        try await call.publicRooms(
            try PublicRoomsRequest(body: try call.optionalBody()),
            server: call.request.query("server")
        )
    }
}

extension Call {
    fileprivate func publicRooms(
        _ request: PublicRoomsRequest,
        server: String?
    ) async throws -> Reply {
        guard server == nil || server == settings.serverName else {
            throw MatrixError.notFound("This server knows of no rooms elsewhere")
        }
        try await gateway.node.readBarrier(gateway.node.map.all)
        return Reply(try gateway.reading.publicRooms(request, by: requester))
    }
}
