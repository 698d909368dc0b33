package import Encryption
import MatrixModel
import Primitives

/// Sessions of user-interactive authentication without a table: the ID carries its own expiry and
/// a MAC that binds it to what it is for and for whom. Every flow here has one stage, so a
/// session never has progress to remember.
package struct InteractiveSessions: Sendable {
    /// Milliseconds a session lives.
    package static let lifetime: UInt64 = 30 * 60 * 1_000
    private static let nonceCount = 8
    private static let macCount = 16

    private let key: SecretKey

    package init(key: SecretKey) { self.key = key.expanded(info: Array("interactive".utf8)) }

    /// - Parameters:
    ///   - purpose: names the endpoint.
    ///   - subject: the user it concerns; empty where there is none yet.
    ///   - nonce: 8 fresh random bytes.
    package func begin(
        _ purpose: String,
        subject: String,
        now: UInt64,
        nonce: [UInt8]
    ) -> String {
        precondition(nonce.count == Self.nonceCount, "a session's nonce has 8 bytes")
        var writer = ByteWriter(reserving: 32)
        writer.u64(now + Self.lifetime)
        writer.raw(nonce)
        let head = writer.bytes
        return Base64.encode(head + mac(head[...], purpose, subject), urlSafe: true)
    }

    /// Whether `begin` gave this ID out for the same purpose and subject, not too long ago.
    package func isValid(
        _ text: String,
        _ purpose: String,
        subject: String,
        now: UInt64
    ) -> Bool {
        let headCount = 8 + Self.nonceCount
        guard let bytes = Base64.decode(text, urlSafe: true),
            bytes.count == headCount + Self.macCount,
            Cipher.constantTimeEquals(
                Array(bytes[headCount...]),
                mac(bytes[..<headCount], purpose, subject)
            )
        else { return false }
        var reader = ByteReader(bytes)
        guard let expiry = try? reader.u64() else { return false }
        return expiry >= now
    }

    private func mac(_ head: ArraySlice<UInt8>, _ purpose: String, _ subject: String) -> [UInt8] {
        var writer = ByteWriter(reserving: 96)
        writer.string(purpose)
        writer.string(subject)
        writer.raw(head)
        return Array(Cipher.hmacSHA256(key: key, writer.bytes).prefix(Self.macCount))
    }
}
