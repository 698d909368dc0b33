package import MatrixModel

/// An event type as filters name it: `*` stands for any run of characters.
package struct TypePattern: Hashable, Sendable {
    private let parts: [[UInt8]]
    private let text: [UInt8]

    package init(_ text: String) {
        self.text = Array(text.utf8)
        parts = self.text.split(
            separator: UInt8(ascii: "*"),
            omittingEmptySubsequences: false
        ).map(Array.init)
    }

    package func matches(_ type: String) -> Bool {
        if parts.count == 1 { return type.utf8.elementsEqual(text) }
        var type = type
        return type.withUTF8 { matches($0) }
    }

    /// Leftmost placement of each inner part is enough: nothing but `*` is special.
    private func matches(_ type: UnsafeBufferPointer<UInt8>) -> Bool {
        let first = parts[0]
        let last = parts[parts.count - 1]
        guard type.count >= first.count + last.count,
            type.prefix(first.count).elementsEqual(first),
            type.suffix(last.count).elementsEqual(last)
        else { return false }
        var cursor = first.count
        let end = type.count - last.count
        for part in parts[1..<parts.count - 1] {
            guard let found = find(part, in: type, from: cursor, to: end) else { return false }
            cursor = found + part.count
        }
        return true
    }

    private func find(
        _ part: [UInt8],
        in type: UnsafeBufferPointer<UInt8>,
        from start: Int,
        to end: Int
    ) -> Int? {
        guard end - start >= part.count else { return nil }
        return (start...end - part.count).first { offset in
            part.indices.allSatisfy { type[offset + $0] == part[$0] }
        }
    }
}

/// Which events somebody asked for (Client-Server API, `EventFilter` and `RoomEventFilter`).
package struct EventFilter: Hashable, Sendable {
    /// Never above `limitMax`; nil when the client named none.
    package var limit: Int?
    package var types: [TypePattern]?
    package var notTypes: [TypePattern] = []
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

    package func permits(room: String) -> Bool {
        if notRooms.contains(room) { return false }
        return rooms?.contains(room) ?? true
    }

    package func permits(type: String) -> Bool {
        if notTypes.contains(where: { $0.matches(type) }) { return false }
        return types?.contains { $0.matches(type) } ?? true
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
        types = try texts(view["types"], "types")?.map(TypePattern.init)
        notTypes = try texts(view["not_types"], "not_types")?.map(TypePattern.init) ?? []
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
