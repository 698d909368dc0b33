import HTTPService
import Homeserver
import Identity
import MatrixModel

/// `DELETE /_matrix/client/v3/devices/{deviceId}`
/// <https://spec.matrix.org/v1.15/client-server-api/#delete_matrixclientv3devicesdeviceid>
extension Endpoint {
    static let deleteDevice = Endpoint(.delete, "/devices/{deviceId}") { call in
        let body = try call.optionalBody()
        try await call.confirmPassword("devices", body)
        try await call.perform(
            .removeDevices(userID: call.user, deviceIDs: [call.path("deviceId")]),
            in: call.session.partition
        )
        return .empty
    }
}
