import HTTPService
import Homeserver
import MatrixModel

/// `GET /_matrix/client/v3/profile/{userId}/{keyName}`
/// <https://spec.matrix.org/v1.15/client-server-api/#get_matrixclientv3profileuseriddisplayname>
extension Endpoint {
    static let getProfileField = Endpoint(
        .get,
        "/profile/{userId}/{keyName}",
        by: .anyone
    ) { call in
        let profile = try await call.profile()
        switch call.path("keyName") {
        case "displayname": return Reply { $0.optional("displayname", profile.displayName) }
        case "avatar_url": return Reply { $0.optional("avatar_url", profile.avatarURL) }
        default: throw MatrixError.notFound("The profile has no such field")
        }
    }
}

extension JSONWriter {
    mutating func optional(_ name: StaticString, _ value: String?) {
        if let value { member(name, value) }
    }
}

extension Call {
    /// The profile of the user in the path: 404 where there is none.
    func profile() async throws -> Profile {
        let user = path("userId")
        guard UserID(user) != nil else { throw MatrixError.invalidParam("This is no user ID") }
        guard let account = try await gateway.account(user) else {
            throw MatrixError.notFound("There is no such user here")
        }
        return try account.profile()
    }
}
