import Encryption
import KeyFiles
import Synchronization

/// The key ring on disk, changed by one caller at a time: its own lock keeps other processes out
/// and does not wait.
///
/// Every key that was ever used is in both files, and a file older than the ring in use is never
/// taken for it: whatever happens to one of the two while the node runs, no key is lost.
final class RingChanges: Sendable {
    private let file: KeyRingFile
    private let root: SecretKey
    /// The generation in use.
    private let turn: Mutex<UInt64>

    init(file: KeyRingFile, root: SecretKey, inUse generation: UInt64) {
        self.file = file
        self.root = root
        turn = Mutex(generation)
    }

    func rotate(_ kind: KeyKind) throws(KeyError) -> KeyRing {
        try change { generation throws(KeyError) in
            try file.rotate(
                kind,
                root: root,
                milliseconds: wallMilliseconds(),
                minimumGeneration: generation,
                inBoth: true
            )
        }
    }

    func drop(_ kind: KeyKind, before epoch: UInt32) throws(KeyError) -> KeyRing {
        try change { generation throws(KeyError) in
            try file.drop(kind, before: epoch, root: root, minimumGeneration: generation)
        }
    }

    /// - Parameter epochs: At least one.
    func drop(_ kind: KeyKind, epochs: [UInt32]) throws(KeyError) -> KeyRing {
        try change { generation throws(KeyError) in
            try file.drop(kind, epochs: epochs, root: root, minimumGeneration: generation)
        }
    }

    private func change(
        _ body: (UInt64) throws(KeyError) -> KeyRing
    ) throws(KeyError) -> KeyRing {
        try turn.withLock { generation throws(KeyError) in
            let ring = try body(generation)
            generation = ring.generation
            return ring
        }
    }
}
