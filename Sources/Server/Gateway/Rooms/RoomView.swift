import Homeserver
import MatrixModel
import MatrixRules
import Primitives
import Projections

/// What the gateway itself reads of a room, in the clear parts of its state: for evidence that a
/// command carries, and for what no command decides.
struct RoomView: Sendable {
    let row: RoomRow
    let rows: StateReader<AnyReader>

    init?(_ roomID: String, _ rows: StateReader<AnyReader>) throws {
        guard let row = try rows.room(roomID) else { return nil }
        self.row = row
        self.rows = rows
    }

    func membership(of user: String) throws -> Membership {
        let word = try content("m.room.member", user)?["membership"]?.string
        return word.flatMap { Membership($0) } ?? .leave
    }

    /// The first member who is in and whom `permits` takes, in the order of their IDs.
    func firstJoined(where permits: (UserID) -> Bool) throws -> UserID? {
        var found: UserID?
        try rows.states(of: row, type: "m.room.member") { placed in
            guard let user = placed.event.stateKey.flatMap({ UserID($0) }), permits(user),
                let content = try? JSONDocument(parsing: placed.event.clear).root,
                content["membership"]?.isString("join") == true
            else { return true }
            found = user
            return false
        }
        return found
    }

    func joinRules() throws -> JoinRules { JoinRules(try content("m.room.join_rules")) }

    func power() throws -> RoomPower? {
        guard let event = try rows.state("m.room.create", in: row)?.event,
            let create = try? CreateContent(
                JSONDocument(parsing: event.clear).root,
                sender: UserID(trusted: event.sender)
            )
        else { return nil }
        let levels = try content("m.room.power_levels").flatMap { try? PowerLevels($0) }
        return RoomPower(create: create, levels: levels)
    }

    var isPublished: Bool { get throws { try rows.head(row)?.isPublic ?? false } }

    private func content(_ type: String, _ key: String = "") throws -> JSONView? {
        guard let event = try rows.state(type, key, in: row)?.event else { return nil }
        return try JSONDocument(parsing: event.clear).root
    }
}

extension Call {
    /// A room as of now or later: 404 where there is none.
    func room(_ roomID: String) async throws -> RoomView {
        guard let room = try RoomView(roomID, try await latestRows(of: roomID)) else {
            throw MatrixError.notFound("The room does not exist")
        }
        return room
    }

    /// The room an alias points to, or the room of this ID.
    func resolve(_ text: String) async throws -> String {
        if text.hasPrefix("#") {
            guard let alias = RoomAlias(text) else {
                throw MatrixError.invalidParam("This is no room alias")
            }
            guard let row = try await latestRows(of: alias.raw).alias(alias.raw), row.isConfirmed
            else { throw MatrixError.notFound("There is no such alias here") }
            return row.roomID
        }
        guard RoomID(text) != nil else {
            throw MatrixError.invalidParam("This is neither a room ID nor an alias")
        }
        return text
    }
}
