/// `#localpart:server`: any code point in the localpart but `:` and NUL, at least one.
package struct RoomAlias: MatrixIdentifier {
    package let raw: String

    package init?(_ text: String) {
        var text = text
        let colon = text.withUTF8 { $0.colonOfIdentifier(sigil: UInt8(ascii: "#")) }
        guard let colon, colon > 1 else { return nil }
        raw = text
    }

    package init?(localpart: String, on server: ServerName) {
        guard !localpart.utf8.contains(UInt8(ascii: ":")) else { return nil }
        self.init("#\(localpart):\(server.raw)")
    }

    package init(trusted text: String) { raw = text }

    package var localpart: Substring { splitIdentifier(raw)?.localpart ?? "" }

    package var serverName: Substring { splitIdentifier(raw)?.server ?? "" }

    package var server: ServerName { ServerName(trusted: String(serverName)) }
}
