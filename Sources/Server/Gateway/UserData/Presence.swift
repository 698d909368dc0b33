import HTTPService
import MatrixModel

/// `GET /_matrix/client/v3/presence/{userId}/status`: presence is off on this server, so everybody
/// is offline, as the specification has it for users of whom nothing is known.
/// <https://spec.matrix.org/v1.15/client-server-api/#get_matrixclientv3presenceuseridstatus>
extension Endpoint {
    static let getPresence = Endpoint(.get, "/presence/{userId}/status") { call in
        let user = call.path("userId")
        guard UserID(user) != nil else { throw MatrixError.invalidParam("This is no user ID") }
        guard try await call.gateway.account(user) != nil else {
            throw MatrixError.notFound("There is no such user here")
        }
        return Reply(["presence": "offline"])
    }
}

/// `PUT /_matrix/client/v3/presence/{userId}/status`: checked, then ignored.
/// <https://spec.matrix.org/v1.15/client-server-api/#put_matrixclientv3presenceuseridstatus>
extension Endpoint {
    static let setPresence = Endpoint(.put, "/presence/{userId}/status") { call in
        _ = try call.ownUser()
        let body = try call.body()
        switch try body.needText("presence") {
        case "online", "offline", "unavailable": break
        default: throw MatrixError.invalidParam("There is no such presence")
        }
        _ = try body.text("status_msg")
        return .empty
    }
}
