import HTTPService
import MatrixModel
import MatrixRules

/// `GET /_matrix/client/v3/user/{userId}/account_data/{type}`
/// <https://spec.matrix.org/v1.15/client-server-api/#get_matrixclientv3useruseridaccount_datatype>
extension Endpoint {
    static let getAccountData = Endpoint(.get, "/user/{userId}/account_data/{type}") { call in
        let user = try call.ownUser()
        let type = try call.accountDataType()
        // Served whole, the server's defaults included.
        if type == "m.push_rules" { return Reply(try await call.pushRules().content) }
        _ = try await call.latest(user)
        return Reply(try call.gateway.reading.accountData(user: user, roomID: nil, type: type))
    }
}

/// `GET /_matrix/client/v3/user/{userId}/rooms/{roomId}/account_data/{type}`
/// <https://spec.matrix.org/v1.15/client-server-api/#get_matrixclientv3useruseridroomsroomidaccount_datatype>
extension Endpoint {
    static let getRoomAccountData = Endpoint(
        .get,
        "/user/{userId}/rooms/{roomId}/account_data/{type}"
    ) { call in
        let user = try call.ownUser()
        let roomID = try call.roomID()
        let type = try call.accountDataType()
        _ = try await call.latest(user)
        return Reply(
            try call.gateway.reading.accountData(user: user, roomID: roomID, type: type)
        )
    }
}
