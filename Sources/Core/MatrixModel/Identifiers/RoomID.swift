/// `!opaque:server` (room versions up to 11) or `!hash` (12 on: the create event's reference
/// hash in URL-safe base64, 43 characters, no domain).
package struct RoomID: MatrixIdentifier {
    package let raw: String

    package init?(_ text: String) {
        var text = text
        let isValid = text.withUTF8 { bytes in
            guard bytes.contains(UInt8(ascii: ":")) else {
                return bytes.first == UInt8(ascii: "!") && Base64.isHash(bytes.dropFirst())
            }
            return (bytes.colonOfIdentifier(sigil: UInt8(ascii: "!")) ?? 0) > 1
        }
        guard isValid else { return nil }
        raw = text
    }

    package init(trusted text: String) { raw = text }

    /// The ID of a room whose create event has this ID (room version 12 on).
    package init(create event: EventID) { raw = "!" + event.raw.withoutSigil }

    /// Nil for a room named by its create event.
    package var serverName: Substring? { splitIdentifier(raw)?.server }

    package var server: ServerName? { serverName.map { ServerName(trusted: String($0)) } }

    /// What follows the sigil, up to the domain if there is one.
    package var opaque: Substring { splitIdentifier(raw)?.localpart ?? raw.withoutSigil }

    /// True when the ID is a hash (room version 12 on).
    package var isHash: Bool { !raw.utf8.contains(UInt8(ascii: ":")) }

    /// The create event's ID, when the room ID is its hash.
    package var createEventID: EventID? {
        isHash ? EventID(trusted: "$" + raw.withoutSigil) : nil
    }
}
