/// Why bytes are not acceptable JSON. Offsets count bytes from the start of the input.
package enum JSONError: Error, Hashable, Sendable {
    case tooLarge(limit: Int)
    case tooDeep(limit: Int)
    case tooManyValues(limit: Int)
    case truncated
    case unexpectedByte(at: Int)
    case invalidUTF8(at: Int)
    case controlCharacter(at: Int)
    case invalidEscape(at: Int)
    case loneSurrogate(at: Int)
    case invalidNumber(at: Int)
    case duplicateKey(at: Int)
    case trailingBytes(at: Int)
    /// The number has a fraction or is outside ±(2^53−1): canonical JSON cannot hold it.
    case notCanonical(at: Int)
    /// A JSON object was needed here.
    case notAnObject
}

extension JSONError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .tooLarge(let limit): "the JSON is longer than \(limit) bytes"
        case .tooDeep(let limit): "the JSON is nested deeper than \(limit) levels"
        case .tooManyValues(let limit): "the JSON holds more than \(limit) values"
        case .truncated: "the JSON ends too early"
        case .unexpectedByte(let offset): "unexpected byte at \(offset)"
        case .invalidUTF8(let offset): "invalid UTF-8 at byte \(offset)"
        case .controlCharacter(let offset): "unescaped control character at byte \(offset)"
        case .invalidEscape(let offset): "invalid escape at byte \(offset)"
        case .loneSurrogate(let offset): "unpaired surrogate at byte \(offset)"
        case .invalidNumber(let offset): "invalid number at byte \(offset)"
        case .duplicateKey(let offset): "duplicate key at byte \(offset)"
        case .trailingBytes(let offset): "bytes after the end of the JSON, at \(offset)"
        case .notCanonical(let offset):
            "the number at byte \(offset) is not an integer within ±(2^53-1)"
        case .notAnObject: "not a JSON object"
        }
    }
}

/// What a parse may cost. Beyond a limit it throws and has spent time linear in the limit.
package struct JSONLimits: Hashable, Sendable {
    /// Longest accepted input.
    package var bytes: Int
    /// Most arrays and objects inside one another; `[]` is one level.
    package var depth: Int
    /// Most values, keys included.
    package var values: Int

    package init(bytes: Int = 1 << 20, depth: Int = 64, values: Int = 250_000) {
        self.bytes = bytes
        self.depth = depth
        self.values = values
    }

    /// The deepest that anything of a client may be nested, whatever the configuration says.
    package static let acceptedDepthMax = 128

    /// For a text of a client: never so deep that it could not be read again once it is stored.
    package static func accepted(bytes: Int, depth: Int) -> JSONLimits {
        JSONLimits(bytes: bytes, depth: min(depth, acceptedDepthMax))
    }

    /// For what was checked when it came in. Twice as deep and far larger than what is accepted,
    /// for what is stored wraps it (rules in rule sets, tags in lists, content in events): it must
    /// always be read again.
    package static let stored = JSONLimits(
        bytes: 1 << 26,
        depth: 2 * acceptedDepthMax,
        values: 1 << 24
    )
}
