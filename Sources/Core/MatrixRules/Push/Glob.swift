/// A pattern of push rules: `*` stands for any number of characters, `?` for exactly one, the rest
/// for itself, whatever its case. Characters are Unicode scalars.
///
/// Matching takes time linear in the text, whatever the pattern: the states of the pattern's
/// automaton are bits of a few words, all advanced together by each character. A backtracking
/// matcher would let one user slow down every room they share with others.
package struct Glob: Sendable {
    /// Longer patterns are refused when a rule is added, unless told otherwise.
    package static let lengthMax = 256
    /// Longer patterns match nothing, whatever is told.
    package static let lengthEnd = 4_096

    /// Number of characters that must be read; the accepting state.
    private let length: Int
    /// Machine words that hold one bit for each state.
    private let words: Int
    /// Bit i: after i characters of the pattern, any character may be skipped.
    private let loops: [UInt64]
    /// For each ASCII character, `words` words; bit i: character i of the pattern accepts it.
    private let ascii: [UInt64]
    /// As `ascii`: first for every character not mentioned, then for those of `others`.
    private let beyond: [UInt64]
    /// Where the words of a character beyond ASCII begin in `beyond`.
    private let others: [Unicode.Scalar: Int]

    package init(_ pattern: String) {
        var tokens: [Unicode.Scalar?] = []
        var loopsAt: Set<Int> = []
        for scalar in pattern.unicodeScalars {
            switch scalar {
            case "*": loopsAt.insert(tokens.count)
            case "?": tokens.append(nil)
            default: tokens.append(folded(scalar))
            }
        }
        self.init(tokens, loopsAt)
    }

    /// A text in which `*` and `?` stand for themselves.
    package init(literal text: String) {
        self.init(text.unicodeScalars.map { folded($0) }, [])
    }

    package static func hasWildcards(_ pattern: String) -> Bool {
        pattern.utf8.contains { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?") }
    }

    /// - Parameters:
    ///   - tokens: the characters to read, nil for any.
    ///   - loopsAt: after how many of them others may be skipped.
    private init(_ tokens: [Unicode.Scalar?], _ loopsAt: Set<Int>) {
        length = tokens.count
        words = tokens.count / 64 + 1
        var loops = [UInt64](repeating: 0, count: words)
        for state in loopsAt { setBit(state, of: &loops, at: 0) }
        self.loops = loops

        // Rows of `beyond`: one for whatever is not named, then one for each character that is.
        var others: [Unicode.Scalar: Int] = [:]
        for case let token? in tokens where !token.isASCII && others[token] == nil {
            others[token] = (others.count + 1) * words
        }
        var ascii = [UInt64](repeating: 0, count: 128 * words)
        var beyond = [UInt64](repeating: 0, count: (others.count + 1) * words)
        for (state, token) in tokens.enumerated() {
            guard let token else {
                for row in 0..<128 { setBit(state, of: &ascii, at: row * words) }
                for row in 0...others.count { setBit(state, of: &beyond, at: row * words) }
                continue
            }
            if let row = others[token] {
                setBit(state, of: &beyond, at: row)
            } else {
                setBit(state, of: &ascii, at: Int(token.value) * words)
                if token.properties.isLowercase {
                    setBit(state, of: &ascii, at: Int(token.value ^ 0x20) * words)
                }
            }
        }
        self.ascii = ascii
        self.beyond = beyond
        self.others = others
    }

    /// Whether the pattern covers the whole text.
    package func matches(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { run(over: $0, wholeText: true) }
    }

    /// Whether the pattern covers some part of the text that starts and ends at a word boundary:
    /// the start or end of the text, or any character other than an ASCII letter, digit or `_`.
    package func matchesWord(in text: String) -> Bool {
        guard length > 0 || loops[0] != 0 else { return text.isEmpty }
        var text = text
        return text.withUTF8 { run(over: $0, wholeText: false) }
    }

    private func run(over text: UnsafeBufferPointer<UInt8>, wholeText: Bool) -> Bool {
        if words == 1 {
            var states = OneWord(loops: loops[0], accepting: UInt64(1) << UInt64(length))
            return run(over: text, wholeText: wholeText, &states)
        }
        var states = ManyWords(loops: loops, length: length)
        return run(over: text, wholeText: wholeText, &states)
    }

    @inline(__always)
    private func run(
        over text: UnsafeBufferPointer<UInt8>,
        wholeText: Bool,
        _ states: inout some GlobStates
    ) -> Bool {
        ascii.withUnsafeBufferPointer { ascii in
            beyond.withUnsafeBufferPointer { beyond in
                if wholeText || text.isEmpty { states.start() }
                var previousIsWord = false
                var position = 0
                while position < text.count {
                    let byte = text[position]
                    let isWord = isWordCharacter(byte)
                    if wholeText {
                        if states.isDead { return false }
                    } else if !isWord || !previousIsWord {
                        if states.isAccepting { return true }
                        states.start()
                    }
                    if byte < 0x80 {
                        states.advance(ascii, at: Int(byte) * words)
                        position += 1
                    } else {
                        let (scalar, width) = decode(text, at: position)
                        let row = self.row(of: scalar)
                        states.advance(row < 0 ? ascii : beyond, at: row < 0 ? ~row : row)
                        position += width
                    }
                    // A match that ends on a character outside words ends at a boundary.
                    if !wholeText, !isWord, states.isAccepting { return true }
                    previousIsWord = isWord
                }
                return states.isAccepting
            }
        }
    }

    /// Where the words of a character beyond ASCII begin, in `beyond`; or, complemented, in `ascii`
    /// for the few whose lower case is ASCII.
    @inline(never)
    private func row(of scalar: Unicode.Scalar) -> Int {
        let scalar = folded(scalar)
        return scalar.isASCII ? ~(Int(scalar.value) * words) : others[scalar] ?? 0
    }
}

/// The states a pattern may be in, as a set.
private protocol GlobStates {
    var isDead: Bool { get }
    var isAccepting: Bool { get }
    /// Adds the state before the first character.
    mutating func start()
    /// Reads a character, whose row in `accepts` begins at `offset`.
    mutating func advance(_ accepts: UnsafeBufferPointer<UInt64>, at offset: Int)
}

/// Patterns of up to 63 characters.
private struct OneWord: GlobStates {
    let loops: UInt64
    let accepting: UInt64
    var active: UInt64 = 0

    init(loops: UInt64, accepting: UInt64) {
        self.loops = loops
        self.accepting = accepting
    }

    @inline(__always) var isDead: Bool { active == 0 }
    @inline(__always) var isAccepting: Bool { active & accepting != 0 }
    @inline(__always) mutating func start() { active |= 1 }
    @inline(__always)
    mutating func advance(_ accepts: UnsafeBufferPointer<UInt64>, at offset: Int) {
        active = ((active & accepts[offset]) << 1) | (active & loops)
    }
}

private struct ManyWords: GlobStates {
    let loops: [UInt64]
    let length: Int
    var active: [UInt64]

    init(loops: [UInt64], length: Int) {
        self.loops = loops
        self.length = length
        active = [UInt64](repeating: 0, count: loops.count)
    }

    var isDead: Bool { active.allSatisfy { $0 == 0 } }
    var isAccepting: Bool { active[length / 64] >> UInt64(length % 64) & 1 == 1 }
    mutating func start() { active[0] |= 1 }
    mutating func advance(_ accepts: UnsafeBufferPointer<UInt64>, at offset: Int) {
        var carry: UInt64 = 0
        for word in active.indices {
            let moved = active[word] & accepts[offset + word]
            active[word] = (moved << 1) | carry | (active[word] & loops[word])
            carry = moved >> 63
        }
    }
}

/// Whether `text` in lower case is `lowercased`.
func equalsIgnoringCase(_ text: String, lowercased: String) -> Bool {
    text.utf8.count == lowercased.utf8.count && text == lowercased
        || text.lowercased() == lowercased
}

/// ASCII letters, digits and `_`.
@inline(__always)
private func isWordCharacter(_ byte: UInt8) -> Bool {
    let digits: UInt64 = 0x03FF_0000_0000_0000
    let letters: UInt64 = 0x07FF_FFFE_87FF_FFFE
    guard byte < 0x80 else { return false }
    return (byte < 64 ? digits >> UInt64(byte) : letters >> UInt64(byte & 63)) & 1 == 1
}

/// Lower case of one character. Letters whose lower case is several characters stand for themselves,
/// so that `?` always takes exactly one.
private func folded(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
    switch scalar.value {
    case 0x41...0x5A: return Unicode.Scalar(UInt8(scalar.value | 0x20))
    case 0..<0x80: return scalar
    // East Asian scripts have no case, and looking it up is slow.
    case 0x2E80...0xA63F: return scalar
    default:
        let lower = scalar.properties.lowercaseMapping.unicodeScalars
        return lower.count == 1 ? lower[lower.startIndex] : scalar
    }
}

/// Decodes a character beyond ASCII. The text is valid UTF-8, coming from a `String`.
@inline(__always)
private func decode(
    _ text: UnsafeBufferPointer<UInt8>,
    at position: Int
) -> (scalar: Unicode.Scalar, width: Int) {
    let first = UInt32(text[position])
    let width = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
    var value = first & (first < 0xE0 ? 0x1F : first < 0xF0 ? 0x0F : 0x07)
    for offset in 1..<width { value = value << 6 | UInt32(text[position + offset] & 0x3F) }
    return (Unicode.Scalar(value) ?? "\u{FFFD}", width)
}

private func setBit(_ bit: Int, of bits: inout [UInt64], at offset: Int) {
    bits[offset + bit / 64] |= UInt64(1) << UInt64(bit % 64)
}
