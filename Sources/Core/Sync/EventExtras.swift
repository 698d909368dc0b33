package import MatrixModel

/// What belongs to an event only in one answer: `unsigned`, and `room_id` outside syncs.
package struct EventExtras: Sendable {
    /// The event with everything it is served with.
    package var event: RenderedEvent
    package var transactionID: String?
    /// The reader's membership when the event was sent.
    package var membership: String?
    /// For state events: what the key held before.
    package var replaced: RenderedEvent?
    /// The redaction event, for redacted ones.
    package var redactedBecause: RenderedEvent?

    package init(
        _ event: RenderedEvent,
        transactionID: String? = nil,
        membership: String? = nil,
        replaced: RenderedEvent? = nil,
        redactedBecause: RenderedEvent? = nil
    ) {
        self.event = event
        self.transactionID = transactionID
        self.membership = membership
        self.replaced = replaced
        self.redactedBecause = redactedBecause
    }

    /// - Parameters:
    ///   - roomID: nil inside a sync, where the room is known from the place.
    ///   - now: milliseconds since 1970, for `age`.
    package func write(into writer: inout JSONWriter, roomID: String?, now: UInt64) {
        writer.beginObject()
        writer.raw(event.members)
        if let roomID { writer.member("room_id", roomID) }
        writer.key("unsigned")
        writer.beginObject()
        writer.member("age", Int64(clamping: now) - Int64(clamping: event.timestamp))
        if event.isErased { writer.member("io.warbler.erased", true) }
        if let membership { writer.member("membership", membership) }
        if let replaced {
            writer.key("prev_content")
            writer.raw(replaced.content)
            writer.member("prev_sender", replaced.sender)
        }
        if let redactedBecause {
            writer.key("redacted_because")
            EventExtras(redactedBecause).write(into: &writer, roomID: roomID, now: now)
        }
        if let replaced { writer.member("replaces_state", replaced.eventID) }
        if let transactionID { writer.member("transaction_id", transactionID) }
        writer.endObject()
        writer.endObject()
    }
}

extension EventExtras {
    /// The short form for room states: `unsigned` only where it says something of the state.
    package func writeState(into writer: inout JSONWriter, roomID: String?, now: UInt64) {
        guard replaced == nil, redactedBecause == nil, !event.isErased else {
            write(into: &writer, roomID: roomID, now: now)
            return
        }
        writer.beginObject()
        writer.raw(event.members)
        if let roomID { writer.member("room_id", roomID) }
        writer.endObject()
    }
}

extension RenderedEvent {
    /// Stripped state for invitations and knocks: content, sender, state key, type.
    package func writeStripped(into writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("content")
        writer.raw(content)
        writer.member("sender", sender)
        writer.member("state_key", stateKey ?? "")
        writer.member("type", type)
        writer.endObject()
    }
}
