import HTTPService
import MatrixModel

/// `GET /_matrix/client/v3/directory/room/{roomAlias}`
/// <https://spec.matrix.org/v1.15/client-server-api/#get_matrixclientv3directoryroomroomalias>
extension Endpoint {
    static let getAlias = Endpoint(.get, "/directory/room/{roomAlias}", by: .anyone) { call in
        let alias = try call.alias()
        _ = try await call.latest(alias)
        return Reply(try call.gateway.reading.alias(alias))
    }
}

extension Call {
    func alias() throws(MatrixError) -> String {
        let text = path("roomAlias")
        guard RoomAlias(text) != nil else { throw .invalidParam("This is no room alias") }
        return text
    }

    /// An alias that this server gives out.
    func localAlias() throws(MatrixError) -> String {
        let alias = try alias()
        guard RoomAlias(trusted: alias).serverName == settings.serverName else {
            throw .invalidParam("This alias belongs to another server")
        }
        return alias
    }
}
