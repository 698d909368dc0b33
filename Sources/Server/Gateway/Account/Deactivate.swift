import HTTPService
import Homeserver
import Identity
import Keyspace
import MatrixModel
import Primitives

/// `POST /_matrix/client/v3/account/deactivate`
/// <https://spec.matrix.org/v1.15/client-server-api/#post_matrixclientv3accountdeactivate>
extension Endpoint {
    static let deactivate = Endpoint(.post, "/account/deactivate") { call in
        let body = try call.optionalBody()
        let erase = try body.flag("erase") ?? false
        try await call.confirmPassword("deactivate", body)
        try await call.gateway.deactivate(call.user, keyID: call.session.keyID, erase: erase)
        return Reply(["id_server_unbind_result": "no-support"])
    }
}

extension Gateway {
    /// Ends an account; with `erase` its key is destroyed too, and with it everything that was
    /// sealed under it on every replica, in every log and backup.
    func deactivate(_ user: String, keyID: UInt64, erase: Bool) async throws(MatrixError) {
        _ = try await perform(
            .deactivate(userID: user, erase: erase),
            in: node.map.partition(of: user)
        )
        if erase { _ = try await perform(.destroyKeys([keyID]), in: .keys) }
    }
}
