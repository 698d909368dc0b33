import HTTPService
import Homeserver
import Identity
import MatrixModel

/// `GET /_matrix/client/v3/user/{userId}/rooms/{roomId}/tags`
/// <https://spec.matrix.org/v1.15/client-server-api/#get_matrixclientv3useruseridroomsroomidtags>
extension Endpoint {
    static let getTags = Endpoint(.get, "/user/{userId}/rooms/{roomId}/tags") { call in
        _ = try call.ownUser()
        return Reply(["tags": .object(try await call.tags(of: try call.roomID()))])
    }
}

/// `PUT /_matrix/client/v3/user/{userId}/rooms/{roomId}/tags/{tag}`
/// <https://spec.matrix.org/v1.15/client-server-api/#put_matrixclientv3useruseridroomsroomidtagstag>
extension Endpoint {
    static let setTag = Endpoint(
        .put,
        "/user/{userId}/rooms/{roomId}/tags/{tag}",
        body: .accountData
    ) { call in
        let tag = try call.tag()
        let body = try call.optionalBody()
        if let order = body.field("order"), order.double == nil {
            throw MatrixError.badJSON("order must be a number")
        }
        try await call.editTags { tags throws(MatrixError) in
            tags.removeAll { $0.key == tag }
            guard tags.count < tagsMax else {
                throw MatrixError.invalidParam("At most \(tagsMax) tags on a room")
            }
            tags.append(.init(tag, JSONValue(body)))
        }
        return .empty
    }
}

/// `DELETE /_matrix/client/v3/user/{userId}/rooms/{roomId}/tags/{tag}`
/// <https://spec.matrix.org/v1.15/client-server-api/#delete_matrixclientv3useruseridroomsroomidtagstag>
extension Endpoint {
    static let deleteTag = Endpoint(
        .delete,
        "/user/{userId}/rooms/{roomId}/tags/{tag}"
    ) { call in
        let tag = try call.tag()
        try await call.editTags { tags in tags.removeAll { $0.key == tag } }
        return .empty
    }
}

private let tagsMax = 100

extension Call {
    fileprivate func tag() throws(MatrixError) -> String {
        let tag = path("tag")
        guard (1...255).contains(tag.utf8.count) else {
            throw .invalidParam("A tag has 1 to 255 bytes")
        }
        return tag
    }

    fileprivate func tags(of roomID: String) async throws -> [JSONValue.Member] {
        guard let bytes = try await ownAccount().accountData(roomID, "m.tag") else { return [] }
        return (try? JSONValue(parsing: bytes))?["tags"]?.members ?? []
    }

    fileprivate func editTags(
        _ edit: (inout [JSONValue.Member]) throws(MatrixError) -> Void
    ) async throws {
        let user = try ownUser()
        let roomID = try roomID()
        try await gateway.edits.withKey("tags " + user) {
            var tags = try await tags(of: roomID)
            let before = tags
            try edit(&tags)
            guard tags != before else { return }
            let content = (["tags": .object(tags)] as JSONValue).serialized()
            guard content.count <= settings.limits.accountDataBodyBytes else {
                throw MatrixError.tooLarge("The tags of this room are too large together")
            }
            try await perform(
                .setAccountData(
                    userID: user,
                    roomID: roomID,
                    type: "m.tag",
                    content: content
                ),
                in: session.partition
            )
        }
    }
}
