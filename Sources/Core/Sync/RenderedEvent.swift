import MatrixModel

/// One event as clients see it, apart from `room_id` and `unsigned`: opened and written once,
/// spliced into many answers. Immutable; holds opened content, so it lives in bounded caches only.
package final class RenderedEvent: Sendable {
    /// `StreamPosition.raw` in the room's partition.
    package let position: UInt64
    package let eventID: String
    package let type: String
    package let stateKey: String?
    package let sender: String
    /// Milliseconds since 1970.
    package let timestamp: UInt64
    package let redacts: String?
    package let redactedBy: String?
    package let threadRoot: String?
    /// Who sent it by which transaction: told to that device only.
    package let device: String?
    package let transactionID: String?
    /// The key it was sealed under is gone: the content is what redaction would leave.
    package let isErased: Bool
    /// The members of the event's object, without braces: `"content":{…},"event_id":…`.
    package let members: [UInt8]
    private let contentRange: Range<Int>

    package init(
        position: UInt64,
        eventID: String,
        type: String,
        stateKey: String?,
        sender: String,
        timestamp: UInt64,
        redacts: String?,
        redactedBy: String?,
        threadRoot: String?,
        device: String?,
        transactionID: String?,
        isErased: Bool,
        content: [UInt8]
    ) {
        self.position = position
        self.eventID = eventID
        self.type = type
        self.stateKey = stateKey
        self.sender = sender
        self.timestamp = timestamp
        self.redacts = redacts
        self.redactedBy = redactedBy
        self.threadRoot = threadRoot
        self.device = device
        self.transactionID = transactionID
        self.isErased = isErased
        var bytes: [UInt8] = []
        bytes.reserveCapacity(content.count + 240)
        bytes.append(ascii: "\"content\":")
        contentRange = bytes.count..<bytes.count + content.count
        bytes += content
        bytes.append(ascii: ",\"event_id\":")
        bytes.appendJSONString(eventID)
        bytes.append(ascii: ",\"origin_server_ts\":")
        bytes.appendDecimal(Int64(clamping: timestamp))
        if let redacts, redactedBy == nil {
            bytes.append(ascii: ",\"redacts\":")
            bytes.appendJSONString(redacts)
        }
        bytes.append(ascii: ",\"sender\":")
        bytes.appendJSONString(sender)
        if let stateKey {
            bytes.append(ascii: ",\"state_key\":")
            bytes.appendJSONString(stateKey)
        }
        bytes.append(ascii: ",\"type\":")
        bytes.appendJSONString(type)
        members = bytes
    }

    package var content: ArraySlice<UInt8> { members[contentRange] }
    package var isState: Bool { stateKey != nil }

    /// Roughly what this takes in memory, in bytes.
    package var cost: Int { members.count + 480 }
}
