/// `$` and the reference hash in URL-safe base64 (room version 4 on). Other texts that begin with
/// `$` are accepted too: they name events nobody has.
package struct EventID: MatrixIdentifier {
    package let raw: String

    package init?(_ text: String) {
        guard text.utf8.first == UInt8(ascii: "$"),
            (2...identifierBytesMax).contains(text.utf8.count), !text.utf8.contains(0)
        else { return nil }
        raw = text
    }

    package init(trusted text: String) { raw = text }

    /// - Parameter referenceHash: 32 bytes.
    package init(referenceHash: [UInt8]) {
        precondition(referenceHash.count == 32, "a reference hash is a SHA-256")
        var text: [UInt8] = [UInt8(ascii: "$")]
        text.reserveCapacity(44)
        Base64.encode(referenceHash, urlSafe: true, into: &text)
        raw = String(decoding: text, as: UTF8.self)
    }

    /// The 32 bytes of the hash; nil when the ID is not one.
    package var referenceHash: [UInt8]? {
        guard Base64.isHash(raw.utf8.dropFirst()) else { return nil }
        return Base64.decode(Array(raw.utf8.dropFirst()), urlSafe: true)
    }
}
