import Encryption
import Testing

@Suite("Secret keys")
struct SecretKeyTests {
    private let bytes = Array("tell nobody about these 32 bytes".utf8)

    @Test("A key cannot be printed, dumped or reflected")
    func unprintable() {
        let secret = SecretKey(bytes)
        let holder = RoomKey(id: KeyID(4), epoch: 1, secret: secret)
        var dumped = ""
        dump(secret, to: &dumped)
        dump(holder, to: &dumped)
        dump(UserKey(id: KeyID(4), secret: secret), to: &dumped)
        dump(ContentKey(room: holder, user: UserKey(id: KeyID(4), secret: secret)), to: &dumped)
        let shown = "\(secret) \(String(reflecting: secret)) \(holder) \(dumped)"
        #expect(!shown.contains("tell"))
        #expect(!shown.contains("116"), "the first byte in decimal")
        #expect(Mirror(reflecting: secret).children.isEmpty)
    }

    @Test("A fingerprint is stable and says nothing of the bytes")
    func fingerprint() {
        let print = SecretKey(bytes).fingerprint
        #expect(print == SecretKey(bytes).fingerprint)
        #expect(print != SecretKey(counting(from: 0, 32)).fingerprint)
        #expect(print.bytes != Array(Cipher.sha256(bytes).prefix(8)))
        #expect(print.description.count == 16)
    }

    @Test("Thousands of keys come and go, and the memory for them is counted")
    func arena() {
        var keys: [SecretKey] = []
        for round in 0..<5000 {
            keys.append(SecretKey(counting(from: UInt8(truncatingIfNeeded: round), 32)))
            if round.isMultiple(of: 3) { keys.removeFirst() }
        }
        for key in keys { #expect(key.exposedBytes.count == 32) }
        let first = keys[0].exposedBytes
        #expect(first == counting(from: first[0], 32))
        let usage = SecretMemory.usage()
        #expect(usage.locked + usage.unlocked >= keys.count * 64)
    }

    @Test("Wiping empties an array")
    func wipe() {
        var copy = bytes
        Cipher.wipe(&copy)
        #expect(copy.isEmpty)
    }
}
