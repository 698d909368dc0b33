/// `@localpart:server`. Any historical localpart is accepted (every code point but `:` and NUL,
/// also none); `isCompliant` and `isHistorical` tell them apart (appendices, "User Identifiers").
package struct UserID: MatrixIdentifier {
    package let raw: String

    package init?(_ text: String) {
        var text = text
        guard text.withUTF8({ $0.colonOfIdentifier(sigil: UInt8(ascii: "@")) }) != nil else {
            return nil
        }
        raw = text
    }

    package init(trusted text: String) { raw = text }

    /// An ID for a new account: only the characters of today's grammar, at least one.
    package init?(new localpart: String, on server: ServerName) {
        let text = "@\(localpart):\(server.raw)"
        guard Self.isNewLocalpart(localpart[...]), text.utf8.count <= identifierBytesMax else {
            return nil
        }
        raw = text
    }

    package var localpart: Substring { splitIdentifier(raw)?.localpart ?? "" }

    package var serverName: Substring { splitIdentifier(raw)?.server ?? "" }

    package var server: ServerName { ServerName(trusted: String(serverName)) }

    /// Within today's grammar: `a-z 0-9 . _ = - / +`, not empty.
    package var isCompliant: Bool { Self.isNewLocalpart(localpart) }

    /// Outside today's grammar but of visible ASCII, so still shown to clients everywhere.
    package var isHistorical: Bool {
        !isCompliant && !localpart.isEmpty && localpart.utf8.allSatisfy { (0x21...0x7E) ~= $0 }
    }

    private static func isNewLocalpart(_ text: Substring) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "="), UInt8(ascii: "-"),
                    UInt8(ascii: "/"), UInt8(ascii: "+"):
                    true
                default: false
                }
            }
    }
}
