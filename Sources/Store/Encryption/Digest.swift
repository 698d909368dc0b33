internal import CCipher

/// A SHA-256 value held in place: no allocation, fit to be a dictionary key or a field.
package struct Digest: Hashable, Sendable, CustomStringConvertible {
    package static let count = 32
    private let words: InlineWords

    private struct InlineWords: Hashable, Sendable {
        var a: UInt64 = 0
        var b: UInt64 = 0
        var c: UInt64 = 0
        var d: UInt64 = 0
    }

    private init(words: InlineWords) { self.words = words }

    /// 32 zero bytes: what stands before the first record of a chain.
    package static let zero = Digest(words: InlineWords())

    /// The first 32 bytes of `bytes`, which must hold that many.
    package init(_ bytes: ArraySlice<UInt8>) {
        precondition(bytes.count == Digest.count, "a digest has 32 bytes, not \(bytes.count)")
        var words = InlineWords()
        bytes.withUnsafeBytes { source in
            withUnsafeMutableBytes(of: &words) { $0.copyMemory(from: source) }
        }
        self.words = words
    }

    package init(_ bytes: [UInt8]) { self.init(bytes[...]) }

    /// SHA-256 of `first` followed by `second`.
    package init(of first: ArraySlice<UInt8>, then second: ArraySlice<UInt8> = []) {
        var words = InlineWords()
        let done = first.withUnsafeBytes { first in
            second.withUnsafeBytes { second in
                withUnsafeMutableBytes(of: &words) {
                    warbler_sha256(
                        first.baseAddress,
                        first.count,
                        second.baseAddress,
                        second.count,
                        $0.baseAddress!.assumingMemoryBound(to: UInt8.self)
                    )
                }
            }
        }
        precondition(done == 1, "SHA-256 needs no more than memory")
        self.words = words
    }

    package init(of bytes: [UInt8]) { self.init(of: bytes[...]) }

    /// SHA-256 of this value followed by `bytes`: one link of a hash chain.
    package func chained(with bytes: ArraySlice<UInt8>) -> Digest {
        var words = InlineWords()
        let done = withUnsafeBytes { own in
            bytes.withUnsafeBytes { bytes in
                Swift.withUnsafeMutableBytes(of: &words) {
                    warbler_sha256(
                        own.baseAddress,
                        own.count,
                        bytes.baseAddress,
                        bytes.count,
                        $0.baseAddress!.assumingMemoryBound(to: UInt8.self)
                    )
                }
            }
        }
        precondition(done == 1, "SHA-256 needs no more than memory")
        return Digest(words: words)
    }

    package var bytes: [UInt8] { withUnsafeBytes { Array($0) } }

    package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        Swift.withUnsafeBytes(of: words) { body($0) }
    }

    /// Hexadecimal, 64 digits.
    package var description: String { hexadecimal(bytes) }
}

/// SHA-256 piece by piece, for what does not fit in memory at once.
package struct DigestBuilder: ~Copyable {
    private let state: OpaquePointer

    package init() {
        guard let state = warbler_sha256_begin() else { preconditionFailure("no memory left") }
        self.state = state
    }

    deinit { warbler_sha256_drop(state) }

    package mutating func update(_ bytes: ArraySlice<UInt8>) {
        let done = bytes.withUnsafeBytes {
            warbler_sha256_update(state, $0.baseAddress, $0.count)
        }
        precondition(done == 1, "SHA-256 needs no more than memory")
    }

    package mutating func update(_ bytes: [UInt8]) { update(bytes[...]) }

    package consuming func finish() -> Digest {
        var out = [UInt8](repeating: 0, count: Digest.count)
        let done = warbler_sha256_finish(state, &out)
        discard self
        precondition(done == 1, "SHA-256 needs no more than memory")
        return Digest(out)
    }
}

/// Lower-case hexadecimal, two digits per byte.
func hexadecimal(_ bytes: some Collection<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count * 2)
    for byte in bytes {
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
}
