import HTTPService
import Homeserver
import MatrixModel

/// `PUT /_matrix/client/v3/profile/{userId}/avatar_url`
/// <https://spec.matrix.org/v1.15/client-server-api/#put_matrixclientv3profileuseridavatar_url>
extension Endpoint {
    static let setAvatar = Endpoint(
        .put,
        "/profile/{userId}/avatar_url",
        rate: .profile
    ) { call in
        _ = try call.ownUser()
        let url = try call.body().text("avatar_url")
        let limit = call.settings.limits.avatarURLBytes
        guard url?.utf8.count ?? 0 <= limit else {
            throw MatrixError.invalidParam("An avatar's address has at most \(limit) bytes")
        }
        try await call.editProfile { $0.avatarURL = url.flatMap { $0.isEmpty ? nil : $0 } }
        return .empty
    }
}
