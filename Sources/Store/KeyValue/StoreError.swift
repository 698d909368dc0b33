/// What went wrong below the key-value seam: the world's trouble, handed up to whoever can act.
/// Messages name files and families, never keys or values.
package struct StoreError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        /// Stored bytes fail their checksum or do not parse.
        case corruption
        /// The operating system refused a read, a write or a sync. After a failed sync: fatal.
        case ioError
        /// ENOSPC or a quota. Fatal on the log.
        case noSpace
        /// A file's header does not authenticate: the wrong data key, store or altered bytes.
        case wrongKey
        /// A file was written under a data key the key ring does not hold.
        case unknownEpoch
        /// A file in an encrypted store is not encrypted.
        case plaintext
        /// Another process holds the database, or the store is stalled.
        case busy
        /// The caller's mistake: an unknown family, a broken range, a refused option.
        case invalid
        case closed
        case notFound
    }

    package let code: Code
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { "\(code.rawValue): \(message)" }
}
