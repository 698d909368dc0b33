import Encryption
package import Homeserver
import KeyValue
package import MatrixModel
import Projections
import Sync

extension ReadService {
    /// An item of account data: its content, a JSON object. `roomID` nil for global items.
    package func accountData(
        user: String,
        roomID: String?,
        type: String
    ) throws(MatrixError) -> [UInt8] {
        try answering {
            let row = try view().home(of: user).accountData(user, roomID ?? "", type)
            guard let row,
                let content = try renderer.opener.open(
                    row.sealed,
                    for: .accountData(user, roomID ?? "", type)
                )
            else { throw MatrixError.notFound("There is no such account data") }
            return content
        }
    }

    /// A stored filter: the JSON object as it was given.
    package func filter(user: String, id: String) throws(MatrixError) -> [UInt8] {
        try answering {
            guard let content = try storedFilter(user, id, in: view()) else {
                throw MatrixError.notFound("No such filter")
            }
            return content
        }
    }

    func storedFilter(_ user: String, _ id: String, in view: ReadView<Store>) throws -> [UInt8]? {
        guard let row = try view.home(of: user).filter(user, id) else { return nil }
        return try renderer.opener.open(row.sealed, for: .filter(user, id))
    }

    /// A user's profile; nil when there is no such account or it is deactivated.
    package func profile(_ user: String) throws(MatrixError) -> Profile? {
        try answering {
            let reader = view().home(of: user)
            guard let account = try reader.account(user), !account.isDeactivated else {
                return nil
            }
            guard let row = try reader.profile(user),
                let bytes = try renderer.opener.open(row.sealed, for: .profile(user))
            else { return Profile() }
            return try Profile(bytes)
        }
    }

    /// A device's display name; nil when it has none.
    package func deviceName(user: String, _ deviceID: String) throws(MatrixError) -> String? {
        try answering {
            guard let row = try view().home(of: user).device(user, deviceID),
                let bytes = try renderer.opener.open(row.sealedName, for: .device(user, deviceID))
            else { return nil }
            return String(decoding: bytes, as: UTF8.self)
        }
    }
}
