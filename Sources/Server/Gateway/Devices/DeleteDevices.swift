import HTTPService
import Homeserver
import Identity
import MatrixModel

/// `POST /_matrix/client/v3/delete_devices`
/// <https://spec.matrix.org/v1.15/client-server-api/#post_matrixclientv3delete_devices>
extension Endpoint {
    static let deleteDevices = Endpoint(.post, "/delete_devices") { call in
        let body = try call.body()
        guard let devices = try body.texts("devices") else {
            throw MatrixError.missingParam("devices")
        }
        guard devices.count <= 1_000 else {
            throw MatrixError.invalidParam("At most 1,000 devices at once")
        }
        try await call.confirmPassword("devices", body)
        // An empty list would mean all of them to the account.
        guard !devices.isEmpty else { return .empty }
        try await call.perform(
            .removeDevices(userID: call.user, deviceIDs: devices),
            in: call.session.partition
        )
        return .empty
    }
}
