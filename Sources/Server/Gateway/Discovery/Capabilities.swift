import HTTPService
import MatrixModel

/// `GET /_matrix/client/v3/capabilities`
/// <https://spec.matrix.org/v1.15/client-server-api/#get_matrixclientv3capabilities>
extension Endpoint {
    static let capabilities = Endpoint(.get, "/capabilities") { call in
        Reply([
            "capabilities": [
                "m.change_password": ["enabled": true],
                "m.room_versions": [
                    "default": .string(call.settings.defaultRoomVersion.identifier),
                    "available": .object(
                        RoomVersion.allCases.map { .init($0.identifier, "stable") }
                    ),
                ],
                "m.set_displayname": ["enabled": true],
                "m.set_avatar_url": ["enabled": true],
                "m.3pid_changes": ["enabled": false],
                "m.get_login_token": ["enabled": true],
            ]
        ])
    }
}
