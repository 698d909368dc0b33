/// An event as clients see it (client-server API, "Room event format"). Writes only: the content
/// is spliced, never decoded.
package struct ClientEvent: Sendable {
    package var eventID: EventID
    /// Nil inside `/sync`, where the surrounding object names the room.
    package var roomID: RoomID?
    package var type: String
    package var stateKey: String?
    package var sender: UserID
    package var originServerTimestamp: Int64
    /// A JSON object.
    package var content: ArraySlice<UInt8>
    /// A JSON object.
    package var unsigned: [UInt8]?
    /// Room version 11 on keeps this in the content; older clients look for it at the top.
    package var redacts: EventID?

    package init(
        eventID: EventID,
        roomID: RoomID?,
        type: String,
        stateKey: String?,
        sender: UserID,
        originServerTimestamp: Int64,
        content: ArraySlice<UInt8>,
        unsigned: [UInt8]? = nil,
        redacts: EventID? = nil
    ) {
        self.eventID = eventID
        self.roomID = roomID
        self.type = type
        self.stateKey = stateKey
        self.sender = sender
        self.originServerTimestamp = originServerTimestamp
        self.content = content
        self.unsigned = unsigned
        self.redacts = redacts
    }

    /// - Parameter withRoomID: false inside `/sync`.
    package init(
        _ pdu: PDU,
        withRoomID: Bool,
        unsigned: [UInt8]? = nil,
        redacts: EventID? = nil
    ) {
        self.init(
            eventID: pdu.eventID,
            roomID: withRoomID ? pdu.roomID : nil,
            type: pdu.type,
            stateKey: pdu.stateKey,
            sender: pdu.sender,
            originServerTimestamp: pdu.originServerTimestamp,
            content: pdu.content[...],
            unsigned: unsigned,
            redacts: redacts
        )
    }

    package func write(into writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("content")
        writer.raw(content)
        writer.member("event_id", eventID.raw)
        writer.member("origin_server_ts", originServerTimestamp)
        if let redacts { writer.member("redacts", redacts.raw) }
        if let roomID { writer.member("room_id", roomID.raw) }
        writer.member("sender", sender.raw)
        if let stateKey { writer.member("state_key", stateKey) }
        writer.member("type", type)
        if let unsigned { writer.member("unsigned", raw: unsigned) }
        writer.endObject()
    }

    /// The stripped form for invitations, knocks and sliding sync: content, sender, state key and
    /// type only.
    package func writeStripped(into writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("content")
        writer.raw(content)
        writer.member("sender", sender.raw)
        writer.member("state_key", stateKey ?? "")
        writer.member("type", type)
        writer.endObject()
    }
}
