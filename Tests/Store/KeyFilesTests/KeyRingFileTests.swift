import Encryption
import Glibc
import KeyFiles
import Testing

@Suite("Key ring files")
struct KeyRingFileTests {
    private let directory = TemporaryDirectory()
    private let root = SecretKey([UInt8](repeating: 1, count: 32))
    private let other = SecretKey([UInt8](repeating: 2, count: 32))
    private var file: KeyRingFile { KeyRingFile(directory: directory.path) }

    private func code(_ body: () throws -> Void) -> KeyError.Code? {
        do { try body() } catch { return (error as? KeyError)?.code }
        return nil
    }

    @Test("A new ring is written once and loaded with its root")
    func create() throws {
        #expect(!file.exists)
        #expect(code { _ = try file.load(root: root) } == .ringMissing)
        let ring = try file.create(root: root, milliseconds: 5)
        let loaded = try file.load(root: root)
        #expect(loaded.ring.ringID == ring.ringID && !loaded.isPrevious)
        #expect(code { _ = try file.create(root: root, milliseconds: 6) } == .ringMissing)
        #expect(try file.load(root: root).ring.ringID == ring.ringID)
        #expect(try file.preamble().generation == 1)
        var status = stat()
        stat(directory.file("KEYRING"), &status)
        #expect(status.st_mode & 0o777 == 0o600)
    }

    @Test("The root key is in no file, in no form")
    func rootNotStored() throws {
        let key = Entropy.bytes(32)
        _ = try file.create(root: SecretKey(key), milliseconds: 5)
        _ = try file.rotate(.data, root: SecretKey(key), milliseconds: 6)
        for name in directory.names {
            let bytes = try #require(directory.read(name))
            #expect(!contains(bytes, key))
            #expect(!contains(bytes, RootKeyText.encode(key).dropLast()))
        }
    }

    @Test("No key of the ring lies open in its file")
    func keysNotStored() throws {
        let ring = try file.create(root: root, milliseconds: 5)
        let bytes = try #require(directory.read("KEYRING"))
        for key in ring.keys { #expect(!contains(bytes, key.secret.exposedBytes)) }
    }

    @Test("A wrong root is refused and the files stay as they are, byte for byte")
    func wrongRoot() throws {
        _ = try file.create(root: root, milliseconds: 5)
        _ = try file.rotate(.data, root: root, milliseconds: 6)
        let before = (directory.read("KEYRING"), directory.read("KEYRING.prev"))
        #expect(code { _ = try file.load(root: other) } == .wrongRoot)
        #expect(code { _ = try file.rotate(.data, root: other, milliseconds: 7) } == .wrongRoot)
        #expect(directory.read("KEYRING") == before.0)
        #expect(directory.read("KEYRING.prev") == before.1)
    }

    @Test("A damaged or missing ring falls back to the generation before, and says so")
    func fallBack() throws {
        _ = try file.create(root: root, milliseconds: 5)
        _ = try file.rotate(.data, root: root, milliseconds: 6)
        let bytes = try #require(directory.read("KEYRING"))
        for damaged in [[], Array(bytes.dropLast()), bytes.dropLast() + [bytes.last! ^ 1]] {
            directory.write("KEYRING", damaged)
            let loaded = try file.load(root: root)
            #expect(loaded.isPrevious && loaded.ring.generation == 1)
            #expect(loaded.warnings.map(\.code) == [.ringDamaged])
        }
        unlink(directory.file("KEYRING"))
        #expect(try file.load(root: root).warnings.map(\.code) == [.ringMissing])
        #expect(
            code { _ = try file.load(root: root, minimumGeneration: 2) } == .ringRolledBack
        )
        #expect(code { _ = try file.load(root: other) } == .wrongRoot)
        directory.write("KEYRING.prev", [1, 2, 3])
        directory.write("KEYRING", [1, 2, 3])
        #expect(code { _ = try file.load(root: root) } == .ringDamaged)
    }

    @Test("A change over a damaged ring does not push the good generation out")
    func damagedNotKept() throws {
        _ = try file.create(root: root, milliseconds: 5)
        _ = try file.rotate(.data, root: root, milliseconds: 6)
        let good = directory.read("KEYRING.prev")
        directory.write("KEYRING", [0, 0, 0])
        _ = try file.rotate(.mac, root: root, milliseconds: 7)
        #expect(directory.read("KEYRING.prev") == good)
        #expect(try file.load(root: root).ring.epochs(of: .mac) == [1, 2])
    }

    @Test("Every state a crash can leave between two generations opens")
    func crashStates() throws {
        _ = try file.create(root: root, milliseconds: 5)
        let first = try #require(directory.read("KEYRING"))
        _ = try file.rotate(.data, root: root, milliseconds: 6)
        let second = try #require(directory.read("KEYRING"))
        let states: [[String: [UInt8]]] = [
            ["KEYRING": first, "KEYRING.new": Array(second.prefix(40))],
            ["KEYRING": first, "KEYRING.new": second],
            ["KEYRING": first, "KEYRING.new": second, "KEYRING.old": first],
            ["KEYRING": first, "KEYRING.prev": first, "KEYRING.new": second],
            ["KEYRING": second, "KEYRING.prev": first],
        ]
        for state in states {
            for name in directory.names { unlink(directory.file(name)) }
            for (name, bytes) in state { directory.write(name, bytes) }
            #expect(!(try file.load(root: root).isPrevious))
            _ = try file.rotate(.data, root: root, milliseconds: 8)
            #expect(try file.load(root: root).ring.generation >= 2)
        }
    }

    @Test("A new ring is in both files: damage to one costs no key")
    func newRingTwice() throws {
        let ring = try file.create(root: root, milliseconds: 5)
        directory.write("KEYRING", [0, 0, 0])
        let loaded = try file.load(root: root)
        #expect(loaded.isPrevious && loaded.ring.ringID == ring.ringID)
        #expect(loaded.ring.epochs(of: .data) == ring.epochs(of: .data))
    }

    @Test("What a start drops, or not, leaves both files with the same epochs")
    func mendsPrevious() throws {
        _ = try file.create(root: root, milliseconds: 5)
        // As a crash between the two files leaves it.
        let ring = try file.rotate(.data, root: root, milliseconds: 6)
        func previous() throws -> [UInt32] {
            try KeyRing(opening: try #require(directory.read("KEYRING.prev")), root: root)
                .epochs(of: .data)
        }
        #expect(try previous() == [1])
        #expect(try file.drop(.wrap, before: 1, root: root).generation == ring.generation)
        #expect(try previous() == [1, 2])
        let before = (directory.read("KEYRING"), directory.read("KEYRING.prev"))
        _ = try file.drop(.wrap, before: 1, root: root)
        #expect(directory.read("KEYRING") == before.0 && directory.read("KEYRING.prev") == before.1)
        unlink(directory.file("KEYRING.prev"))
        _ = try file.drop(.wrap, before: 1, root: root)
        #expect(try previous() == [1, 2])
    }

    @Test("Rotation, dropping and a whole change of root, on disk")
    func changes() throws {
        _ = try file.create(root: root, milliseconds: 5)
        let rotated = try file.rotate(.data, root: root, milliseconds: 6)
        #expect(rotated.current(.data).epoch == 2)
        _ = try file.drop(.data, epochs: [1], root: root)
        #expect(try file.load(root: root).ring.epochs(of: .data) == [2])
        let previous = try KeyRing(
            opening: try #require(directory.read("KEYRING.prev")),
            root: root
        )
        #expect(previous.epochs(of: .data) == [2], "the dropped key is in neither file")
        _ = try file.addNextRoot(other, root: root)
        _ = try file.promoteRoot(root: root)
        #expect(try file.load(root: other).ring.current(.data).epoch == 2)
        #expect(code { _ = try file.dropOldRoot(root: root) } == .wrongRoot)
        _ = try file.dropOldRoot(root: other)
        #expect(code { _ = try file.load(root: root) } == .wrongRoot)
        unlink(directory.file("KEYRING"))
        #expect(code { _ = try file.load(root: root) } == .wrongRoot, "nor the one before")
        #expect(try file.load(root: other).ring.epochs(of: .data) == [2])
    }

    @Test("Old wrap epochs leave both files, whatever a crash left of an earlier attempt")
    func dropBefore() throws {
        _ = try file.create(root: root, milliseconds: 5)
        let first = try #require(directory.read("KEYRING"))
        _ = try file.rotate(.wrap, root: root, milliseconds: 6, inBoth: true)
        let rotated = try #require(directory.read("KEYRING"))
        let previous = try #require(directory.read("KEYRING.prev"))
        #expect(try KeyRing(opening: previous, root: root).epochs(of: .wrap) == [1, 2])
        let secret = try KeyRing(opening: rotated, root: root).key(.wrap, epoch: 2)
        #expect(try file.drop(.wrap, before: 2, root: root).epochs(of: .wrap) == [2])
        let dropped = try #require(directory.read("KEYRING"))
        let states: [[String: [UInt8]]] = [
            ["KEYRING": dropped, "KEYRING.prev": dropped],
            ["KEYRING": rotated, "KEYRING.prev": [0, 0, 0]],
            ["KEYRING": rotated, "KEYRING.prev": first, "KEYRING.new": dropped],
            ["KEYRING": dropped, "KEYRING.prev": rotated],
            ["KEYRING": dropped, "KEYRING.prev": [0, 0, 0]],
            ["KEYRING": dropped, "KEYRING.prev": rotated, "KEYRING.new": dropped],
            ["KEYRING": dropped, "KEYRING.prev": dropped, "KEYRING.old": rotated],
            ["KEYRING": dropped],
        ]
        for state in states {
            for name in directory.names { unlink(directory.file(name)) }
            for (name, bytes) in state { directory.write(name, bytes) }
            let ring = try file.drop(.wrap, before: 2, root: root)
            #expect(ring.epochs(of: .wrap) == [2])
            #expect(try ring.key(.wrap, epoch: 2).exposedBytes == secret.exposedBytes)
            for name in directory.names where name != "KEYRING.lock" {
                let bytes = try #require(directory.read(name))
                let held = try KeyRing(opening: bytes, root: root)
                #expect(held.epochs(of: .wrap) == [2], "\(name) of \(state.keys.sorted())")
            }
        }
        #expect(code { _ = try file.drop(.wrap, before: 3, root: root) } == .ringRefused)
        let before = directory.read("KEYRING")
        _ = try file.drop(.wrap, before: 2, root: root)
        #expect(directory.read("KEYRING") == before, "nothing was left to drop")
    }

    @Test("What only the newest generation holds is not written over when its file is damaged")
    func damagedWhileInUse() throws {
        _ = try file.create(root: root, milliseconds: 5)
        let inUse = try file.rotate(.data, root: root, milliseconds: 6)
        directory.write("KEYRING", [0, 0, 0])
        let previous = directory.read("KEYRING.prev")
        let minimum = inUse.generation
        #expect(
            code {
                _ = try file.rotate(
                    .wrap,
                    root: root,
                    milliseconds: 7,
                    minimumGeneration: minimum
                )
            } == .ringRolledBack
        )
        #expect(
            code {
                _ = try file.drop(.wrap, before: 1, root: root, minimumGeneration: minimum)
            } == .ringRolledBack
        )
        #expect(directory.read("KEYRING") == [0, 0, 0])
        #expect(directory.read("KEYRING.prev") == previous)
    }

    @Test("An epoch that is in both files outlives damage to either")
    func damagedAfterBoth() throws {
        _ = try file.create(root: root, milliseconds: 5)
        let inUse = try file.rotate(.data, root: root, milliseconds: 6, inBoth: true)
        directory.write("KEYRING", [0, 0, 0])
        let next = try file.rotate(
            .wrap,
            root: root,
            milliseconds: 7,
            minimumGeneration: inUse.generation,
            inBoth: true
        )
        #expect(next.epochs(of: .data) == [1, 2] && next.epochs(of: .wrap) == [1, 2])
        directory.write("KEYRING.prev", [0, 0, 0])
        let loaded = try file.load(root: root)
        #expect(loaded.ring.epochs(of: .data) == [1, 2])
        #expect(
            try loaded.ring.key(.data, epoch: 2).exposedBytes
                == inUse.key(.data, epoch: 2).exposedBytes
        )
    }

    @Test("No generation is left on the blocks of a file that went")
    func blocks() throws {
        _ = try file.create(root: root, milliseconds: 5)
        _ = try file.rotate(.data, root: root, milliseconds: 6)
        // Other names of the same files, which show their blocks when the ring's names are gone.
        directory.write("KEYRING.old", try #require(directory.read("KEYRING")))
        for name in ["KEYRING", "KEYRING.prev", "KEYRING.old"] {
            #expect(link(directory.file(name), directory.file("blocks of " + name)) == 0)
        }
        _ = try file.rotate(.data, root: root, milliseconds: 7, inBoth: true)
        for name in directory.names where name.hasPrefix("blocks of ") {
            let left = try #require(directory.read(name))
            #expect(!left.isEmpty && left.allSatisfy { $0 == 0 }, "\(name)")
        }
        #expect(try file.load(root: root).ring.epochs(of: .data) == [1, 2, 3])
    }

    @Test("The last whole generation is not emptied, whatever names a crash left for it")
    func sharedOld() throws {
        _ = try file.create(root: root, milliseconds: 5)
        _ = try file.rotate(.data, root: root, milliseconds: 6)
        #expect(link(directory.file("KEYRING.prev"), directory.file("KEYRING.old")) == 0)
        directory.write("KEYRING", [0, 0, 0])
        _ = try file.rotate(.mac, root: root, milliseconds: 7)
        unlink(directory.file("KEYRING"))
        #expect(try file.load(root: root).ring.generation == 1)
    }

    @Test("A crash while both names are of one file does not cost the ring")
    func oneFile() throws {
        _ = try file.create(root: root, milliseconds: 5)
        _ = try file.rotate(.wrap, root: root, milliseconds: 6)
        unlink(directory.file("KEYRING.prev"))
        #expect(link(directory.file("KEYRING"), directory.file("KEYRING.prev")) == 0)
        #expect(try file.drop(.wrap, before: 2, root: root).epochs(of: .wrap) == [2])
        #expect(try file.load(root: root).ring.epochs(of: .wrap) == [2])
    }

    @Test("Two changes at once: the second is refused, not lost")
    func locked() throws {
        _ = try file.create(root: root, milliseconds: 5)
        var inner: KeyError.Code?
        _ = try file.change(root: root) { ring throws(KeyError) in
            inner = code { _ = try file.rotate(.mac, root: root, milliseconds: 6) }
            return ring.rotating(.data, milliseconds: 6, random: Entropy.bytes)
        }
        #expect(inner == .ringUnusable)
        #expect(try file.load(root: root).ring.epochs(of: .data) == [1, 2])
    }
}

func contains(_ bytes: [UInt8], _ needle: some Collection<UInt8>) -> Bool {
    guard let first = needle.first else { return true }
    return bytes.indices.contains {
        bytes[$0] == first && bytes[$0...].starts(with: needle)
    }
}
