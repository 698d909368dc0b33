import Homeserver
import KeyValue
import Keyspace
import MatrixModel
import MatrixRules
import Primitives
import Projections
import Sync
import Synchronization

/// Counts what notifies a user in a room since they last read it, by their push rules: computed
/// when read, never folded (architecture, section 4). What was counted is kept per user and room
/// for as long as rules and receipts stay, so a sync judges only events that are new.
final class UnreadCounter: Sendable {
    private struct Key: Hashable {
        let userID: String
        let roomID: String
    }

    private struct Entry {
        let rules: LogIndex
        /// The user's receipts that this count rests on.
        let receipts: ReadPositions
        let read: ReadPositions
        /// Events below this position are counted.
        var end: StreamPosition
        var counts: UnreadCounts
    }

    private struct EventKey: Hashable {
        let partition: UInt16
        let position: UInt64
    }

    private struct RoomKey: Hashable {
        let partition: UInt16
        let room: UInt64
        let last: UInt64
    }

    private let max: Int
    private let rowsMax: Int
    private let entries = Mutex<[Key: Entry]>([:])
    /// The newest events, parsed once for all members of their room.
    private let events = Mutex<[EventKey: PushEvent]>([:])
    private let rooms = Mutex<[RoomKey: PushRoom]>([:])
    private static let eventsMax = 512
    /// Bytes of content times conditions that read them, for one room: a tenth of a second or so.
    /// Beyond it the count stays what it is.
    private static let workMax = 64 << 20
    private static let roomsMax = 1_024

    init(max: Int, rowsMax: Int) {
        self.max = max
        self.rowsMax = rowsMax
    }

    func removeAll() {
        entries.withLock { $0 = [:] }
        events.withLock { $0 = [:] }
    }

    /// - Parameters:
    ///   - end: events below this position count.
    ///   - head: the room's head, for its size and its newest position.
    func count<Store>(
        for userID: String,
        _ rules: AccountCache.UserRules,
        in rows: RoomRows<Store>,
        head: RoomHeadRow,
        end: StreamPosition
    ) throws -> UnreadCounts {
        let key = Key(userID: userID, roomID: rows.roomID)
        var receipts = ReadPositions(everything: 0)
        for receipt in try rows.reader.receipts(of: userID, in: rows.room) {
            receipts.read(to: receipt.position, thread: receipt.thread)
        }
        let known = entries.withLock { $0[key] }
        var entry: Entry
        if let known, known.rules == rules.version, known.receipts == receipts, known.end <= end {
            if known.end == end { return known.counts }
            entry = known
            try add(
                to: &entry.counts,
                from: known.end,
                to: end,
                known.read,
                userID,
                rules,
                rows,
                head
            )
            entry.end = end
        } else {
            var read = receipts
            read.everything = Swift.max(
                receipts.everything,
                try lastJoin(of: userID, in: rows)
            )
            entry = Entry(
                rules: rules.version,
                receipts: receipts,
                read: read,
                end: end,
                counts: UnreadCounts()
            )
            try add(
                to: &entry.counts,
                from: StreamPosition(read.floor).next,
                to: end,
                read,
                userID,
                rules,
                rows,
                head
            )
        }
        entries.withLock {
            if $0.count >= max { $0 = [:] }
            $0[key] = entry
        }
        return entry.counts
    }

    /// What was sent before the user came in counts as read.
    private func lastJoin<Store>(of userID: String, in rows: RoomRows<Store>) throws -> UInt64 {
        var start: UInt64 = 0
        var isIn = false
        for change in try rows.memberships(of: userID) {
            if change.value == .join, !isIn { start = change.position }
            isIn = change.value == .join
        }
        return start
    }

    private func add<Store>(
        to counts: inout UnreadCounts,
        from lower: StreamPosition,
        to upper: StreamPosition,
        _ read: ReadPositions,
        _ userID: String,
        _ rules: AccountCache.UserRules,
        _ rows: RoomRows<Store>,
        _ head: RoomHeadRow
    ) throws {
        var rowsLeft = rowsMax
        var workLeft = Self.workMax
        var found = counts
        var recipient: PushRecipient?
        var room: PushRoom?
        try rows.timeline(from: lower, to: upper, reverse: true) { passing in
            guard rowsLeft > 0 else { return false }
            rowsLeft -= 1
            guard let glance = passing.glance, !glance.isSent(by: userID) else { return true }
            // The server's own rules let no member event notify but an invitation, and who is
            // invited is not in the room.
            if rules.areDefaults, glance.hasType("m.room.member") { return true }
            let event = try passing.render()
            guard event.redactedBy == nil,
                !read.hasRead(event.position, thread: event.threadRoot)
            else { return true }
            if recipient == nil {
                recipient = try self.recipient(userID, rules, rows)
                room = try self.room(rows, head)
            }
            guard let recipient, let room else { return false }
            // Own rules over long events are work that others may make as large as they like.
            if !rules.areDefaults {
                workLeft -= event.content.count * rules.set.textConditionCount
                guard workLeft >= 0 else { return false }
            }
            // What cannot be read notifies nobody, and keeps nobody from the rest.
            guard let judged = pushEvent(event, in: rows) else { return true }
            let outcome = rules.set.evaluate(judged, in: room, for: recipient)
            if outcome.notifies {
                found.add(thread: event.threadRoot, highlights: outcome.highlights)
            }
            return true
        }
        counts = found
    }

    private func pushEvent<Store>(
        _ event: RenderedEvent,
        in rows: RoomRows<Store>
    ) -> PushEvent? {
        let key = EventKey(partition: rows.reader.partition.raw, position: event.position)
        if let known = events.withLock({ $0[key] }) { return known }
        guard let content = try? JSONDocument(parsing: event.content).root else { return nil }
        let made = PushEvent(
            type: event.type,
            sender: UserID(trusted: event.sender),
            roomID: RoomID(trusted: rows.roomID),
            stateKey: event.stateKey,
            eventID: EventID(trusted: event.eventID),
            content: content
        )
        events.withLock {
            if $0.count >= Self.eventsMax { $0 = [:] }
            $0[key] = made
        }
        return made
    }

    /// The user's name in the room is asked for by own rules only.
    private func recipient<Store>(
        _ userID: String,
        _ rules: AccountCache.UserRules,
        _ rows: RoomRows<Store>
    ) throws -> PushRecipient {
        guard !rules.areDefaults, let member = try rows.currentState("m.room.member", userID) else {
            return PushRecipient(UserID(trusted: userID))
        }
        let content = try? JSONDocument(parsing: member.content).root
        let name = content?["displayname"]?.string
        return PushRecipient(UserID(trusted: userID), displayName: name)
    }

    private func room<Store>(_ rows: RoomRows<Store>, _ head: RoomHeadRow) throws -> PushRoom {
        let key = RoomKey(
            partition: rows.reader.partition.raw,
            room: rows.room.number,
            last: head.lastPosition.raw
        )
        if let known = rooms.withLock({ $0[key] }) { return known }
        var power: RoomPower?
        if let create = try rows.currentState("m.room.create") {
            let content = try? CreateContent(
                JSONDocument(parsing: create.content).root,
                sender: UserID(trusted: create.sender)
            )
            let levels = try rows.currentState("m.room.power_levels").flatMap {
                try? PowerLevels(JSONDocument(parsing: $0.content).root)
            }
            power = content.map { RoomPower(create: $0, levels: levels) }
        }
        let made = PushRoom(memberCount: Int(head.joined), power: power)
        rooms.withLock {
            if $0.count >= Self.roomsMax { $0 = [:] }
            $0[key] = made
        }
        return made
    }
}
