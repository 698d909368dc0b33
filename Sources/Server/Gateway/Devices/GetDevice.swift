import HTTPService
import MatrixModel
import Projections

/// `GET /_matrix/client/v3/devices/{deviceId}`
/// <https://spec.matrix.org/v1.15/client-server-api/#get_matrixclientv3devicesdeviceid>
extension Endpoint {
    static let getDevice = Endpoint(.get, "/devices/{deviceId}") { call in
        let account = try await call.ownAccount()
        let id = call.path("deviceId")
        guard let row = try account.rows.device(call.user, id) else {
            throw MatrixError.notFound("There is no such device")
        }
        return Reply(try call.describe(id, row, of: account))
    }
}
