import Crypto

/// This server's Ed25519 key and the identifier others look it up by.
package struct SigningKey: Sendable {
    /// `ed25519:version`.
    package let keyID: String
    private let key: Curve25519.Signing.PrivateKey

    /// - Parameters:
    ///   - version: what follows `ed25519:`; letters, digits and underscores.
    ///   - seed: 32 bytes from a secure source.
    /// - Returns: nil for another length or a version outside the grammar.
    package init?(version: String, seed: [UInt8]) {
        guard seed.count == 32, !version.isEmpty, version.utf8.allSatisfy(Self.isVersionByte),
            let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed)
        else { return nil }
        keyID = "ed25519:" + version
        self.key = key
    }

    /// 32 bytes.
    package var publicKey: [UInt8] { Array(key.publicKey.rawRepresentation) }

    /// 64 bytes. The same message gives the same signature (RFC 8032), but on Apple platforms.
    package func sign(_ message: [UInt8]) throws(EventError) -> [UInt8] {
        do {
            return Array(try key.signature(for: message))
        } catch {
            throw .signingFailed
        }
    }

    private static func isVersionByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}

extension SigningKey: CustomStringConvertible, CustomReflectable {
    /// The identifier only: the key must not reach a log by way of a description.
    package var description: String { keyID }
    package var customMirror: Mirror { Mirror(self, children: ["keyID": keyID]) }
}

/// The public half of somebody's Ed25519 key.
package struct VerifyKey: Sendable {
    private let key: Curve25519.Signing.PublicKey

    /// - Returns: nil when the bytes are not 32.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count == 32,
            let key = try? Curve25519.Signing.PublicKey(rawRepresentation: bytes)
        else { return nil }
        self.key = key
    }

    package func isValid(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        signature.count == 64 && key.isValidSignature(signature, for: message)
    }
}

/// SHA-256 of bytes, 32 bytes.
package func sha256(_ bytes: [UInt8]) -> [UInt8] {
    var hash = SHA256()
    bytes.withUnsafeBytes { hash.update(bufferPointer: $0) }
    return Array(hash.finalize())
}

/// Signing of JSON objects (appendices, "Signing JSON").
package enum JSONSigning {
    /// The bytes a signature covers: canonical, without `signatures` and `unsigned`.
    package static func signedBytes(of object: JSONView) throws(JSONError) -> [UInt8] {
        try object.canonical(omitting: ["signatures", "unsigned"])
    }

    /// True when the object carries a signature of `name` with `keyID` that `key` made.
    package static func isSigned(
        _ object: JSONView,
        by name: String,
        keyID: String,
        key: VerifyKey
    ) -> Bool {
        guard let text = object["signatures"]?[name]?[keyID]?.stringBytes,
            let signature = Base64.decode(text),
            let message = try? signedBytes(of: object)
        else { return false }
        return key.isValid(signature, of: message)
    }
}
