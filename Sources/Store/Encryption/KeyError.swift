/// Why keys are not at hand: a code an operator can look up, what happened, and the way out.
///
/// The codes are listed in `Specs/Formats/Keyring.md` and are never given a second meaning.
package struct KeyError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        /// The root key is missing, unreadable or not a key.
        case rootUnavailable = "E-KEY-001"
        /// The root key's file can be read by others.
        case rootExposed = "E-KEY-002"
        /// The root key lies on the file system it protects.
        case rootBesideData = "E-KEY-003"
        /// No slot of the key ring opens with this root key. The data is untouched.
        case wrongRoot = "E-KEY-010"
        /// Both generations of the key ring are damaged.
        case ringDamaged = "E-KEY-011"
        /// The key ring is older than one this node has already used.
        case ringRolledBack = "E-KEY-012"
        /// There is no key ring where one is expected, or one where none may be.
        case ringMissing = "E-KEY-013"
        /// A change of the key ring that its present state does not allow.
        case ringRefused = "E-KEY-014"
        /// The files of the key ring cannot be read, written or locked.
        case ringUnusable = "E-KEY-015"
        /// A file or row names an epoch whose key is not in the ring.
        case unknownEpoch = "E-KEY-020"
        /// A file without encryption in an encrypted store.
        case plaintextFile = "E-KEY-021"
        /// The provider of the root key does not answer.
        case providerUnreachable = "E-KEY-030"
        /// A content key is absent, and nobody asked for that.
        case contentKeyAbsent = "E-KEY-050"
    }

    package let code: Code
    package let message: String
    package let remedy: String

    package init(_ code: Code, _ message: String, remedy: String) {
        self.code = code
        self.message = message
        self.remedy = remedy
    }

    /// What the process exits with: 75 (try again) when a provider is away, else 78
    /// (configuration), as in sysexits.h.
    package var exitStatus: Int32 { code == .providerUnreachable ? 75 : 78 }

    package var description: String { "\(code.rawValue): \(message) (\(remedy))" }
}
