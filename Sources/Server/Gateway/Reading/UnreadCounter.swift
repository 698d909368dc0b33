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
/// when read, never folded. What was counted is kept per user and room
/// for as long as rules, receipts and power levels stay, so a sync judges only events that are
/// new. A node that just started counts the same, but for what lies more than `rowsMax` back.
final class UnreadCounter: Sendable {
    private struct Key: Hashable {
        let userID: String
        let roomID: String
    }

    private struct Entry {
        let rules: LogIndex
        /// The user's receipts that this count rests on.
        let receipts: ReadPositions
        /// The room's power levels that it rests on.
        let power: UInt64
        /// Where the user last came in: what was sent before counts as read.
        let lastJoin: UInt64
        /// The member event of theirs that said so.
        var member: UInt64
        /// What the user read or, by speaking, is taken to have read.
        var read: ReadPositions
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

    private struct Room {
        let push: PushRoom
        /// Position of the power levels, zero for none.
        let power: UInt64
    }

    private let max: Int
    private let rowsMax: Int
    private let entries = Mutex<[Key: Entry]>([:])
    /// The newest events, parsed once for all members of their room.
    private let events = Mutex<[EventKey: PushEvent]>([:])
    private let rooms = Mutex<[RoomKey: Room]>([:])
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
    ///   - member: position of the user's current member event; zero for none.
    ///   - end: events below this position count.
    ///   - head: the room's head, for its size and its newest position.
    func count<Store>(
        for userID: String,
        _ rules: AccountCache.UserRules,
        in rows: RoomRows<Store>,
        head: RoomHeadRow,
        member: UInt64,
        end: StreamPosition
    ) throws -> UnreadCounts {
        let key = Key(userID: userID, roomID: rows.roomID)
        var receipts = ReadPositions(everything: 0)
        for receipt in try rows.reader.receipts(of: userID, in: rows.room) {
            receipts.read(to: receipt.position, thread: receipt.thread)
        }
        let room = try room(rows, head)
        let counting = Counting(userID: userID, rules: rules, rows: rows, room: room.push)
        let known = entries.withLock { $0[key] }
        // A new name is a member event too, but the stay goes on.
        let lastJoin =
            try known?.member == member ? known?.lastJoin ?? 0 : self.lastJoin(of: userID, in: rows)
        if var entry = known, entry.rules == rules.version, entry.receipts == receipts,
            entry.power == room.power, entry.lastJoin == lastJoin, entry.end <= end
        {
            if entry.end == end, entry.member == member { return entry.counts }
            entry.member = member
            let found = try counts(counting, from: entry.end, to: end, entry.read, after: entry)
            if let found {
                entry.counts.clear(found.spoken)
                entry.counts.add(found.counts)
                entry.read = found.read
                entry.end = end
                keep(entry, key)
                return entry.counts
            }
        }
        var read = receipts
        read.everything = Swift.max(receipts.everything, lastJoin)
        let start = StreamPosition(read.floor).next
        // Nothing is known, so nothing can be taken back: there is an answer.
        let found = try counts(counting, from: start, to: end, read, after: nil)
        let entry = Entry(
            rules: rules.version,
            receipts: receipts,
            power: room.power,
            lastJoin: lastJoin,
            member: member,
            read: found?.read ?? read,
            end: end,
            counts: found?.counts ?? UnreadCounts()
        )
        keep(entry, key)
        return entry.counts
    }

    private func keep(_ entry: Entry, _ key: Key) {
        entries.withLock {
            if $0.count >= max { $0 = [:] }
            $0[key] = entry
        }
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

    /// Who counts what where.
    private struct Counting<Store: KeyValueReader> {
        let userID: String
        let rules: AccountCache.UserRules
        let rows: RoomRows<Store>
        let room: PushRoom
    }

    private struct Found {
        var counts = UnreadCounts()
        var read: ReadPositions
        /// Threads the user spoke in, `main` among them: what came before that is read.
        var spoken: Set<String> = []
    }

    /// Counts a range, newest first: who speaks has read what was said before, in that thread.
    /// Nil when something was redacted that `known` may have counted: then only a fresh count says
    /// what a restart would say.
    private func counts<Store>(
        _ counting: Counting<Store>,
        from lower: StreamPosition,
        to upper: StreamPosition,
        _ read: ReadPositions,
        after known: Entry?
    ) throws -> Found? {
        let (userID, rules, rows) = (counting.userID, counting.rules, counting.rows)
        var rowsLeft = rowsMax
        var workLeft = Self.workMax
        var found = Found(read: read)
        var recipient: PushRecipient?
        var isStale = false
        try rows.timeline(from: lower, to: upper, reverse: true) { passing in
            guard rowsLeft > 0 else { return false }
            rowsLeft -= 1
            guard let glance = passing.glance else { return true }
            let isMember = glance.hasType("m.room.member")
            if let known, glance.hasType("m.room.redaction"),
                try redacts(passing, countedIn: known, rows)
            {
                isStale = true
                return false
            }
            if glance.isSent(by: userID) {
                // A member event may be the server's doing, for a new name.
                if isMember { return true }
                let event = try passing.render()
                // Which thread it was in is gone with its content.
                guard event.redactedBy == nil else { return true }
                let thread = event.threadRoot ?? "main"
                found.read.read(to: event.position, thread: thread)
                found.spoken.insert(thread)
                return true
            }
            // The server's own rules let no member event notify but an invitation, and who is
            // invited is not in the room.
            if rules.areDefaults, isMember { return true }
            let event = try passing.render()
            guard event.redactedBy == nil,
                !found.read.hasRead(event.position, thread: event.threadRoot)
            else { return true }
            if recipient == nil { recipient = try self.recipient(userID, rules, rows) }
            guard let recipient else { return false }
            // Own rules over long events are work that others may make as large as they like.
            if !rules.areDefaults {
                workLeft -= event.content.count * rules.set.textConditionCount
                guard workLeft >= 0 else { return false }
            }
            // What cannot be read notifies nobody, and keeps nobody from the rest.
            guard let judged = pushEvent(event, in: rows) else { return true }
            let outcome = rules.set.evaluate(judged, in: counting.room, for: recipient)
            if outcome.notifies {
                found.counts.add(thread: event.threadRoot, highlights: outcome.highlights)
            }
            return true
        }
        return isStale ? nil : found
    }

    /// Whether an event takes back what is in a count.
    private func redacts<Store>(
        _ passing: RoomRows<Store>.Passing,
        countedIn known: Entry,
        _ rows: RoomRows<Store>
    ) throws -> Bool {
        guard let target = try passing.render().redacts,
            let place = try rows.reader.location(of: target), place.room == rows.room.number
        else { return false }
        return place.position < known.end && place.position.raw > known.read.floor
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

    private func room<Store>(_ rows: RoomRows<Store>, _ head: RoomHeadRow) throws -> Room {
        let key = RoomKey(
            partition: rows.reader.partition.raw,
            room: rows.room.number,
            last: head.lastPosition.raw
        )
        if let known = rooms.withLock({ $0[key] }) { return known }
        var power: RoomPower?
        var position: UInt64 = 0
        if let create = try rows.currentState("m.room.create") {
            let content = try? CreateContent(
                JSONDocument(parsing: create.content).root,
                sender: UserID(trusted: create.sender)
            )
            let event = try rows.currentState("m.room.power_levels")
            position = event?.position ?? 0
            let levels = event.flatMap {
                try? PowerLevels(JSONDocument(parsing: $0.content).root)
            }
            power = content.map { RoomPower(create: $0, levels: levels) }
        }
        let made = Room(
            push: PushRoom(memberCount: Int(head.joined), power: power),
            power: position
        )
        rooms.withLock {
            if $0.count >= Self.roomsMax { $0 = [:] }
            $0[key] = made
        }
        return made
    }
}
