import Homeserver
import KeyValue
import Keyspace
package import MatrixModel
import Primitives
import Projections
import Sync

extension ReadService {
    /// `GET /rooms/{roomId}/event/{eventId}`
    package func event(
        roomID: String,
        eventID: String,
        by requester: Requester
    ) throws(MatrixError) -> [UInt8] {
        try answering {
            let (access, event) = try visibleEvent(roomID, eventID, requester, in: view())
            var writer = JSONWriter(reserving: 1_024)
            try access.extras(event, for: requester)
                .write(into: &writer, roomID: roomID, now: now())
            return writer.finish()
        }
    }

    /// Goes by the event alone: an invited user may see one that was sent to the invited, and
    /// anybody one from a time when the room was open to all. Whoever may not see an event gets
    /// the answer for an event that is not there.
    private func visibleEvent(
        _ roomID: String,
        _ eventID: String,
        _ requester: Requester,
        in view: ReadView<Store>
    ) throws -> (RoomAccess<Store>, RenderedEvent) {
        let missing = MatrixError.notFound("Event not found")
        guard let rows = try rows(roomID, in: view) else { throw missing }
        let access = try RoomAccess(rows, userID: requester.userID)
        guard let event = try rows.event(eventID), access.permits(event),
            try !isForgotten(access, in: view)
        else { throw missing }
        return (access, event)
    }

    /// Where a receipt for this event stands: `Receipt.position`.
    /// - Parameter thread: as in receipts: empty for unthreaded, `main`, or the thread's root, an
    ///   event that the reader must see too.
    package func receiptTarget(
        roomID: String,
        eventID: String,
        type: String,
        thread: String,
        by requester: Requester
    ) throws(MatrixError) -> UInt64 {
        try answering {
            let view = view()
            guard try access(roomID, requester, in: view).isJoined else {
                throw MatrixError.forbidden("You are not in this room")
            }
            let (access, event) = try visibleEvent(roomID, eventID, requester, in: view)
            guard !thread.isEmpty else { return event.position }
            // An event that says of no thread that it is in it may still belong to one, as an edit
            // or a reaction does.
            let isApart = event.threadRoot != nil && event.threadRoot != thread
            guard !isApart, try thread == "main" || isVisible(thread, access) else {
                throw MatrixError.invalidParam("The event is not in this thread")
            }
            try checkReceiptCount(type, thread, requester.userID, access.rows)
            return event.position
        }
    }

    private func isVisible(_ eventID: String, _ access: RoomAccess<Store>) throws -> Bool {
        try access.rows.event(eventID).map { access.permits($0) } ?? false
    }

    /// Everybody in the room is told of every receipt: nobody sets one for thousands of threads.
    private func checkReceiptCount(
        _ type: String,
        _ thread: String,
        _ userID: String,
        _ rows: RoomRows<Store>
    ) throws {
        let own = try rows.reader.receipts(of: userID, in: rows.room)
        guard
            own.count < settings.receiptsMax
                || own.contains(where: { $0.type == type && $0.thread == thread })
        else {
            throw MatrixError(
                .userLimitExceeded,
                "Receipts for \(own.count) threads of this room: read it as a whole",
                fields: [JSONValue.Member("info_uri", "about:blank")]
            )
        }
    }

    /// `GET /rooms/{roomId}/context/{eventId}`: half of the limit before, the rest after.
    package func context(
        roomID: String,
        eventID: String,
        limit: String?,
        filter: String?,
        by requester: Requester
    ) throws(MatrixError) -> [UInt8] {
        try answering {
            let limit = try contextLimit(limit)
            let filter = try eventFilter(filter)
            let view = view()
            let (access, event) = try visibleEvent(roomID, eventID, requester, in: view)
            let position = StreamPosition(event.position)
            var before = Page(start: position, limit: limit / 2)
            var after = Page(start: position.next, limit: limit - limit / 2)
            try fill(&before, access, from: .zero, to: position, reverse: true, filter)
            try fill(
                &after,
                access,
                from: position.next,
                to: end(of: access.rows, in: view),
                reverse: false,
                filter
            )
            return try write(event, before, after, access, requester, filter)
        }
    }

    private func contextLimit(_ text: String?) throws(MatrixError) -> Int {
        guard let text, !text.isEmpty else { return settings.pageEvents }
        guard let limit = Int(text), limit >= 0 else {
            throw .invalidParam("limit must be a number from 0")
        }
        return min(limit, settings.pageEventsMax)
    }

    private func write(
        _ event: RenderedEvent,
        _ before: Page,
        _ after: Page,
        _ access: RoomAccess<Store>,
        _ requester: Requester,
        _ filter: EventFilter
    ) throws -> [UInt8] {
        let now = now()
        let roomID = access.rows.roomID
        let partition = access.rows.reader.partition
        var writer = JSONWriter(reserving: 4_096)
        func add(_ event: RenderedEvent) throws {
            try access.extras(event, for: requester)
                .write(into: &writer, roomID: roomID, now: now)
        }
        writer.beginObject()
        writer.member("end", PageToken.before(partition, position: after.next.raw).text)
        writer.key("event")
        try add(event)
        writer.key("events_after")
        writer.beginArray()
        for event in after.events { try add(event) }
        writer.endArray()
        writer.key("events_before")
        writer.beginArray()
        for event in before.events { try add(event) }
        writer.endArray()
        writer.member("start", PageToken.before(partition, position: before.next.raw).text)
        writer.key("state")
        writer.beginArray()
        let last = after.events.last ?? event
        let end = StreamPosition(last.position).next
        try access.state(before: end, filter.lazyLoadMembers ? .allButMembers : .everything) {
            try access.stateExtras($0).writeState(into: &writer, roomID: roomID, now: now)
            return true
        }
        if filter.lazyLoadMembers {
            for sender in distinctSenders(before.events + [event] + after.events) {
                if let member = try access.state("m.room.member", sender, before: end) {
                    try access.stateExtras(member)
                        .writeState(into: &writer, roomID: roomID, now: now)
                }
            }
        }
        writer.endArray()
        writer.endObject()
        return writer.finish()
    }
}
