/// Names one device of one user. Opaque: 1 to 255 bytes without control characters, because
/// devices are listed to people and to logs.
package struct DeviceID: MatrixIdentifier {
    package let raw: String

    package init?(_ text: String) {
        guard (1...identifierBytesMax).contains(text.utf8.count),
            text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
        else { return nil }
        raw = text
    }

    package init(trusted text: String) { raw = text }
}
