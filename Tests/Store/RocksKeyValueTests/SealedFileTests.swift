import KeyValue
import RocksKeyValue
import Testing

@Suite("A sealed file opens whole or not at all")
struct SealedFileTests {
    private static let sizes = [0, 1, 100, 65_535, 65_536, 65_537, 131_072, 200_001]

    private static func content(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
    }

    @Test("What was sealed is opened, at every size", arguments: sizes)
    func roundTrip(_ count: Int) throws {
        let ring = try keyring()
        let plain = Self.content(count)
        let sealed = try ring.seal(plain, as: .media)
        #expect(sealed.count == DataKeyring.sealedSize(of: count))
        #expect(try ring.open(sealed, as: .media) == plain)
        #expect(try ring.seal(plain, as: .media) != sealed, "each file has its own key")
    }

    @Test("Altered, cut, extended, reordered or moved to another class: corruption")
    func tampering() throws {
        let ring = try keyring()
        let plain = Self.content(150_000)
        let sealed = try ring.seal(plain, as: .audit)
        let frame = 65_536 + 16
        for position in stride(from: 4096, to: sealed.count, by: 1013) {
            var bad = sealed
            bad[position] ^= 1
            #expect(try code { _ = try ring.open(bad, as: .audit) } == .corruption)
        }
        for length in [0, 1, 4095, 4096, 4111, 4096 + frame, 4096 + 2 * frame, sealed.count - 1] {
            let bad = Array(sealed[..<length])
            #expect(try code { _ = try ring.open(bad, as: .audit) } == .corruption, "\(length)")
        }
        #expect(try code { _ = try ring.open(sealed + [0], as: .audit) } == .corruption)
        var swapped = sealed
        swapped.replaceSubrange(4096..<4096 + frame, with: sealed[4096 + frame..<4096 + 2 * frame])
        swapped.replaceSubrange(4096 + frame..<4096 + 2 * frame, with: sealed[4096..<4096 + frame])
        #expect(try code { _ = try ring.open(swapped, as: .audit) } == .corruption)
        #expect(try code { _ = try ring.open(sealed, as: .media) } == .corruption)
        var header = sealed
        header[72] = FileClass.media.rawValue
        #expect(try code { _ = try ring.open(header, as: .media) } == .wrongKey)
    }

    @Test("The wrong key, epoch or no header at all have their own names")
    func keys() throws {
        let sealed = try keyring().seal(bytes("secret"), as: .spool)
        #expect(try code { _ = try keyring(keySeed: 3).open(sealed, as: .spool) } == .wrongKey)
        #expect(try code { _ = try keyring(store: 3).open(sealed, as: .spool) } == .wrongKey)
        #expect(
            try code { _ = try keyring(epochs: [5]).open(sealed, as: .spool) } == .unknownEpoch
        )
        let text = [UInt8](repeating: 0x41, count: 5000)
        #expect(try code { _ = try keyring().open(text, as: .spool) } == .plaintext)
    }

    @Test("Written in pieces and read by frames it is the same file", arguments: sizes)
    func streaming(_ count: Int) throws {
        let ring = try keyring()
        let plain = Self.content(count)
        for piece in [1000, 65_536, 100_000] {
            var file: [UInt8] = []
            var writer = try SealedFileWriter(ring, as: .media, header: &file)
            var start = 0
            while start < plain.count {
                let end = min(start + piece, plain.count)
                file += try writer.append(plain[start..<end])
                start = end
            }
            file += try writer.finish()
            #expect(try ring.open(file, as: .media) == plain)

            let reader = try SealedFileReader(
                ring,
                as: .media,
                header: Array(file[..<4096]),
                fileBytes: file.count
            )
            #expect(reader.count == count)
            var read: [UInt8] = []
            for number in (0..<reader.frameCount).reversed() {
                let range = reader.range(ofFrame: number)
                read = try reader.open(frame: number, Array(file[range])) + read
            }
            #expect(read == plain)
        }
    }
}
