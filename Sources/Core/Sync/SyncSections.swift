package import MatrixModel

/// An item of account data: type and content, a JSON object.
package struct AccountDataItem: Hashable, Sendable {
    package var type: String
    package var content: [UInt8]
    package init(type: String, content: [UInt8]) {
        self.type = type
        self.content = content
    }
}

/// A room of a sync, fetched and ready to be written. Knows nothing of where it came from.
package struct RoomSection: Sendable {
    package var roomID: String
    package var timeline: [EventExtras] = []
    package var isLimited = false
    package var previousBatch: String
    /// The state before the timeline, or what changed of it.
    package var state: [EventExtras] = []
    package var ephemeral: [[UInt8]] = []
    package var accountData: [AccountDataItem] = []
    package var summary: RoomSummary?
    package var unread: UnreadCounts?
    package var countsThreads = false

    package init(roomID: String, previousBatch: String) {
        self.roomID = roomID
        self.previousBatch = previousBatch
    }

    /// Nothing that a client waits for. Counts alone do not end a long poll.
    package var isEmpty: Bool {
        timeline.isEmpty && state.isEmpty && ephemeral.isEmpty && accountData.isEmpty
            && summary == nil && !isLimited
    }
}

extension RoomSection {
    /// The section under `rooms.join`.
    package func writeJoined(into writer: inout JSONWriter, now: UInt64) {
        writer.key(roomID)
        writer.beginObject()
        writeAccountData(into: &writer)
        writer.key("ephemeral")
        writer.beginObject()
        writer.key("events")
        writer.beginArray()
        for event in ephemeral { writer.raw(event) }
        writer.endArray()
        writer.endObject()
        writeState(into: &writer, now: now)
        if let summary { write(summary, into: &writer) }
        writeTimeline(into: &writer, now: now)
        if let unread { write(unread, into: &writer) }
        writer.endObject()
    }

    /// The section under `rooms.leave`.
    package func writeLeft(into writer: inout JSONWriter, now: UInt64) {
        writer.key(roomID)
        writer.beginObject()
        writeAccountData(into: &writer)
        writeState(into: &writer, now: now)
        writeTimeline(into: &writer, now: now)
        writer.endObject()
    }

    private func writeAccountData(into writer: inout JSONWriter) {
        writer.key("account_data")
        writer.beginObject()
        writeEvents(accountData, into: &writer)
        writer.endObject()
    }

    private func writeState(into writer: inout JSONWriter, now: UInt64) {
        writer.key("state")
        writer.beginObject()
        writer.key("events")
        writer.beginArray()
        writer.reserve(state.reduce(0) { $0 + $1.event.members.count + 3 })
        for event in state { event.writeState(into: &writer, roomID: nil, now: now) }
        writer.endArray()
        writer.endObject()
    }

    private func writeTimeline(into writer: inout JSONWriter, now: UInt64) {
        writer.key("timeline")
        writer.beginObject()
        writer.key("events")
        writer.beginArray()
        for event in timeline { event.write(into: &writer, roomID: nil, now: now) }
        writer.endArray()
        writer.member("limited", isLimited)
        writer.member("prev_batch", previousBatch)
        writer.endObject()
    }

    private func write(_ summary: RoomSummary, into writer: inout JSONWriter) {
        writer.key("summary")
        writer.beginObject()
        if let heroes = summary.heroes {
            writer.key("m.heroes")
            writer.beginArray()
            for hero in heroes { writer.string(hero) }
            writer.endArray()
        }
        writer.member("m.invited_member_count", summary.invited)
        writer.member("m.joined_member_count", summary.joined)
        writer.endObject()
    }

    private func write(_ unread: UnreadCounts, into writer: inout JSONWriter) {
        writer.key("unread_notifications")
        write(countsThreads ? unread.main : unread.total, into: &writer)
        guard countsThreads else { return }
        writer.key("unread_thread_notifications")
        writer.beginObject()
        for (root, count) in unread.threads.sorted(by: { $0.key < $1.key }) {
            writer.key(root)
            write(count, into: &writer)
        }
        writer.endObject()
    }

    private func write(_ count: UnreadCounts.Count, into writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("highlight_count", count.highlights)
        writer.member("notification_count", count.notifications)
        writer.endObject()
    }
}

/// Writes `"events": [ {content, type} … ]`.
private func writeEvents(_ items: [AccountDataItem], into writer: inout JSONWriter) {
    writer.key("events")
    writer.beginArray()
    for item in items {
        writer.beginObject()
        writer.key("content")
        writer.raw(item.content)
        writer.member("type", item.type)
        writer.endObject()
    }
    writer.endArray()
}

/// An invitation or a knock: its stripped state.
package struct StrippedRoom: Sendable {
    package var roomID: String
    package var events: [RenderedEvent]
    package init(roomID: String, events: [RenderedEvent]) {
        self.roomID = roomID
        self.events = events
    }

    fileprivate func write(_ name: StaticString, into writer: inout JSONWriter) {
        writer.key(roomID)
        writer.beginObject()
        writer.key(name)
        writer.beginObject()
        writer.key("events")
        writer.beginArray()
        for event in events { event.writeStripped(into: &writer) }
        writer.endArray()
        writer.endObject()
        writer.endObject()
    }
}

/// The body of a sync's answer, built room by room so that no more than one room's events are
/// held beside the text. Rooms must come in the order joined, left, invited, knocked.
package struct SyncBody: Sendable {
    private enum Part: Int, Comparable {
        case none, join, leave, invite, knock
        static func < (a: Part, b: Part) -> Bool { a.rawValue < b.rawValue }
    }

    private var writer: JSONWriter
    private var part = Part.none
    private let now: UInt64
    /// Bytes written so far.
    package var byteCount: Int { writer.bytes.count }
    /// Nothing in it yet that a client waits for.
    package private(set) var isEmpty = true

    /// - Parameter now: milliseconds since 1970, for the events' `age`.
    package init(now: UInt64, reserving capacity: Int = 1_024) {
        writer = JSONWriter(reserving: capacity)
        self.now = now
        writer.beginObject()
    }

    /// Global account data: before any room.
    package mutating func add(_ items: [AccountDataItem]) {
        precondition(part == .none, "account data comes before rooms")
        guard !items.isEmpty else { return }
        isEmpty = false
        writer.key("account_data")
        writer.beginObject()
        writeEvents(items, into: &writer)
        writer.endObject()
    }

    package mutating func addJoined(_ room: RoomSection) {
        open(.join, "join")
        room.writeJoined(into: &writer, now: now)
    }

    package mutating func addLeft(_ room: RoomSection) {
        open(.leave, "leave")
        room.writeLeft(into: &writer, now: now)
    }

    package mutating func addInvited(_ room: StrippedRoom) {
        open(.invite, "invite")
        room.write("invite_state", into: &writer)
    }

    package mutating func addKnocked(_ room: StrippedRoom) {
        open(.knock, "knock")
        room.write("knock_state", into: &writer)
    }

    private mutating func open(_ next: Part, _ name: StaticString) {
        isEmpty = false
        guard next != part else { return }
        precondition(next > part, "rooms come in the order joined, left, invited, knocked")
        if part == .none {
            writer.key("rooms")
            writer.beginObject()
        } else {
            writer.endObject()
        }
        part = next
        writer.key(name)
        writer.beginObject()
    }

    package consuming func finish(nextBatch: String) -> [UInt8] {
        if part != .none {
            writer.endObject()
            writer.endObject()
        }
        writer.member("next_batch", nextBatch)
        writer.endObject()
        return writer.finish()
    }
}
