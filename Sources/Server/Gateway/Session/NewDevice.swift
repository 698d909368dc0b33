import Homeserver
import Identity
import MatrixModel

/// The device a login or a registration asks for.
struct NewDevice: Sendable {
    /// As given by the client, or fresh.
    var id: String
    var name: String?

    static let nameBytesMax = 256
    private static let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)

    /// Ten capital letters.
    static func freshID() -> String {
        String(decoding: (0..<10).map { _ in letters[Int.random(in: 0..<26)] }, as: UTF8.self)
    }
}

extension JSONView {
    func newDevice() throws(MatrixError) -> NewDevice {
        let given = try text("device_id")
        if let given, DeviceID(given) == nil {
            throw .invalidParam("A device ID has 1 to 255 bytes and no control characters")
        }
        let name = try text("initial_device_display_name")
        if let name, name.utf8.count > NewDevice.nameBytesMax {
            throw .invalidParam("A device's name has at most \(NewDevice.nameBytesMax) bytes")
        }
        return NewDevice(id: given ?? NewDevice.freshID(), name: name)
    }
}

extension Call {
    /// A token for a device, with what the account's partition is told of it.
    func mintToken(
        for device: NewDevice,
        of user: String
    ) -> (token: String, command: AddDevice) {
        let node = gateway.node
        let token = AccessToken.mint(
            .access,
            partition(of: user),
            secret: node.random(AccessToken.secretCount)
        )
        return (
            token,
            AddDevice(
                userID: user,
                deviceID: device.id,
                tokenMAC: AccessToken.mac(token, key: node.tokenKey),
                displayName: device.name
            )
        )
    }

    /// Logs a device in; an existing one gets a new token and its old one is void.
    func addDevice(_ device: NewDevice, to user: String) async throws -> String {
        let (token, command) = mintToken(for: device, of: user)
        try await perform(.addDevice(command), in: partition(of: user))
        return token
    }

    /// `name` or `@name:server` as a user of this server; nil for another server's and for what
    /// is no user ID.
    func localUser(_ name: String) -> String? {
        let text = name.hasPrefix("@") ? name : "@\(name):\(settings.serverName)"
        guard let id = UserID(text), id.serverName == settings.serverName else { return nil }
        return id.raw
    }
}
