import Encryption
import HTTPService
import Homeserver
import Identity
import MatrixModel
import Primitives
import Projections
import Sync

/// `POST /_matrix/client/v3/user/{userId}/filter`
/// <https://spec.matrix.org/v1.15/client-server-api/#post_matrixclientv3useruseridfilter>
extension Endpoint {
    static let storeFilter = Endpoint(.post, "/user/{userId}/filter", body: .filter) { call in
        let user = try call.ownUser()
        let body = try call.body()
        _ = try SyncFilter(parsing: body)
        let content = Array(body.rawBytes)
        // The same filter again has the same ID: clients store theirs at every start. Keyed, so
        // that the ID tells nobody what the filter says.
        var name = ByteWriter(reserving: 64 + content.count)
        name.string("filter")
        name.string(user)
        name.raw(content)
        let mac = Cipher.hmacSHA256(key: call.gateway.node.tokenKey, name.bytes)
        let id = Base64.encode(mac.prefix(12), urlSafe: true)
        if try await call.latestRows(of: user).filter(user, id) == nil {
            try await call.perform(
                .storeFilter(userID: user, filterID: id, content: content),
                in: call.session.partition
            )
        }
        return Reply(["filter_id": .string(id)])
    }
}
