package import Encryption
import MatrixModel
package import Primitives

/// Tokens that clients hold: `wbt_<partition>_<secret>`. The partition is that of the account, in
/// base 62, so that any node knows whom to ask; the secret is 32 random bytes in base64url. The
/// server keeps only an HMAC of the whole text: what it stores cannot log anybody in.
package enum AccessToken {
    package enum Kind: String, Sendable {
        /// Of a device: `Authorization: Bearer …`.
        case access = "wbt"
        /// For one login (`m.login.token`), two minutes long.
        case login = "wlt"
    }

    package static let secretCount = 32
    private static let secretTextCount = 43
    private static let digits = Array(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8
    )

    /// - Parameter secret: 32 fresh random bytes.
    package static func mint(_ kind: Kind, _ partition: PartitionID, secret: [UInt8]) -> String {
        precondition(secret.count == secretCount, "a token's secret has 32 bytes")
        return "\(kind.rawValue)_\(base62(partition.raw))_"
            + Base64.encode(secret, urlSafe: true)
    }

    /// Which partition to ask about a token; nil where the text cannot be one of ours.
    package static func partition(of text: String, _ kind: Kind = .access) -> PartitionID? {
        let parts = text.utf8.split(
            separator: UInt8(ascii: "_"),
            maxSplits: 2,
            omittingEmptySubsequences: false
        )
        guard parts.count == 3, parts[0].elementsEqual(kind.rawValue.utf8),
            (1...3).contains(parts[1].count), parts[2].count == secretTextCount,
            parts[2].allSatisfy(isBase64URL)
        else { return nil }
        var value: UInt32 = 0
        for digit in parts[1] {
            guard let place = digits.firstIndex(of: digit) else { return nil }
            value = value * 62 + UInt32(place)
        }
        return UInt16(exactly: value).map { PartitionID($0) }
    }

    /// What is stored of a token: HMAC-SHA-256, 32 bytes.
    package static func mac(_ text: String, key: SecretKey) -> [UInt8] {
        Cipher.hmacSHA256(key: key, Array(text.utf8))
    }

    private static func base62(_ value: UInt16) -> String {
        var rest = Int(value)
        var text: [UInt8] = []
        repeat {
            text.append(digits[rest % 62])
            rest /= 62
        } while rest > 0
        return String(decoding: text.reversed(), as: UTF8.self)
    }

    private static func isBase64URL(_ byte: UInt8) -> Bool {
        digits.contains(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
    }
}
