import HTTPService
import Homeserver
import Identity
import MatrixModel

/// `PUT /_matrix/client/v3/user/{userId}/account_data/{type}`
/// <https://spec.matrix.org/v1.15/client-server-api/#put_matrixclientv3useruseridaccount_datatype>
extension Endpoint {
    static let setAccountData = Endpoint(
        .put,
        "/user/{userId}/account_data/{type}",
        body: .accountData
    ) { call in
        try await call.setAccountData(room: "")
    }
}

/// `PUT /_matrix/client/v3/user/{userId}/rooms/{roomId}/account_data/{type}`
/// <https://spec.matrix.org/v1.15/client-server-api/#put_matrixclientv3useruseridroomsroomidaccount_datatype>
extension Endpoint {
    static let setRoomAccountData = Endpoint(
        .put,
        "/user/{userId}/rooms/{roomId}/account_data/{type}",
        body: .accountData
    ) { call in
        try await call.setAccountData(room: try call.roomID())
    }
}

extension Call {
    fileprivate func setAccountData(room roomID: String) async throws -> Reply {
        let user = try ownUser()
        let type = try accountDataType()
        let body = try body()
        switch type {
        case "m.fully_read", "m.push_rules":
            throw MatrixError(
                .badJSON,
                "This type has endpoints of its own",
                status: 405
            )
        default: break
        }
        try await perform(
            .setAccountData(
                userID: user,
                roomID: roomID,
                type: type,
                content: Array(body.rawBytes)
            ),
            in: session.partition
        )
        return .empty
    }

    func accountDataType() throws(MatrixError) -> String {
        let type = path("type")
        guard (1...255).contains(type.utf8.count) else {
            throw .invalidParam("A type has 1 to 255 bytes")
        }
        return type
    }
}
