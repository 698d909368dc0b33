import KeyValue
import Keyspace
package import MatrixModel
import MatrixRules
import Primitives
import Projections
import Sync
import Synchronization

/// `GET` or `POST /publicRooms`.
package struct PublicRoomsRequest: Sendable {
    package var limit: Int?
    package var since: String?
    /// Words to look for in name, topic and canonical alias.
    package var searchTerm: String?
    /// Room types wanted; nil among them means rooms without a type.
    package var roomTypes: [String?]?

    package init(
        limit: Int? = nil,
        since: String? = nil,
        searchTerm: String? = nil,
        roomTypes: [String?]? = nil
    ) {
        self.limit = limit
        self.since = since
        self.searchTerm = searchTerm
        self.roomTypes = roomTypes
    }

    /// The body of the `POST`; an empty object asks for everything.
    package init(body: JSONView) throws(MatrixError) {
        guard body.isObject else { throw .badJSON("The body must be an object") }
        if let value = body["limit"], !value.isNull {
            guard let limit = value.integer, limit >= 0 else {
                throw .badJSON("limit must be a number from 0")
            }
            self.limit = Int(clamping: limit)
        }
        if let value = body["since"], !value.isNull {
            guard let since = value.string else { throw .badJSON("since must be a string") }
            self.since = since
        }
        guard let filter = body["filter"], !filter.isNull else { return }
        guard filter.isObject else { throw .badJSON("filter must be an object") }
        if let value = filter["generic_search_term"], !value.isNull {
            guard let term = value.string else {
                throw .badJSON("generic_search_term must be a string")
            }
            searchTerm = term
        }
        if let value = filter["room_types"], !value.isNull {
            guard value.isArray else { throw .badJSON("room_types must be an array") }
            var types: [String?] = []
            for element in value.elements {
                guard element.isNull || element.string != nil else {
                    throw .badJSON("room_types must hold strings and null")
                }
                types.append(element.string)
            }
            roomTypes = types
        }
    }
}

/// A listed room as the directory shows it.
struct PublicRoom: Sendable {
    let roomID: String
    let joined: Int
    /// Of the room's newest event: whatever is shown was read no later.
    let last: StreamPosition
    var name: String?
    var topic: String?
    var alias: String?
    var avatarURL: String?
    var joinRule: String?
    var roomType: String?
    var isWorldReadable = false
    var guestsMayJoin = false

    func matches(_ term: String) -> Bool {
        [name, topic, alias].contains { $0?.lowercased().contains(term) == true }
    }

    /// Roughly what this takes in memory, in bytes.
    var cost: Int {
        [name, topic, alias, avatarURL, roomType].reduce(256) { $0 + ($1?.utf8.count ?? 0) }
    }

    func write(into writer: inout JSONWriter) {
        writer.beginObject()
        if let avatarURL { writer.member("avatar_url", avatarURL) }
        if let alias { writer.member("canonical_alias", alias) }
        writer.member("guest_can_join", guestsMayJoin)
        if let joinRule { writer.member("join_rule", joinRule) }
        if let name { writer.member("name", name) }
        writer.member("num_joined_members", joined)
        writer.member("room_id", roomID)
        if let roomType { writer.member("room_type", roomType) }
        if let topic { writer.member("topic", topic) }
        writer.member("world_readable", isWorldReadable)
        writer.endObject()
    }
}

/// What the directory shows of rooms, for as long as nothing happens in them: a search looks at
/// all that are listed. Holds opened content: empty it when keys are destroyed.
final class DirectoryCache: Sendable {
    private struct State {
        var rooms: [String: PublicRoom] = [:]
        var cost = 0
    }

    private let costMax: Int
    private let state = Mutex(State())

    /// - Parameter bytes: of memory, roughly.
    init(bytes: Int) { costMax = bytes }

    func find(_ roomID: String, last: StreamPosition) -> PublicRoom? {
        state.withLock { $0.rooms[roomID] }.flatMap { $0.last == last ? $0 : nil }
    }

    func keep(_ room: PublicRoom) {
        state.withLock { state in
            if state.cost + room.cost > costMax { state = State() }
            let before = state.rooms.updateValue(room, forKey: room.roomID)
            state.cost += room.cost - (before?.cost ?? 0)
        }
    }

    func removeAll() { state.withLock { $0 = State() } }
}

extension ReadService {
    /// A page of the public directory, the fullest rooms first, gathered from all partitions.
    /// Tokens are `o` and how many rooms came before.
    package func publicRooms(
        _ request: PublicRoomsRequest,
        by requester: Requester
    ) throws(MatrixError) -> [UInt8] {
        try answering {
            let offset = try offset(request.since)
            let limit = max(
                1,
                min(request.limit ?? settings.publicRoomsMax, settings.publicRoomsMax)
            )
            let view = view()
            var listed = try listedRooms(in: view)
            if request.searchTerm?.isEmpty == false || request.roomTypes != nil {
                let term = (request.searchTerm ?? "").lowercased()
                listed = try listed.compactMap { entry in
                    let room = try details(entry, in: view)
                    if !term.isEmpty, !room.matches(term) { return nil }
                    if let types = request.roomTypes, !types.contains(room.roomType) { return nil }
                    return room
                }
            }
            let page = try listed.dropFirst(offset).prefix(limit).map {
                try details($0, in: view)
            }
            return write(page, offset: offset, limit: limit, total: listed.count)
        }
    }

    private func write(_ page: [PublicRoom], offset: Int, limit: Int, total: Int) -> [UInt8] {
        var writer = JSONWriter(reserving: 256 + page.count * 320)
        writer.beginObject()
        writer.key("chunk")
        writer.beginArray()
        for room in page { room.write(into: &writer) }
        writer.endArray()
        if offset + page.count < total { writer.member("next_batch", "o\(offset + page.count)") }
        if offset > 0 { writer.member("prev_batch", "o\(max(0, offset - limit))") }
        writer.member("total_room_count_estimate", total)
        writer.endObject()
        return writer.finish()
    }

    private func offset(_ token: String?) throws(MatrixError) -> Int {
        guard let token, !token.isEmpty else { return 0 }
        guard token.utf8.first == UInt8(ascii: "o"), let offset = Int(token.dropFirst()),
            offset >= 0
        else { throw .invalidParam("since is no token of this directory") }
        return offset
    }

    private func listedRooms(in view: ReadView<Store>) throws -> [PublicRoom] {
        var found: [PublicRoom] = []
        for partition in view.map.all {
            let reader = view.reader(partition)
            for roomID in try reader.publicRooms() {
                guard let room = try reader.room(roomID), let head = try reader.head(room) else {
                    continue
                }
                found.append(
                    PublicRoom(
                        roomID: roomID,
                        joined: Int(head.joined),
                        last: head.lastPosition
                    )
                )
            }
        }
        return found.sorted { ($1.joined, $0.roomID) < ($0.joined, $1.roomID) }
    }

    private func details(_ entry: PublicRoom, in view: ReadView<Store>) throws -> PublicRoom {
        if let known = directory.find(entry.roomID, last: entry.last) { return known }
        var entry = entry
        guard let rows = try rows(entry.roomID, in: view) else { return entry }
        func content(_ type: String) throws -> JSONView? {
            guard let event = try rows.currentState(type) else { return nil }
            return try? JSONDocument(parsing: event.content).root
        }
        entry.name = try content("m.room.name")?["name"]?.string
        entry.topic = try content("m.room.topic")?["topic"]?.string
        entry.alias = try content("m.room.canonical_alias")?["alias"]?.string
        entry.avatarURL = try content("m.room.avatar")?["url"]?.string
        entry.joinRule = try content("m.room.join_rules")?["join_rule"]?.string
        entry.roomType = try content("m.room.create")?["type"]?.string
        entry.isWorldReadable =
            try content("m.room.history_visibility")?["history_visibility"]?
            .isString("world_readable") ?? false
        entry.guestsMayJoin =
            try content("m.room.guest_access")?["guest_access"]?.isString("can_join") ?? false
        directory.keep(entry)
        return entry
    }

    /// `GET /rooms/{roomId}/aliases`: the local aliases as they are now, for whoever is in the room,
    /// or for anybody if it is open to all.
    package func aliases(roomID: String, by requester: Requester) throws(MatrixError) -> [UInt8] {
        try answering {
            let view = view()
            let access = try access(roomID, requester, in: view)
            guard access.isJoined || access.visible.visibility == .worldReadable else {
                throw MatrixError.forbidden("You are not in this room")
            }
            let found = try aliases(of: roomID, in: view)
            var writer = JSONWriter()
            writer.beginObject()
            writer.key("aliases")
            writer.beginArray()
            for alias in found.sorted() { writer.string(alias) }
            writer.endArray()
            writer.endObject()
            return writer.finish()
        }
    }

    private func aliases(of roomID: String, in view: ReadView<Store>) throws -> [String] {
        try view.map.all.flatMap { try view.reader($0).aliases(of: roomID) }
    }

    /// Refuses one more alias for a room that has as many as a room may have.
    package func checkAliasCount(of roomID: String) throws(MatrixError) {
        try answering {
            guard try aliases(of: roomID, in: view()).count < settings.aliasesMax else {
                throw MatrixError(
                    .userLimitExceeded,
                    "A room has at most \(settings.aliasesMax) aliases",
                    fields: [JSONValue.Member("info_uri", "about:blank")]
                )
            }
        }
    }

    /// The room an alias stands for; nil for none.
    package func room(of alias: String) throws(MatrixError) -> String? {
        try answering {
            guard let row = try view().home(of: alias).alias(alias), row.isConfirmed else {
                return nil
            }
            return row.roomID
        }
    }

    /// `GET /directory/room/{roomAlias}`
    package func alias(_ alias: String) throws(MatrixError) -> [UInt8] {
        guard let roomID = try room(of: alias) else { throw .notFound("Room alias not found") }
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("room_id", roomID)
        writer.key("servers")
        writer.beginArray()
        writer.string(settings.serverName)
        writer.endArray()
        writer.endObject()
        return writer.finish()
    }
}
