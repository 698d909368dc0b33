import HTTPService
import Homeserver
import MatrixModel
import Projections

/// `GET /_matrix/client/v3/devices`
/// <https://spec.matrix.org/v1.15/client-server-api/#get_matrixclientv3devices>
extension Endpoint {
    static let devices = Endpoint(.get, "/devices") { call in
        let account = try await call.ownAccount()
        let devices = try account.rows.devices(call.user).map {
            try account.device($0.deviceID, $0.row)
        }
        return Reply(["devices": .array(devices)])
    }
}

extension AccountView {
    func device(_ id: String, _ row: DeviceRow) throws -> JSONValue {
        var device: JSONValue = ["device_id": .string(id), "user_id": .string(userID)]
        if let name = try open(row.sealedName, .device(userID, id)) {
            device["display_name"] = .string(String(decoding: name, as: UTF8.self))
        }
        return device
    }
}
