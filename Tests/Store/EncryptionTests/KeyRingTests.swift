import Encryption
import Primitives
import Testing

@Suite("Key ring")
struct KeyRingTests {
    private let root = SecretKey(counting(from: 1, 32))
    private let other = SecretKey(counting(from: 2, 32))
    private let nonce = counting(from: 50, 12)
    private let ring: KeyRing

    init() {
        ring = KeyRing.create(root: root, milliseconds: 1000, random: Seeded(seed: 1).bytes)
    }

    private func code(_ body: () throws -> Void) -> KeyError.Code? {
        do { try body() } catch { return (error as? KeyError)?.code }
        return nil
    }

    @Test("What was written opens with the root key")
    func roundTrip() throws {
        let opened = try KeyRing(opening: ring.encoded(nonce: nonce), root: root)
        #expect(opened.ringID == ring.ringID && opened.storeID == ring.storeID)
        #expect(opened.generation == 1)
        for kind in KeyKind.allCases {
            #expect(opened.current(kind).secret.isSame(as: ring.current(kind).secret))
            #expect(opened.current(kind).createdMilliseconds == 1000)
        }
    }

    @Test("A wrong root is refused by name, with the fingerprints of the slots")
    func wrongRoot() {
        let file = ring.encoded(nonce: nonce)
        do {
            _ = try KeyRing(opening: file, root: other)
            Issue.record("a wrong root key opened the ring")
        } catch {
            #expect(error.code == .wrongRoot)
            #expect(error.message.contains(root.fingerprint.description))
            #expect(error.message.contains(other.fingerprint.description))
            #expect(error.exitStatus == 78)
        }
    }

    @Test("Every flipped bit and every shorter file is damage, never other keys")
    func flipped() {
        let file = ring.encoded(nonce: nonce)
        for changed in flips(of: file) {
            #expect(code { _ = try KeyRing(opening: changed, root: root) } == .ringDamaged)
        }
        for count in 0..<file.count {
            let cut = Array(file.prefix(count))
            #expect(code { _ = try KeyRing(opening: cut, root: root) } == .ringDamaged)
        }
    }

    @Test("Every flipped bit is refused even by one who can mend the checksum")
    func forged() {
        let file = ring.encoded(nonce: nonce)
        let body = Array(file.dropLast(32))
        for changed in flips(of: body) {
            let forged = changed + Cipher.sha256(changed)
            #expect(code { _ = try KeyRing(opening: forged, root: root) } != nil)
        }
    }

    @Test("Rotation adds an epoch and keeps the old ones")
    func rotation() throws {
        let random = Seeded(seed: 2).bytes
        let next = ring.rotating(.data, milliseconds: 2000, random: random)
        let opened = try KeyRing(opening: next.encoded(nonce: nonce), root: root)
        #expect(opened.generation == 2)
        #expect(opened.epochs(of: .data) == [1, 2])
        #expect(opened.epochs(of: .wrap) == [1])
        #expect(opened.current(.data).epoch == 2)
        #expect(try opened.key(.data, epoch: 1).isSame(as: ring.current(.data).secret))
        #expect(code { _ = try opened.key(.data, epoch: 3) } == .unknownEpoch)
        #expect(code { _ = try opened.dropping(.data, epoch: 2) } == .ringRefused)
        let dropped = try opened.dropping(.data, epoch: 1)
        #expect(dropped.epochs(of: .data) == [2])
        #expect(code { _ = try dropped.key(.data, epoch: 1) } == .unknownEpoch)
    }

    @Test("A change of root: add, promote, drop; each step opens with what it promises")
    func changeOfRoot() throws {
        let random = Seeded(seed: 3).bytes
        func opens(_ ring: KeyRing, _ root: SecretKey) -> Bool {
            (try? KeyRing(opening: ring.encoded(nonce: nonce), root: root)) != nil
        }
        let added = try ring.addingNextRoot(other, random: random)
        #expect(opens(added, root) && opens(added, other))
        #expect(added.slot(.current)?.fingerprint == root.fingerprint)
        let promoted = try added.promotingRoot()
        #expect(opens(promoted, root) && opens(promoted, other))
        #expect(promoted.slot(.current)?.fingerprint == other.fingerprint)
        let dropped = try promoted.droppingOldRoot(current: other, random: random)
        #expect(!opens(dropped, root) && opens(dropped, other))
        #expect(dropped.slots.count == 1 && dropped.generation == 4)
        #expect(dropped.current(.data).secret.isSame(as: ring.current(.data).secret))
    }

    @Test("Steps out of order are refused")
    func outOfOrder() throws {
        let random = Seeded(seed: 4).bytes
        #expect(code { _ = try ring.promotingRoot() } == .ringRefused)
        #expect(code { _ = try ring.addingNextRoot(root, random: random) } == .ringRefused)
        #expect(
            code { _ = try ring.droppingOldRoot(current: root, random: random) } == .ringRefused
        )
        let added = try ring.addingNextRoot(other, random: random)
        let third = SecretKey(counting(from: 3, 32))
        #expect(code { _ = try added.addingNextRoot(third, random: random) } == .ringRefused)
        #expect(
            code { _ = try added.droppingOldRoot(current: other, random: random) } == .wrongRoot
        )
    }

    @Test("Keys of different kinds and epochs all differ")
    func separation() {
        var ring = ring
        let random = Seeded(seed: 5).bytes
        for kind in KeyKind.allCases {
            ring = ring.rotating(kind, milliseconds: 1, random: random)
        }
        let all = Set(ring.keys.map { $0.secret.exposedBytes })
        #expect(all.count == 8)
    }
}

/// Repeatable bytes for tests.
final class Seeded {
    private var generator: SeededGenerator
    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }
    func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
    }
}
