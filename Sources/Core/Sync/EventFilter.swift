package import MatrixModel

/// Which events somebody asked for (Client-Server API, `EventFilter` and `RoomEventFilter`).
package struct EventFilter: Hashable, Sendable {
    /// Never above `limitMax`; nil when the client named none.
    package var limit: Int?
    package var types: TypeList?
    package var notTypes = TypeList([])
    package var senders: Set<String>?
    package var notSenders: Set<String> = []
    package var rooms: Set<String>?
    package var notRooms: Set<String> = []
    /// Only events whose content has (true) or lacks (false) a `url`.
    package var containsURL: Bool?
    package var lazyLoadMembers = false
    package var includeRedundantMembers = false
    package var unreadThreadNotifications = false

    package static let limitMax = 1_000
    package static let everything = EventFilter()

    package init() {}

    /// Nothing can pass: asked for no types, senders or rooms at all.
    package var isClosed: Bool {
        types?.isEmpty == true || senders?.isEmpty == true || rooms?.isEmpty == true
    }

    /// Every event of every sender passes, rooms aside.
    package var isOpen: Bool {
        types == nil && notTypes.isEmpty && senders == nil && notSenders.isEmpty
            && containsURL == nil
    }

    /// What it costs to judge one event, in rows passed over.
    package var rowCost: Int {
        1 + (notTypes.patternCount + (types?.patternCount ?? 0)) / 8
    }

    package func permits(room: String) -> Bool {
        if notRooms.contains(room) { return false }
        return rooms?.contains(room) ?? true
    }

    package func permits(type: String) -> Bool {
        if notTypes.contains(type) { return false }
        return types?.contains(type) ?? true
    }

    package func permits(sender: String) -> Bool {
        if notSenders.contains(sender) { return false }
        return senders?.contains(sender) ?? true
    }

    /// `containsURL` aside: it needs the content.
    package func permits(type: String, sender: String) -> Bool {
        isOpen || permits(type: type) && permits(sender: sender)
    }
}

extension EventFilter {
    /// Longest list a filter may hold, and longest text in one.
    static let entriesMax = 1_000
    static let textBytesMax = 1_024
    /// Most entries with a `*` in one list of types: each is tried on every event.
    package static let patternsMax = 50

    /// - Parameter view: an object; nil means no wishes.
    package init(parsing view: JSONView?) throws(MatrixError) {
        guard let view else { return }
        guard view.isObject else { throw .badJSON("A filter must be an object") }
        if let value = view["limit"], !value.isNull {
            guard let limit = value.integer, limit >= 0 else {
                throw .badJSON("limit must be a number from 0")
            }
            self.limit = Int(min(limit, Int64(Self.limitMax)))
        }
        types = try typeList(view["types"], "types")
        notTypes = try typeList(view["not_types"], "not_types") ?? TypeList([])
        senders = try texts(view["senders"], "senders").map(Set.init)
        notSenders = Set(try texts(view["not_senders"], "not_senders") ?? [])
        rooms = try texts(view["rooms"], "rooms").map(Set.init)
        notRooms = Set(try texts(view["not_rooms"], "not_rooms") ?? [])
        containsURL = try flag(view["contains_url"], "contains_url")
        lazyLoadMembers = try flag(view["lazy_load_members"], "lazy_load_members") ?? false
        includeRedundantMembers =
            try flag(view["include_redundant_members"], "include_redundant_members") ?? false
        let threads =
            view["unread_thread_notifications"]
            ?? view["org.matrix.msc3773.unread_thread_notifications"]
        unreadThreadNotifications = try flag(threads, "unread_thread_notifications") ?? false
    }
}

private func typeList(_ view: JSONView?, _ name: String) throws(MatrixError) -> TypeList? {
    guard let list = try texts(view, name).map(TypeList.init) else { return nil }
    guard list.patternCount <= EventFilter.patternsMax else {
        throw .badJSON("\(name) holds more than \(EventFilter.patternsMax) patterns")
    }
    return list
}

func texts(_ view: JSONView?, _ name: String) throws(MatrixError) -> [String]? {
    guard let view, !view.isNull else { return nil }
    guard view.isArray else { throw .badJSON("\(name) must be an array of strings") }
    var found: [String] = []
    for element in view.elements {
        guard let text = element.string else {
            throw .badJSON("\(name) must be an array of strings")
        }
        guard found.count < EventFilter.entriesMax, text.utf8.count <= EventFilter.textBytesMax
        else { throw .badJSON("\(name) holds too much") }
        found.append(text)
    }
    return found
}

func flag(_ view: JSONView?, _ name: String) throws(MatrixError) -> Bool? {
    guard let view, !view.isNull else { return nil }
    guard let value = view.bool else { throw .badJSON("\(name) must be true or false") }
    return value
}
