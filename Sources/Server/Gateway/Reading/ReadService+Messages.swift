import KeyValue
import Keyspace
package import MatrixModel
import Primitives
import Projections
import Sync

/// `GET /rooms/{roomId}/messages`, parameters as they came.
package struct MessagesRequest: Sendable {
    package var roomID: String
    package var from: String?
    package var to: String?
    package var dir: String?
    package var limit: String?
    package var filter: String?

    package init(
        roomID: String,
        from: String? = nil,
        to: String? = nil,
        dir: String? = nil,
        limit: String? = nil,
        filter: String? = nil
    ) {
        self.roomID = roomID
        self.from = from
        self.to = to
        self.dir = dir
        self.limit = limit
        self.filter = filter
    }
}

extension ReadService {
    /// A page of a room's history. An empty `from` means the end (`dir=b`) or the start.
    package func messages(
        _ request: MessagesRequest,
        by requester: Requester
    ) throws(MatrixError) -> [UInt8] {
        try answering {
            let backwards = try isBackwards(request.dir)
            let limit = try pageLimit(request.limit)
            let filter = try eventFilter(request.filter)
            let view = view()
            let access = try access(request.roomID, requester, in: view)
            let end = end(of: access.rows, in: view)
            // A token that says nothing of the room's partition was handed out before the user had
            // a room there: it leaves nothing out, whichever way one goes.
            let (first, last) = backwards ? (end, StreamPosition.zero) : (.zero, end)
            let from = try place(request.from, access, end, or: first) ?? first
            let to = try place(request.to, access, end, or: last)
            var page = Page(start: from, limit: filter.limit.map { min($0, limit) } ?? limit)
            if !filter.isClosed, filter.permits(room: request.roomID) {
                let lower = backwards ? to ?? .zero : from
                let upper = backwards ? from : to ?? end
                try fill(&page, access, from: lower, to: upper, reverse: backwards, filter)
            }
            // Only an empty page has no `end`. Clients stop there; some begin anew, and never end,
            // when the last page that holds something lacks it.
            let stop = page.isFull || !page.events.isEmpty ? page.next : nil
            return try write(page, from: from, end: stop, access, requester, filter)
        }
    }

    private func write(
        _ page: Page,
        from: StreamPosition,
        end: StreamPosition?,
        _ access: RoomAccess<Store>,
        _ requester: Requester,
        _ filter: EventFilter
    ) throws -> [UInt8] {
        let now = now()
        let partition = access.rows.reader.partition
        var writer = JSONWriter(reserving: 512 + page.events.count * 512)
        writer.beginObject()
        writer.key("chunk")
        writer.beginArray()
        for event in page.events {
            try access.extras(event, for: requester)
                .write(into: &writer, roomID: access.rows.roomID, now: now)
        }
        writer.endArray()
        if let end { writer.member("end", PageToken.before(partition, position: end.raw).text) }
        writer.member("start", PageToken.before(partition, position: from.raw).text)
        if filter.lazyLoadMembers, let newest = page.events.map(\.position).max() {
            writer.key("state")
            writer.beginArray()
            let end = StreamPosition(newest).next
            for sender in distinctSenders(page.events) {
                let member = try access.state("m.room.member", sender, before: end)
                guard let member else { continue }
                try access.stateExtras(member)
                    .writeState(into: &writer, roomID: access.rows.roomID, now: now)
            }
            writer.endArray()
        }
        writer.endObject()
        return writer.finish()
    }

    // MARK: Pages

    /// Events of one page, in the order asked for, and the place where the next one starts.
    struct Page {
        var events: [RenderedEvent] = []
        /// Where the next page starts.
        var next: StreamPosition
        var isFull = false
        let limit: Int

        init(start: StreamPosition, limit: Int) {
            next = start
            self.limit = limit
        }
    }

    func fill(
        _ page: inout Page,
        _ access: RoomAccess<Store>,
        from lower: StreamPosition,
        to upper: StreamPosition,
        reverse: Bool,
        _ filter: EventFilter
    ) throws {
        var rowsLeft = settings.pageRowsMax
        var bytesLeft = settings.pageBytesMax
        var found = page
        try access.timeline(from: lower, to: upper, reverse: reverse) { passing in
            if found.events.count >= found.limit || rowsLeft <= 0 || bytesLeft <= 0 {
                found.isFull = true
                return false
            }
            rowsLeft -= filter.rowCost
            found.next = reverse ? passing.position : passing.position.next
            if let event = try render(passing, filter) {
                found.events.append(event)
                bytesLeft -= event.members.count
            }
            return true
        }
        page = found
    }

    /// The event if the filter lets it pass. What the filter refuses by type or sender is not
    /// opened.
    func render(
        _ passing: RoomRows<Store>.Passing,
        _ filter: EventFilter
    ) throws -> RenderedEvent? {
        if filter.isOpen { return try passing.render() }
        if let glance = passing.glance,
            !filter.permits(type: glance.typeText, sender: glance.senderText)
        {
            return nil
        }
        let event = try passing.render()
        guard filter.permits(type: event.type, sender: event.sender) else { return nil }
        if let wanted = filter.containsURL {
            let content = try? JSONDocument(parsing: event.content).root
            guard (content?["url"]?.string != nil) == wanted else { return nil }
        }
        return event
    }

    // MARK: Parameters

    private func isBackwards(_ dir: String?) throws(MatrixError) -> Bool {
        switch dir {
        case "b": return true
        case nil, "", "f": return false
        default: throw .invalidParam("dir must be b or f")
        }
    }

    func pageLimit(_ text: String?) throws(MatrixError) -> Int {
        guard let text, !text.isEmpty else { return settings.pageEvents }
        guard let limit = Int(text), limit >= 0 else {
            throw .invalidParam("limit must be a number from 0")
        }
        return max(1, min(limit, settings.pageEventsMax))
    }

    func eventFilter(_ text: String?) throws(MatrixError) -> EventFilter {
        guard let text, !text.isEmpty else { return .everything }
        do {
            return try EventFilter(parsing: JSONDocument(parsing: text, limits: JSONLimits()).root)
        } catch let error as MatrixError {
            throw error
        } catch {
            throw .invalidParam("filter is not a JSON object")
        }
    }

    /// Nil for an empty or missing token; `other` for one that names no place in this room.
    private func place(
        _ text: String?,
        _ access: RoomAccess<Store>,
        _ end: StreamPosition,
        or other: StreamPosition
    ) throws(MatrixError) -> StreamPosition? {
        guard let text, !text.isEmpty else { return nil }
        guard let token = PageToken(text) else {
            throw .invalidParam("This is no token of this server")
        }
        guard let position = token.position(in: access.rows.reader.partition) else { return other }
        return min(end, StreamPosition(position))
    }
}

/// Senders, each once, in the order of their first event.
func distinctSenders(_ events: some Sequence<RenderedEvent>) -> [String] {
    var seen: Set<String> = []
    return events.compactMap { seen.insert($0.sender).inserted ? $0.sender : nil }
}
