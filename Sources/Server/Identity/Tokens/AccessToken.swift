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
        var bytes = text.utf8[...]
        for byte in kind.rawValue.utf8 where bytes.popFirst() != byte { return nil }
        guard bytes.popFirst() == underscore else { return nil }
        var value: UInt32 = 0
        var count = 0
        while let byte = bytes.popFirst(), byte != underscore {
            guard count < 3, let digit = digit(byte) else { return nil }
            value = value * 62 + digit
            count += 1
        }
        guard count > 0, let partition = UInt16(exactly: value) else { return nil }
        count = 0
        for byte in bytes {
            guard digit(byte) != nil || byte == UInt8(ascii: "-") || byte == underscore else {
                return nil
            }
            count += 1
        }
        return count == secretTextCount ? PartitionID(partition) : nil
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

    private static let underscore = UInt8(ascii: "_")

    /// What a digit of base 62 stands for, in the order of `digits`.
    private static func digit(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(byte - UInt8(ascii: "A")) + 10
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(byte - UInt8(ascii: "a")) + 36
        default: nil
        }
    }
}
