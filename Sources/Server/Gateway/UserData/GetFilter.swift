import HTTPService

/// `GET /_matrix/client/v3/user/{userId}/filter/{filterId}`
/// <https://spec.matrix.org/v1.15/client-server-api/#get_matrixclientv3useruseridfilterfilterid>
extension Endpoint {
    static let getFilter = Endpoint(.get, "/user/{userId}/filter/{filterId}") { call in
        let user = try call.ownUser()
        _ = try await call.latest(user)
        return Reply(try call.gateway.reading.filter(user: user, id: call.path("filterId")))
    }
}
