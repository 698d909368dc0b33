import HTTPService
import MatrixModel

/// `GET /.well-known/matrix/client`
/// <https://spec.matrix.org/v1.15/client-server-api/#getwell-knownmatrixclient>
extension Endpoint {
    static let wellKnown = Endpoint(
        .get,
        "/.well-known/matrix/client",
        prefixes: [""],
        by: .anyone
    ) { call in
        guard let url = call.settings.publicBaseURL else {
            throw MatrixError.notFound("This server has no public address")
        }
        return Reply(["m.homeserver": ["base_url": .string(url)]])
    }
}
