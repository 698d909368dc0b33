import HTTPService
import Homeserver
import Identity
import MatrixModel
import MatrixRules
import Projections

/// `DELETE /_matrix/client/v3/directory/room/{roomAlias}`
/// <https://spec.matrix.org/v1.15/client-server-api/#delete_matrixclientv3directoryroomroomalias>
extension Endpoint {
    static let deleteAlias = Endpoint(
        .delete,
        "/directory/room/{roomAlias}",
        rate: .message
    ) { call in
        let alias = try call.localAlias()
        let row = try await call.latestRows(of: alias).alias(alias)
        guard let row, row.isConfirmed else {
            throw MatrixError.notFound("There is no such alias")
        }
        let isOwn = row.creator == call.user || call.session.isAdministrator
        let isRoomsOwn = try await call.mayManageAliases(of: row.roomID)
        guard isOwn || isRoomsOwn else {
            throw MatrixError.forbidden("You may not delete this alias")
        }
        try await call.perform(.removeAlias(alias: alias), in: call.partition(of: alias))
        return .empty
    }
}

extension Call {
    fileprivate func mayManageAliases(of roomID: String) async throws -> Bool {
        guard let room = try RoomView(roomID, try await latestRows(of: roomID)),
            try room.membership(of: user) == .join
        else { return false }
        return try room.power()?
            .permits(userID, sending: "m.room.canonical_alias", isState: true) ?? false
    }
}
