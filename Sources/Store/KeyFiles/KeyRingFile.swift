package import Encryption
internal import Glibc

/// The key ring on disk: `KEYRING` and, one generation older, `KEYRING.prev`, in one directory.
///
/// Every change is a new file that is synced, renamed over the old one, and the directory synced;
/// at every moment of it at least one whole generation is there.
package struct KeyRingFile: Sendable {
    package let directory: String
    private var current: String { directory + "/KEYRING" }
    private var previous: String { directory + "/KEYRING.prev" }
    /// What a change has written and not yet put in its place.
    private var unfinished: String { directory + "/KEYRING.new" }
    private var linked: String { directory + "/KEYRING.old" }
    private static let bytesMax = 16 << 20

    package init(directory: String) { self.directory = directory }

    /// A ring as it was loaded.
    package struct Loaded: Sendable {
        package let ring: KeyRing
        /// `KEYRING` is damaged or missing and this is the generation before it.
        package let isPrevious: Bool
        package let warnings: [KeyError]
    }

    /// Is there a key ring, whole or not?
    package var exists: Bool { Files.exists(current) || Files.exists(previous) }

    /// Makes a ring for a new store. Refuses where there is one already: its keys would be lost.
    package func create(root: SecretKey, milliseconds: UInt64) throws(KeyError) -> KeyRing {
        try locked { () throws(KeyError) in
            guard !exists else {
                throw KeyError(
                    .ringMissing,
                    "\(directory) already holds a key ring",
                    remedy: "start with it, or choose an empty directory"
                )
            }
            let ring = KeyRing.create(
                root: root,
                milliseconds: milliseconds,
                random: Entropy.bytes
            )
            // Both files from the first moment: one damaged file costs no key.
            try write(ring)
            try write(ring)
            return ring
        }
    }

    /// Opens the ring with a root key; a damaged or missing `KEYRING` falls back to the
    /// generation before. A wrong root never does: the older file might open with an older root.
    ///
    /// - Parameter minimumGeneration: The highest generation this node is known to have used;
    ///   anything below is `E-KEY-012`.
    package func load(
        root: SecretKey,
        minimumGeneration: UInt64 = 0
    ) throws(KeyError) -> Loaded {
        let loaded = try load(root)
        guard loaded.ring.generation >= minimumGeneration else {
            throw KeyError(
                .ringRolledBack,
                "the key ring is of generation \(loaded.ring.generation), but generation "
                    + "\(minimumGeneration) has been in use",
                remedy: "restore the newest KEYRING; do not start with an old one"
            )
        }
        return loaded
    }

    private func load(_ root: SecretKey) throws(KeyError) -> Loaded {
        var first: KeyError
        do throws(KeyError) {
            if let bytes = try read(current) {
                let ring = try KeyRing(opening: bytes, root: root)
                return Loaded(ring: ring, isPrevious: false, warnings: [])
            }
            first = KeyError(
                .ringMissing,
                "there is no key ring in \(directory)",
                remedy: "restore KEYRING from a copy, or initialise an empty data directory"
            )
        } catch {
            guard error.code == .ringDamaged else { throw error }
            first = error
        }
        guard let bytes = try read(previous) else { throw first }
        let ring = try KeyRing(opening: bytes, root: root)
        return Loaded(ring: ring, isPrevious: true, warnings: [first])
    }

    /// What the file tells without a root key, for `warbler keys show`.
    package func preamble() throws(KeyError) -> KeyRingPreamble {
        for path in [current, previous] {
            if let bytes = try read(path) { return try KeyRing.preamble(of: bytes) }
        }
        throw KeyError(
            .ringMissing,
            "there is no key ring in \(directory)",
            remedy: "initialise the data directory first"
        )
    }

    /// Loads, changes and writes the ring, alone among all processes that do.
    ///
    /// - Parameters:
    ///   - minimumGeneration: As for `load`: the files may have been damaged since they were
    ///     loaded, and what only the newer one holds must not be written over.
    ///   - inBoth: Also write over the generation before, so that a key that was dropped is in
    ///     neither file, and one that is new in both.
    package func change(
        root: SecretKey,
        minimumGeneration: UInt64 = 0,
        inBoth: Bool = false,
        _ body: (KeyRing) throws(KeyError) -> KeyRing
    ) throws(KeyError) -> KeyRing {
        try locked { () throws(KeyError) in
            let before = try load(root: root, minimumGeneration: minimumGeneration).ring
            let after = try body(before)
            precondition(after.generation > before.generation, "a change is a new generation")
            try write(after)
            if inBoth { try write(after) }
            return after
        }
    }

    // MARK: the changes there are

    /// - Parameter inBoth: Put the new epoch into `KEYRING.prev` too, so that what it seals opens
    ///   should `KEYRING` be damaged.
    package func rotate(
        _ kind: KeyKind,
        root: SecretKey,
        milliseconds: UInt64,
        minimumGeneration: UInt64 = 0,
        inBoth: Bool = false
    ) throws(KeyError) -> KeyRing {
        try change(root: root, minimumGeneration: minimumGeneration, inBoth: inBoth) {
            ring throws(KeyError) in
            ring.rotating(kind, milliseconds: milliseconds, random: Entropy.bytes)
        }
    }

    /// Without the epochs of `kind` below `epoch`, in either file. The old files are overwritten
    /// where they lie before they go, which counts where a file system writes in place.
    package func drop(
        _ kind: KeyKind,
        before epoch: UInt32,
        root: SecretKey,
        minimumGeneration: UInt64 = 0
    ) throws(KeyError) -> KeyRing {
        try locked { () throws(KeyError) in
            let loaded = try load(root: root, minimumGeneration: minimumGeneration)
            let ring = try loaded.ring.dropping(kind, before: epoch)
            // An earlier call, or another change, may have got as far as the first of the two.
            if ring.generation == loaded.ring.generation, !loaded.isPrevious,
                try previousIs(ring, root: root)
            {
                return ring
            }
            try write(ring)
            try write(ring)
            return ring
        }
    }

    /// Without some epochs of `kind`, at least one, in either file.
    package func drop(
        _ kind: KeyKind,
        epochs: [UInt32],
        root: SecretKey,
        minimumGeneration: UInt64 = 0
    ) throws(KeyError) -> KeyRing {
        try change(root: root, minimumGeneration: minimumGeneration, inBoth: true) {
            ring throws(KeyError) in
            var next = ring
            for epoch in epochs { next = try next.dropping(kind, epoch: epoch) }
            return next
        }
    }

    package func addNextRoot(_ next: SecretKey, root: SecretKey) throws(KeyError) -> KeyRing {
        try change(root: root) { ring throws(KeyError) in
            try ring.addingNextRoot(next, random: Entropy.bytes)
        }
    }

    package func promoteRoot(root: SecretKey) throws(KeyError) -> KeyRing {
        try change(root: root) { ring throws(KeyError) in try ring.promotingRoot() }
    }

    /// `root` must be the promoted one.
    package func dropOldRoot(root: SecretKey) throws(KeyError) -> KeyRing {
        try change(root: root, inBoth: true) { ring throws(KeyError) in
            try ring.droppingOldRoot(current: root, random: Entropy.bytes)
        }
    }

    // MARK: files

    private func read(_ path: String) throws(KeyError) -> [UInt8]? {
        do throws(SystemFailure) {
            return try Files.read(path, limit: KeyRingFile.bytesMax)
        } catch {
            throw unwritable(error)
        }
    }

    private func write(_ ring: KeyRing) throws(KeyError) {
        let new = unfinished
        let old = linked
        do throws(SystemFailure) {
            // A crash left them: their blocks, too, are given back empty.
            try wipe(new)
            if Files.inode(of: old) != Files.inode(of: previous) { try wipe(old) }
            try Files.create(new, ring.encoded(nonce: Entropy.bytes(12)), replacing: true)
            // The generation that is in use becomes the previous one only while it is whole:
            // a damaged file must not push out the last good one.
            if let bytes = try Files.read(current, limit: KeyRingFile.bytesMax),
                (try? KeyRing.preamble(of: bytes)) != nil
            {
                try Files.remove(old)
                try Files.link(current, to: old)
                try wipe(previous)
                try Files.rename(old, to: previous)
                try Files.syncDirectory(directory)
            }
            try Files.rename(new, to: current)
            try Files.syncDirectory(directory)
        } catch {
            throw unwritable(error)
        }
    }

    /// Whether `KEYRING.prev` holds the same epochs as `KEYRING`, and no other file any.
    private func previousIs(_ ring: KeyRing, root: SecretKey) throws(KeyError) -> Bool {
        guard !Files.exists(unfinished), !Files.exists(linked),
            let bytes = try read(previous),
            let other = try? KeyRing(opening: bytes, root: root)
        else { return false }
        return KeyKind.allCases.allSatisfy { other.epochs(of: $0) == ring.epochs(of: $0) }
    }

    /// Overwrites what is about to lose its name with zeros, where it lies, while `KEYRING` or
    /// what is to take its place is whole.
    private func wipe(_ path: String) throws(SystemFailure) {
        // Between two steps of a change two names are of one file: that one stays.
        let inode = Files.inode(of: path)
        guard inode != Files.inode(of: current) else { return }
        guard let bytes = try Files.read(path, limit: KeyRingFile.bytesMax) else { return }
        let file = try OpenFile(path, O_WRONLY)
        try file.write([UInt8](repeating: 0, count: bytes.count), at: 0)
        try file.sync()
    }

    private func locked<Result>(
        _ body: () throws(KeyError) -> Result
    ) throws(KeyError) -> Result {
        let lock = try takeLock()
        let result = try body()
        _ = consume lock
        return result
    }

    /// Held until the file closes.
    private func takeLock() throws(KeyError) -> OpenFile {
        do throws(SystemFailure) {
            try Files.makeDirectory(directory)
            let lock = try OpenFile(directory + "/KEYRING.lock", O_RDWR | O_CREAT)
            guard flock(lock.descriptor, LOCK_EX | LOCK_NB) == 0 else {
                throw SystemFailure("lock", lock.path)
            }
            return lock
        } catch {
            throw unwritable(error)
        }
    }

    private func unwritable(_ failure: SystemFailure) -> KeyError {
        KeyError(
            .ringUnusable,
            "the key ring's files cannot be used: \(failure)",
            remedy: "see that the directory is there, has room and belongs to the server's user"
        )
    }
}
