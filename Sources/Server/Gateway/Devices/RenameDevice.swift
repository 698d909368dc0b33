import HTTPService
import Homeserver
import Identity
import MatrixModel
import Projections

/// `PUT /_matrix/client/v3/devices/{deviceId}`
/// <https://spec.matrix.org/v1.15/client-server-api/#put_matrixclientv3devicesdeviceid>
extension Endpoint {
    static let renameDevice = Endpoint(.put, "/devices/{deviceId}") { call in
        let device = call.path("deviceId")
        let name = try call.body().text("display_name")
        guard let name else {
            // Nothing to change, but the device must be there.
            let account = try await call.ownAccount()
            guard try account.rows.device(call.user, device) != nil else {
                throw MatrixError.notFound("There is no such device")
            }
            return .empty
        }
        guard name.utf8.count <= NewDevice.nameBytesMax else {
            throw MatrixError.tooLarge(
                "A device's name has at most \(NewDevice.nameBytesMax) bytes"
            )
        }
        try await call.perform(
            .renameDevice(userID: call.user, deviceID: device, name: name),
            in: call.session.partition
        )
        return .empty
    }
}
