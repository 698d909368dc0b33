import Encryption

/// Unpredictable bytes from a 32-byte seed that the shell drew: SHA-256 in counter mode.
/// The same seed gives the same bytes, so that a simulated run repeats.
package struct RandomStream: Sendable {
    private var seed: [UInt8]
    private var counter: UInt64 = 0
    private var rest: ArraySlice<UInt8> = []

    /// - Parameter seed: at least 32 bytes, from the kernel in production.
    package init(seed: [UInt8]) {
        precondition(seed.count >= 32, "a seed has at least 32 bytes")
        self.seed = seed
    }

    package mutating func bytes(_ count: Int) -> [UInt8] {
        while rest.count < count {
            var block = seed
            withUnsafeBytes(of: counter.littleEndian) { block.append(contentsOf: $0) }
            counter += 1
            rest += Cipher.sha256(block)
        }
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    package mutating func number() -> UInt64 {
        bytes(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}
