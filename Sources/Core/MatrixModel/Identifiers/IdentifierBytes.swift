/// Identifiers are compared byte by byte. `String`'s own `==` and `<` are not used: they take
/// different spellings of one character for equal, and Matrix does not.
extension String {
    func sameBytes(as other: String) -> Bool {
        let a = utf8
        let b = other.utf8
        guard a.count == b.count else { return false }
        let fast = a.withContiguousStorageIfAvailable { left in
            b.withContiguousStorageIfAvailable { right in
                UnsafeRawBufferPointer(left).sameBytes(as: UnsafeRawBufferPointer(right))
            }
        }
        return (fast ?? nil) ?? a.elementsEqual(b)
    }

    func precedesInBytes(_ other: String) -> Bool {
        utf8.lexicographicallyPrecedes(other.utf8)
    }

    func hashBytes(into hasher: inout Hasher) {
        let isDone: Void? = utf8.withContiguousStorageIfAvailable {
            hasher.combine(bytes: UnsafeRawBufferPointer($0))
        }
        if isDone == nil { Array(utf8).withUnsafeBytes { hasher.combine(bytes: $0) } }
    }
}

extension UnsafeRawBufferPointer {
    func sameBytes(as other: UnsafeRawBufferPointer) -> Bool {
        var offset = 0
        while offset + 8 <= count {
            guard
                loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                    == other.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            else { return false }
            offset += 8
        }
        while offset < count {
            guard self[offset] == other[offset] else { return false }
            offset += 1
        }
        return true
    }
}

extension String {
    /// What follows the first byte, which is an ASCII sigil.
    var withoutSigil: Substring { self[utf8.index(after: startIndex)...] }
}

/// What all identifiers share: a checked text, compared and ordered by its UTF-8 bytes.
package protocol MatrixIdentifier: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The whole identifier, sigil included.
    var raw: String { get }
    /// Nil when the text breaks the grammar or is longer than 255 bytes.
    init?(_ text: String)
    /// Takes a text that was checked before, as one read back from the store.
    init(trusted text: String)
}

extension MatrixIdentifier {
    package var description: String { raw }
    package static func == (a: Self, b: Self) -> Bool { a.raw.sameBytes(as: b.raw) }
    package static func < (a: Self, b: Self) -> Bool { a.raw.precedesInBytes(b.raw) }
    package func hash(into hasher: inout Hasher) { raw.hashBytes(into: &hasher) }
}

/// Longest identifier in bytes, sigil and domain included (appendices, "Identifier Grammar").
let identifierBytesMax = 255

extension UnsafeBufferPointer<UInt8> {
    /// Where the colon of `&localpart:domain` stands; nil when the text is too long, begins with
    /// another sigil, has a NUL in the localpart or no server name after the colon.
    func colonOfIdentifier(sigil: UInt8) -> Int? {
        guard count <= identifierBytesMax, first == sigil,
            let colon = firstIndex(of: UInt8(ascii: ":")), !self[..<colon].contains(0),
            ServerName.isValid(UnsafeBufferPointer(rebasing: self[(colon + 1)...]))
        else { return nil }
        return colon
    }
}

/// The two parts of a checked `&localpart:domain`; nil when there is no colon.
func splitIdentifier(_ text: String) -> (localpart: Substring, server: Substring)? {
    guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else { return nil }
    // Not `dropFirst`: a combining mark after the sigil would go with it.
    return (text.withoutSigil[..<colon], text[text.utf8.index(after: colon)...])
}
