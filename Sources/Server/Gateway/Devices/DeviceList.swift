import HTTPService
import Homeserver
import Identity
import Identity
import MatrixModel
import Projections

/// `GET /_matrix/client/v3/devices`
/// <https://spec.matrix.org/v1.15/client-server-api/#get_matrixclientv3devices>
extension Endpoint {
    static let devices = Endpoint(.get, "/devices") { call in
        let account = try await call.ownAccount()
        let devices = try account.rows.devices(call.user).map {
            try call.describe($0.deviceID, $0.row, of: account)
        }
        return Reply(["devices": .array(devices)])
    }
}

extension Call {
    /// A device as its owner sees it. Clients want every key there, if only as null.
    func describe(_ id: String, _ row: DeviceRow, of account: AccountView) throws -> JSONValue {
        let name = try account.open(row.sealedName, .device(user, id))
        let seen = gateway.lastSeen[user, id]
        return [
            "device_id": .string(id), "user_id": .string(user),
            "display_name": name.map { .string(String(decoding: $0, as: UTF8.self)) } ?? .null,
            "last_seen_ip": seen.map { .string($0.address) } ?? .null,
            "last_seen_ts": seen.map { .integer(Int64(clamping: $0.time)) } ?? .null,
        ]
    }
}
