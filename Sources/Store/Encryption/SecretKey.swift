internal import CCipher

/// 32 secret bytes in a slot outside the Swift heap: kept out of core dumps, locked in memory
/// where the limit allows it, zeroed when the last holder lets go.
///
/// It cannot be printed, reflected, hashed or encoded; who needs the bytes asks for them in the
/// open, with `withUnsafeBytes` or `exposedBytes`. Copies share the slot.
package struct SecretKey: Sendable, CustomStringConvertible, CustomReflectable {
    package static let count = 32
    private let slot: SecretSlot

    /// Copies 32 bytes in. Wipe the source when it is yours.
    package init(_ bytes: ArraySlice<UInt8>) {
        precondition(bytes.count == SecretKey.count, "a key has 32 bytes, not \(bytes.count)")
        slot = SecretSlot()
        bytes.withUnsafeBytes {
            slot.address.copyMemory(from: $0.baseAddress!, byteCount: $0.count)
        }
    }

    package init(_ bytes: [UInt8]) { self.init(bytes[...]) }

    /// A key that a libcrypto call writes straight into the slot.
    init(_ fill: (UnsafeMutablePointer<UInt8>) -> Int32) {
        slot = SecretSlot()
        let done = fill(slot.address.assumingMemoryBound(to: UInt8.self))
        precondition(done == 1, "libcrypto needs no more than memory")
    }

    package func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(start: slot.address, count: SecretKey.count))
    }

    /// A copy on the Swift heap, for APIs that take nothing else. Hand it to `Cipher.wipe`.
    package var exposedBytes: [UInt8] { withUnsafeBytes { Array($0) } }

    /// HKDF-Expand with this key as the pseudo-random key.
    package func expanded(info: [UInt8]) -> SecretKey {
        withUnsafeBytes { prk in
            SecretKey { out in
                info.withUnsafeBytes {
                    warbler_hkdf_expand(
                        prk.baseAddress!.assumingMemoryBound(to: UInt8.self),
                        $0.baseAddress,
                        $0.count,
                        nil,
                        0,
                        out,
                        SecretKey.count
                    )
                }
            }
        }
    }

    /// Eight bytes that name a key without telling it: they go through HKDF under their own label.
    package var fingerprint: KeyFingerprint {
        let derived = Cipher.derive(from: self, info: "warbler/fingerprint/1")
        return .init(
            derived.withUnsafeBytes { Digest(of: Array($0)).bytes.prefix(KeyFingerprint.count) }
        )
    }

    package func isSame(as other: SecretKey) -> Bool {
        warbler_equal(slot.address, other.slot.address, SecretKey.count) == 1
    }

    package var description: String { "(secret)" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// Eight bytes that an operator may see, log and compare.
package struct KeyFingerprint: Hashable, Sendable, CustomStringConvertible {
    package static let count = 8
    package let bytes: [UInt8]

    package init(_ bytes: some Sequence<UInt8>) {
        self.bytes = Array(bytes)
        precondition(self.bytes.count == KeyFingerprint.count, "a fingerprint has 8 bytes")
    }

    /// Sixteen hexadecimal digits.
    package var description: String { hexadecimal(bytes) }
}

/// Owns one slot of the arena.
///
/// Unchecked: the slot is written once, before anybody else can hold it, and zeroed by the last
/// holder.
private final class SecretSlot: @unchecked Sendable {
    let address: UnsafeMutableRawPointer

    init() { address = warbler_secret_take() }
    deinit { warbler_secret_give(address) }
}

/// How much of the memory for keys is locked, in bytes, for `warbler doctor`.
package struct SecretMemory: Sendable, Equatable {
    package let locked: Int
    package let unlocked: Int

    package static func usage() -> SecretMemory {
        var locked = 0
        var unlocked = 0
        warbler_secret_usage(&locked, &unlocked)
        return SecretMemory(locked: locked, unlocked: unlocked)
    }
}
