internal import CCipher

/// Randomness fit for keys, salts and nonces, from the kernel.
package enum Entropy {
    /// `count` random bytes. Blocks only until the machine has gathered its first entropy.
    package static func bytes(_ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: max(1, count)) { buffer, initialized in
            precondition(
                warbler_getrandom(buffer.baseAddress, count) == 1,
                "the kernel has getrandom"
            )
            initialized = count
        }
    }

    package static func u64() -> UInt64 {
        bytes(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}
