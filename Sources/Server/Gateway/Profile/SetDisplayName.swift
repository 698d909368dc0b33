import HTTPService
import Homeserver
import Identity
import MatrixModel

/// `PUT /_matrix/client/v3/profile/{userId}/displayname`
/// <https://spec.matrix.org/v1.15/client-server-api/#put_matrixclientv3profileuseriddisplayname>
extension Endpoint {
    static let setDisplayName = Endpoint(
        .put,
        "/profile/{userId}/displayname",
        rate: .profile
    ) { call in
        _ = try call.ownUser()
        let name = try call.body().text("displayname")
        let limit = call.settings.limits.displayNameBytes
        guard name?.utf8.count ?? 0 <= limit else {
            throw MatrixError.invalidParam("A display name has at most \(limit) bytes")
        }
        try await call.editProfile { $0.displayName = name.flatMap { $0.isEmpty ? nil : $0 } }
        return .empty
    }
}

extension Call {
    /// Changes the caller's profile; it reaches every joined room by the outbox.
    func editProfile(_ edit: (inout Profile) -> Void) async throws {
        try await gateway.edits.withKey("profile " + user) {
            var profile = try await ownAccount().profile()
            let before = profile
            edit(&profile)
            guard profile != before else { return }
            try await perform(
                .setProfile(
                    SetProfile(
                        userID: user,
                        displayName: profile.displayName,
                        avatarURL: profile.avatarURL
                    )
                ),
                in: session.partition
            )
        }
    }
}
