import MatrixModel

/// One receipt as a sync tells it.
package struct ReceiptText: Hashable, Sendable {
    package var eventID: String
    /// `m.read` or `m.read.private`.
    package var type: String
    package var userID: String
    /// Empty for unthreaded.
    package var thread: String
    /// Milliseconds since 1970.
    package var timestamp: UInt64

    package init(
        eventID: String,
        type: String,
        userID: String,
        thread: String,
        timestamp: UInt64
    ) {
        self.eventID = eventID
        self.type = type
        self.userID = userID
        self.thread = thread
        self.timestamp = timestamp
    }
}

/// Writes receipts as `m.receipt` events: by event, type and user. One user may have two on the
/// same event, for different threads; the form has no room for both, so the second goes into a
/// further event.
package func receiptEvents(_ receipts: [ReceiptText]) -> [[UInt8]] {
    var remaining = receipts.sorted {
        ($0.eventID, $0.type, $0.userID, $0.thread) < ($1.eventID, $1.type, $1.userID, $1.thread)
    }
    var events: [[UInt8]] = []
    while !remaining.isEmpty {
        var later: [ReceiptText] = []
        var writer = JSONWriter(reserving: remaining.count * 96 + 48)
        writer.beginObject()
        writer.key("content")
        writer.beginObject()
        var last: ReceiptText?
        for receipt in remaining {
            let isSameEvent = last?.eventID == receipt.eventID
            let isSameType = isSameEvent && last?.type == receipt.type
            if isSameType, last?.userID == receipt.userID {
                later.append(receipt)
                continue
            }
            if last != nil, !isSameType { writer.endObject() }
            if last != nil, !isSameEvent { writer.endObject() }
            if !isSameEvent {
                writer.key(receipt.eventID)
                writer.beginObject()
            }
            if !isSameType {
                writer.key(receipt.type)
                writer.beginObject()
            }
            writer.key(receipt.userID)
            writer.beginObject()
            if !receipt.thread.isEmpty { writer.member("thread_id", receipt.thread) }
            writer.member("ts", Int64(clamping: receipt.timestamp))
            writer.endObject()
            last = receipt
        }
        if last != nil {
            writer.endObject()
            writer.endObject()
        }
        writer.endObject()
        writer.member("type", "m.receipt")
        writer.endObject()
        events.append(writer.finish())
        remaining = later
    }
    return events
}

/// `m.typing` with everybody who is typing now.
package func typingEvent(_ users: [String]) -> [UInt8] {
    var writer = JSONWriter(reserving: 64 + users.count * 32)
    writer.beginObject()
    writer.key("content")
    writer.beginObject()
    writer.key("user_ids")
    writer.beginArray()
    for user in users { writer.string(user) }
    writer.endArray()
    writer.endObject()
    writer.member("type", "m.typing")
    writer.endObject()
    return writer.finish()
}
