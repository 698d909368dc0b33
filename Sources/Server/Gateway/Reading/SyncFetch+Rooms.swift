import Homeserver
import KeyValue
import Keyspace
import MatrixModel
import MatrixRules
import Primitives
import Projections
import Sync

/// What part of a joined room a sync tells: after `since` (nil: the room is new), up to `until`.
struct JoinWindow {
    let since: LogIndex?
    let until: LogIndex
    let activity: RoomActivity
    /// What the timeline's events may take in the answer; the first is always told.
    let timelineBytes: Int
}

extension SyncFetch {
    func joinedSection(
        _ standing: RoomStanding,
        _ window: JoinWindow,
        _ data: [AccountDataItem]?,
        _ typing: [String]?
    ) throws -> RoomSection? {
        guard let rows = try service.rows(standing.roomID, in: view),
            let head = try rows.reader.head(rows.room)
        else { return nil }
        let isNew = window.since == nil
        let lower = window.since.map(StreamPosition.after) ?? .zero
        var upper = StreamPosition.after(window.until)
        if case .unknown = window.activity, head.lastPosition < lower,
            head.lastReceipt <= window.since ?? .zero, data == nil, typing == nil, !sync.fullState
        {
            return nil
        }
        var section = RoomSection(roomID: standing.roomID, previousBatch: "")
        // Whatever a token says: what lies before the reader's own last member event may not all
        // be theirs to see. And the room may know already what the account will hear: who was put
        // out sees what was said up to that, and nothing after.
        let own = try rows.reader.state("m.room.member", user, in: rows.room)
        let isIn = own.map { membershipWord($0.event) == "join" } ?? false
        let settled = max(standing.position, own?.position.raw ?? 0)
        let mayBeHidden = isNew || !isIn || lower.raw <= settled
        let access = mayBeHidden ? try RoomAccess(rows, userID: user) : nil
        if !isIn {
            upper = min(upper, access?.stateEnd ?? .zero)
            guard lower < upper else {
                section.accountData = try roomData(standing.roomID, data, isNew: isNew)
                return section.isEmpty ? nil : section
            }
        }
        var changes: [StateChange] = []
        var page = TimelinePage(
            limit: filter.timeline.limit
                ?? (isNew
                    ? service.settings.firstTimelineEvents : service.settings.laterTimelineEvents)
        )
        if isNew || head.lastPosition >= lower {
            page.bytesMax = window.timelineBytes
            try fill(&page, rows, access, from: lower, to: upper)
        }
        if page.isLimited, let start = page.start, !isNew {
            changes = try rows.reader.stateChanges(in: rows.room, from: lower, to: start)
            if changes.contains(where: { $0.row.type == "m.room.member" }) {
                page.touchesMembers = true
            }
        }
        if isIn, isNew || sync.fullState || page.touchesMembers {
            section.summary = try summary(rows, head)
        }
        if !isIn { page.stateEnd = upper }
        try complete(&section, page, changes, rows, access, from: lower, to: upper, isNew: isNew)
        if isIn { section.ephemeral = try ephemeral(rows, head, window.since, typing) }
        section.accountData = try roomData(standing.roomID, data, isNew: isNew)
        guard !section.isEmpty || sync.fullState else { return nil }
        section.countsThreads = filter.unreadThreadNotifications
        section.unread = try service.unread.count(
            for: user,
            account.rules,
            in: rows,
            head: head,
            member: own?.position.raw ?? 0,
            end: upper
        )
        return section
    }

    func leftSection(
        _ standing: RoomStanding,
        since: LogIndex?,
        last: StreamPosition,
        _ items: AccountItems
    ) throws -> RoomSection? {
        guard let rows = try service.rows(standing.roomID, in: view) else { return nil }
        let access = try RoomAccess(rows, userID: user)
        var section = RoomSection(roomID: standing.roomID, previousBatch: "")
        section.accountData = items.byRoom[standing.roomID] ?? []
        guard standing.entered > .zero else {
            // Never in: an invitation refused or taken back. All there is to tell is that; the
            // state of the room is not theirs to know.
            let place = PageToken.before(rows.reader.partition, position: last.raw)
            section.previousBatch = place.text
            section.timeline = try rows.event(at: last).map { [try extras($0, rows, access)] } ?? []
            return section
        }
        let lower = since.map(StreamPosition.after) ?? .zero
        let stateEnd = min(last.next, access.stateEnd ?? last.next)
        var page = TimelinePage(
            limit: filter.timeline.limit ?? service.settings.laterTimelineEvents
        )
        page.stateEnd = stateEnd
        try fill(&page, rows, access, from: lower, to: last.next)
        let isNew = since == nil
        var changes: [StateChange] = []
        if page.isLimited, let start = page.start, !isNew {
            changes = try rows.reader.stateChanges(
                in: rows.room,
                from: lower,
                to: min(start, stateEnd)
            )
        }
        try complete(
            &section,
            page,
            changes,
            rows,
            access,
            from: lower,
            to: last.next,
            isNew: isNew
        )
        return section
    }

    typealias StateChange = (position: StreamPosition, row: StateLogRow)

    // MARK: Timeline

    /// The newest events of a range, filtered.
    struct TimelinePage {
        let limit: Int
        var bytesMax = Int.max
        /// Newest first while it is filled, oldest first after.
        var events: [RenderedEvent] = []
        /// The oldest position that was looked at; nil for none.
        var start: StreamPosition?
        /// There is more below `start`.
        var isLimited = false
        /// No state is told as it stood after this; nil for a reader who is in.
        var stateEnd: StreamPosition?
        /// State events at or above `start` that the timeline's filter left out.
        var hiddenState: [RenderedEvent] = []
        var touchesMembers = false

        init(limit: Int) { self.limit = limit }
    }

    private func fill(
        _ page: inout TimelinePage,
        _ rows: RoomRows<Store>,
        _ access: RoomAccess<Store>?,
        from lower: StreamPosition,
        to upper: StreamPosition
    ) throws {
        var filled = page
        var rowsLeft = service.settings.pageRowsMax
        var bytesLeft = min(filled.bytesMax, service.settings.pageBytesMax)
        let timeline = filter.timeline
        let isClosed = timeline.isClosed || !timeline.permits(room: rows.roomID)
        func take(_ passing: RoomRows<Store>.Passing) throws -> Bool {
            guard let glance = passing.glance else { return true }
            let isWanted =
                !isClosed
                && (timeline.isOpen
                    || timeline.permits(type: glance.typeText, sender: glance.senderText))
                && (account.ignored.isEmpty || glance.isState
                    || !account.ignored.contains(glance.senderText))
            if isWanted, let event = try service.render(passing, timeline) {
                if filled.events.count >= filled.limit || bytesLeft <= 0 {
                    filled.isLimited = true
                    // Where none is wanted at all, the gap reaches over this one.
                    if filled.start == nil { filled.start = passing.position.next }
                    return false
                }
                filled.events.append(event)
                bytesLeft -= event.members.count
                filled.start = passing.position
                if event.isState, event.type == "m.room.member" { filled.touchesMembers = true }
                return true
            }
            rowsLeft -= timeline.rowCost
            guard rowsLeft > 0 else {
                filled.isLimited = true
                return false
            }
            if glance.isState {
                let event = try passing.render()
                filled.hiddenState.append(event)
                if event.type == "m.room.member" { filled.touchesMembers = true }
            }
            filled.start = passing.position
            return true
        }
        // Whoever comes in learns the state that was set while they could not see. It is part of
        // what stood before the timeline, which therefore begins behind that.
        func jumps(_ hidden: Range<StreamPosition>) throws -> Bool {
            guard hidden.lowerBound < access?.stateEnd ?? .end,
                try rows.reader.hasStateChanges(
                    in: rows.room,
                    from: hidden.lowerBound,
                    to: hidden.upperBound
                )
            else { return true }
            filled.isLimited = true
            filled.start = filled.start ?? hidden.upperBound
            return false
        }
        if let access {
            try access.timeline(from: lower, to: upper, reverse: true, jump: jumps, take)
        } else {
            // Joined all along: everything in the range may be seen.
            try rows.timeline(from: lower, to: upper, reverse: true, take)
        }
        filled.events.reverse()
        page = filled
    }

    // MARK: State

    /// Timeline, `limited`, `prev_batch` and state, as they belong together: the state is what
    /// stood before the timeline, or what changed of it between the token and the timeline.
    private func complete(
        _ section: inout RoomSection,
        _ page: TimelinePage,
        _ changes: [StateChange],
        _ rows: RoomRows<Store>,
        _ access: RoomAccess<Store>?,
        from lower: StreamPosition,
        to upper: StreamPosition,
        isNew: Bool
    ) throws {
        let start = page.start ?? (isNew ? upper : lower)
        let stateStart = min(start, page.stateEnd ?? .end)
        section.isLimited = page.isLimited
        section.previousBatch =
            PageToken.before(rows.reader.partition, position: start.raw).text
        section.timeline = try page.events.map { try extras($0, rows, access) }
        guard !filter.state.isClosed, filter.state.permits(room: rows.roomID) else { return }
        var states = StateCollector(filter: filter.state)
        if isNew || sync.fullState {
            let range: RoomRows<Store>.StateRange =
                filter.lazyLoadMembers ? .allButMembers : .everything
            func add(_ event: RenderedEvent) -> Bool {
                states.add(event)
                return true
            }
            if let access {
                try access.state(before: stateStart, range, add)
            } else {
                try rows.state(before: stateStart, range, add)
            }
        } else {
            try add(changes, to: &states, rows, page)
        }
        for event in page.hiddenState.reversed() { states.replace(event) }
        if filter.lazyLoadMembers {
            try addMembers(
                to: &states,
                rows,
                page,
                and: section.summary?.heroes ?? [],
                before: stateStart,
                isNew: isNew
            )
        }
        // What was in the gap says what it replaced; a whole state has no before.
        let gap = isNew || sync.fullState ? nil : lower
        section.state = try states.events.map { event in
            if let gap, event.position >= gap.raw {
                var extras = try extras(event, rows, access)
                (extras.membership, extras.transactionID) = (nil, nil)
                return extras
            }
            if let access { return try access.stateExtras(event) }
            return EventExtras(event, redactedBecause: try event.redactedBy.flatMap(rows.event))
        }
    }

    /// What changed between the token and the timeline, the latest of each key.
    private func add(
        _ changes: [StateChange],
        to states: inout StateCollector,
        _ rows: RoomRows<Store>,
        _ page: TimelinePage
    ) throws {
        guard !changes.isEmpty else { return }
        var latest: [StateSlot: StreamPosition] = [:]
        let senders = Set(page.events.map(\.sender))
        for (position, row) in changes {
            let isMember = row.type == "m.room.member"
            if isMember, filter.lazyLoadMembers, row.stateKey != user,
                !senders.contains(row.stateKey)
            {
                continue
            }
            latest[StateSlot(row.type, row.stateKey)] = position
        }
        for position in latest.values.sorted() {
            if let event = try rows.event(at: position) { states.add(event) }
        }
    }

    /// Whoever speaks in the timeline, or gives the room its name, is introduced by their member
    /// event, as it stood before it; in a room that is new, so is the reader.
    private func addMembers(
        to states: inout StateCollector,
        _ rows: RoomRows<Store>,
        _ page: TimelinePage,
        and heroes: [String],
        before start: StreamPosition,
        isNew: Bool
    ) throws {
        var wanted = distinctSenders(page.events)
        if isNew || sync.fullState, !wanted.contains(user) { wanted.append(user) }
        for hero in heroes where !wanted.contains(hero) { wanted.append(hero) }
        for sender in wanted where !states.holds("m.room.member", sender) {
            if let member = try rows.state("m.room.member", sender, before: start) {
                states.add(member)
            }
        }
    }

    private func extras(
        _ event: RenderedEvent,
        _ rows: RoomRows<Store>,
        _ access: RoomAccess<Store>?
    ) throws -> EventExtras {
        if let access { return try access.extras(event, for: sync.requester) }
        var extras = EventExtras(event, membership: "join")
        if event.device == sync.requester.deviceID, event.sender == user {
            extras.transactionID = event.transactionID
        }
        if let redaction = event.redactedBy { extras.redactedBecause = try rows.event(redaction) }
        if let stateKey = event.stateKey {
            extras.replaced = try rows.state(
                event.type,
                stateKey,
                before: StreamPosition(event.position)
            )
        }
        return extras
    }

    // MARK: The rest

    private func ephemeral(
        _ rows: RoomRows<Store>,
        _ head: RoomHeadRow,
        _ since: LogIndex?,
        _ typing: [String]?
    ) throws -> [[UInt8]] {
        let filter = filter.ephemeral
        guard !filter.isClosed, filter.permits(room: rows.roomID) else { return [] }
        var events: [[UInt8]] = []
        if filter.permits(type: "m.receipt"), head.lastReceipt > since ?? .zero {
            let receipts = try rows.reader.receipts(in: rows.room, since: since ?? .zero)
                .filter { $0.type != "m.read.private" || $0.userID == user }
                .map {
                    ReceiptText(
                        eventID: $0.eventID,
                        type: $0.type,
                        userID: $0.userID,
                        thread: $0.thread,
                        timestamp: $0.timestamp
                    )
                }
            events += receiptEvents(receipts)
        }
        if let typing { events.append(typingEvent(typing)) }
        return events
    }

    private func roomData(
        _ roomID: String,
        _ changed: [AccountDataItem]?,
        isNew: Bool
    ) throws -> [AccountDataItem] {
        let wanted = filter.roomAccountData
        guard !wanted.isClosed, wanted.permits(room: roomID) else { return [] }
        // A first sync has read them all; a room entered later may have older ones.
        guard isNew, since != nil else { return changed ?? [] }
        return try view.reader(sync.account).accountData(user, roomID).compactMap { type, row in
            guard wanted.permits(type: type) else { return nil }
            return try service.renderer.opener.open(
                row.sealed,
                for: .accountData(user, roomID, type)
            ).map { AccountDataItem(type: type, content: $0) }
        }
    }

    private func summary(_ rows: RoomRows<Store>, _ head: RoomHeadRow) throws -> RoomSummary {
        var summary = RoomSummary(
            heroes: nil,
            joined: Int(head.joined),
            invited: Int(head.invited)
        )
        if try hasText("m.room.name", "name", rows) { return summary }
        if try hasText("m.room.canonical_alias", "alias", rows) { return summary }
        summary.heroes = RoomSummary.heroes(
            among: try firstMembers(rows),
            without: user
        )
        return summary
    }

    private func hasText(
        _ type: String,
        _ key: String,
        _ rows: RoomRows<Store>
    ) throws -> Bool {
        guard let event = try rows.currentState(type) else { return false }
        let content = try? JSONDocument(parsing: event.content).root
        return content?[key]?.string?.isEmpty == false
    }

    /// Members in the order in which they first appeared, enough of them to pick heroes from.
    private func firstMembers(
        _ rows: RoomRows<Store>
    ) throws -> [(userID: String, isPresent: Bool)] {
        var names: [String] = []
        var found: [(userID: String, isPresent: Bool)] = []
        var present = 0
        var failure: (any Error)?
        var seen: Set<String> = []
        var rowsLeft = 1_000
        let prefix = rows.reader.keys.stateLog(rows.room.number, .zero)
        let end = rows.reader.keys.stateLog(rows.room.number, .end)
        try rows.reader.store.scan(from: prefix, to: end, in: .state, reverse: false) { _, value in
            rowsLeft -= 1
            guard let row = try? StateLogRow(Array(value)) else { return true }
            guard row.type == "m.room.member", row.stateKey != user,
                seen.insert(row.stateKey).inserted
            else { return rowsLeft > 0 }
            names.append(row.stateKey)
            do {
                let current = try rows.reader.state(
                    "m.room.member",
                    row.stateKey,
                    in: rows.room
                )
                let word = current.map { membershipWord($0.event) }
                let isPresent = word == "join" || word == "invite"
                if isPresent { present += 1 }
                found.append((row.stateKey, isPresent))
            } catch {
                failure = error
                return false
            }
            return present < RoomSummary.heroesMax && rowsLeft > 0
        }
        if let failure { throw failure }
        return found
    }
}

/// State events of one section, each key once.
struct StateCollector {
    let filter: EventFilter
    private(set) var events: [RenderedEvent] = []
    private var places: [StateSlot: Int]?

    init(filter: EventFilter) { self.filter = filter }

    /// An event whose key is not there yet.
    mutating func add(_ event: RenderedEvent) {
        guard filter.permits(type: event.type, sender: event.sender) else { return }
        let name = name(event)
        places?[name] = events.count
        events.append(event)
    }

    /// A newer event for a key that may be there.
    mutating func replace(_ event: RenderedEvent) {
        index()
        if let place = places?[name(event)] {
            if filter.permits(type: event.type, sender: event.sender) { events[place] = event }
        } else {
            add(event)
        }
    }

    mutating func holds(_ type: String, _ stateKey: String) -> Bool {
        index()
        return places?[StateSlot(type, stateKey)] != nil
    }

    private func name(_ event: RenderedEvent) -> StateSlot {
        StateSlot(event.type, event.stateKey ?? "")
    }

    /// Whole states are long and seldom looked into: indexed only when asked.
    private mutating func index() {
        guard places == nil else { return }
        var made: [StateSlot: Int] = [:]
        for (place, event) in events.enumerated() { made[name(event)] = place }
        places = made
    }
}
