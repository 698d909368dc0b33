import Configuration
import Encryption
import Glibc
import KeyFiles
import KeyValue
import MessageLog
import Primitives
import Projections
import RocksKeyValue
import Synchronization

/// How the stores are opened. Only `--bench` differs from a normal start.
struct StoreMode: Sendable {
    var isBench = false
    var isPlain = false

    /// Written into the data folder at its first start: a store opens only in the mode it was made.
    var name: String { isBench ? (isPlain ? "bench-plain" : "bench") : "encrypted" }
}

/// Everything a node has on disk: the data folder, opened.
struct NodeFiles: Sendable {
    let directory: String
    let root: RootKey
    let ring: KeyRing
    /// What was wrong with the key ring's files, though one of them is whole.
    let ringWarnings: [KeyError]
    let ringChanges: RingChanges
    let dataKeys: DataKeyring
    let log: RocksKeyValueStore
    let state: RocksKeyValueStore
    let mark: MarkKeeper
    let encryption: RocksOptions.Encryption

    /// Makes the folder this process's, before anything of it is opened. Once per process.
    static func claim(_ configuration: Configuration, _ mode: StoreMode) throws {
        try makeFolder(configuration.data.directory)
        try lock(configuration.data.directory)
        try checkIdentity(configuration.data.directory, configuration, mode)
        try RebuildCheck.removeLeftovers(in: configuration.data.directory)
    }

    /// Opens what is there or makes what is not, in a claimed folder.
    init(
        _ configuration: Configuration,
        _ mode: StoreMode,
        infoLog: @escaping @Sendable (RocksOptions.LogLevel, String) -> Void,
        backgroundError: @escaping @Sendable (StoreError) -> Void
    ) throws {
        let directory = configuration.data.directory
        self.directory = directory
        var policy = RootKeyPolicy(dataDirectory: directory)
        policy.requiresSeparateDevice = configuration.keys.requireSeparateRootKey
        root = try Self.source(configuration.keys).load(policy, retryingFor: 30)
        let ringFile = KeyRingFile(directory: directory + "/keys")
        try Self.makeFolder(directory + "/keys")
        if ringFile.exists {
            let loaded = try ringFile.load(root: root.secret)
            ring = loaded.ring
            ringWarnings = loaded.warnings
        } else {
            guard !Self.exists(directory + "/log/CURRENT") else {
                throw KeyError(
                    .ringMissing,
                    "the data folder has a log but no key ring",
                    remedy: "put keys/KEYRING back from a backup of this node"
                )
            }
            ring = try ringFile.create(root: root.secret, milliseconds: wallMilliseconds())
            ringWarnings = []
        }
        ringChanges = RingChanges(file: ringFile, root: root.secret, inUse: ring.generation)
        var table: [UInt32: [UInt8]] = [:]
        for epoch in ring.epochs(of: .data) {
            table[epoch] = try ring.key(.data, epoch: epoch).exposedBytes
        }
        dataKeys = try DataKeyring(
            storeID: ring.storeID,
            keys: table,
            current: ring.current(.data).epoch
        )
        encryption =
            mode.isPlain ? .plain : .keyring(dataKeys)
        var logOptions = RocksOptions(
            path: directory + "/log",
            families: [
                RocksFamily(
                    LogFamilies.records,
                    compression: .none,
                    bloomBitsPerKey: 0,
                    insertHintPrefixBytes: 2,
                    compaction: .log
                ),
                RocksFamily(LogFamilies.passing, compression: .none, bloomBitsPerKey: 0),
                RocksFamily(LogFamilies.meta, bloomBitsPerKey: 0),
            ],
            durability: .synced,
            encryption: encryption
        )
        logOptions.cacheBytes = 8 << 20
        logOptions.writeBufferBytes = configuration.storage.logWriteBufferBytes
        logOptions.infoLog = infoLog
        logOptions.backgroundError = backgroundError
        var stateOptions = RocksOptions(
            path: directory + "/state",
            families: [
                RocksFamily(
                    .state,
                    // Every command asks for an answer that is not there.
                    filtersMemory: true,
                    compaction: .init(
                        levelZeroFiles: 6,
                        levelOneBytes: 256 << 20,
                        tableBytes: 32 << 20
                    )
                )
            ],
            durability: .noWAL,
            encryption: encryption
        )
        stateOptions.cacheBytes = configuration.storage.cacheBytes
        stateOptions.writeBufferBytes = configuration.storage.stateWriteBufferBytes
        stateOptions.infoLog = infoLog
        stateOptions.backgroundError = backgroundError
        log = try RocksKeyValueStore(logOptions)
        state = try RocksKeyValueStore(stateOptions)
        do throws(StoreError) {
            // Rows are served without another look: a damaged one must not be among them.
            try state.verifyChecksums()
        } catch {
            throw StartFailure(
                "E-DISK-DAMAGED",
                "the rows in \(directory)/state are damaged: move that folder away and start "
                    + "again, they are folded anew from the log (\(error.message))",
                exitStatus: 74
            )
        }
        mark = try MarkKeeper(
            path: directory + "/mark",
            partitions: configuration.partitions.count + 2
        )
    }

    private static func source(_ keys: Configuration.Keys) -> RootKeySource {
        switch keys.provider {
        case .file: .file(path: keys.path)
        case .exec: .command(keys.command)
        case .env: .environment(variable: keys.variable)
        }
    }

    private static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    private static func makeFolder(_ path: String) throws {
        if mkdir(path, 0o700) == 0 {
            try syncFolder(of: path)
            return
        }
        guard errno != EEXIST else { return }
        throw StartFailure(
            "E-DISK-IO",
            "cannot make \(path): \(String(cString: strerror(errno)))",
            exitStatus: 74
        )
    }

    /// One process per data folder. The lock goes with the process.
    private static func lock(_ directory: String) throws {
        let descriptor = open(directory + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0, flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw StartFailure(
                "E-NODE-LOCKED",
                "another process uses \(directory): stop it first",
                exitStatus: 75
            )
        }
    }

    /// Name, number of partitions and mode are fixed by the first start of a data folder.
    private static func checkIdentity(
        _ directory: String,
        _ configuration: Configuration,
        _ mode: StoreMode
    ) throws {
        let path = directory + "/identity"
        let lines = [
            "warbler 1", "server \(configuration.server.name)",
            "partitions \(configuration.partitions.count)", "mode \(mode.name)",
        ]
        let text = lines.joined(separator: "\n") + "\n"
        guard let found = readText(path) else {
            guard !exists(directory + "/log/CURRENT") else {
                throw StartFailure(
                    "E-NODE-NAME",
                    "\(path) is missing, so nothing says whose log this is: put it back from a "
                        + "backup of this node; its lines are\n\(text)",
                    exitStatus: 78
                )
            }
            try writeText(text, to: path)
            return
        }
        guard found != text else { return }
        let had = found.split(separator: "\n").map(String.init)
        for (old, new) in zip(had, lines) where old != new {
            let code =
                switch new.split(separator: " ").first {
                case "warbler": "E-NODE-VERSION"
                case "partitions": "E-NODE-PARTITIONS"
                case "mode": "E-NODE-BENCH"
                default: "E-NODE-NAME"
                }
            throw StartFailure(
                code,
                "this data folder was made with '\(old)', the configuration says '\(new)'",
                exitStatus: 78
            )
        }
        throw StartFailure("E-NODE-NAME", "\(path) is damaged", exitStatus: 78)
    }

    private static func readText(_ path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = fread(&buffer, 1, buffer.count, file)
        return String(decoding: buffer[..<count], as: UTF8.self)
    }

    private static func writeText(_ text: String, to path: String) throws {
        func failure() -> StartFailure {
            let why = String(cString: strerror(errno))
            return StartFailure("E-DISK-IO", "cannot write \(path): \(why)", exitStatus: 74)
        }
        guard let file = fopen(path + ".new", "w") else { throw failure() }
        let isWritten = fputs(text, file) >= 0 && fflush(file) == 0 && fsync(fileno(file)) == 0
        guard fclose(file) == 0, isWritten, rename(path + ".new", path) == 0 else {
            throw failure()
        }
        try syncFolder(of: path)
    }

    /// A new name in a folder is there after a power cut only when the folder is synced too.
    static func syncFolder(of path: String) throws {
        let cut = path.lastIndex(of: "/").map { path[..<$0] } ?? "."
        let folder = cut.isEmpty ? "/" : String(cut)
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { if descriptor >= 0 { Glibc.close(descriptor) } }
        guard descriptor >= 0, fsync(descriptor) == 0 else {
            let why = String(cString: strerror(errno))
            throw StartFailure("E-DISK-IO", "cannot sync \(folder): \(why)", exitStatus: 74)
        }
    }

    /// The data-key epochs that a file of this data folder is under, among them those of rows that
    /// were set aside.
    func namedDataEpochs() throws -> Set<UInt32> {
        var named: Set<UInt32> = []
        for folder in try Self.folders(in: directory) {
            for file in try RocksKeyValueStore.storedFiles(in: directory + "/" + folder) {
                if let epoch = file.epoch { named.insert(epoch) }
            }
        }
        return named
    }

    /// Names of the folders in a folder.
    static func folders(in path: String) throws -> [String] {
        guard let listing = opendir(path) else {
            let why = String(cString: strerror(errno))
            throw StartFailure("E-DISK-IO", "cannot list \(path): \(why)", exitStatus: 74)
        }
        defer { closedir(listing) }
        var names: [String] = []
        while let entry = readdir(listing) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            var status = stat()
            guard name != ".", name != "..", lstat(path + "/" + name, &status) == 0,
                status.st_mode & S_IFMT == S_IFDIR
            else { continue }
            names.append(name)
        }
        return names
    }

    func close() throws {
        try state.close()
        try log.close()
    }
}

/// The mark file with what it should hold, for the storage thread.
final class MarkKeeper: Sendable {
    private struct State: ~Copyable {
        var file: MarkFile
        var mark: Mark
    }
    private let state: Mutex<State>
    /// What was there at start; nil for a new node.
    let found: Mark?
    let incarnation: UInt64

    /// Looks, and writes nothing: a node that refuses its logs must find them refused again.
    init(path: String, partitions: Int) throws(StoreError) {
        let file = try MarkFile(path: path, partitions: partitions)
        found = file.found
        var mark = file.found ?? Mark(incarnation: 0)
        mark.incarnation += 1
        incarnation = mark.incarnation
        state = Mutex(State(file: file, mark: mark))
    }

    /// Every start raises the incarnation, durably before the first turn.
    func begin() throws { try keep([]) }

    func keep(_ entries: [MarkEntry]) throws {
        try state.withLock { state in
            for entry in entries { state.mark.set(entry) }
            try state.file.write(state.mark)
        }
    }

    /// What the file holds by now, for who looks at a running node.
    var current: Mark { state.withLock { $0.mark } }
}

func wallMilliseconds() -> UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return UInt64(now.tv_sec) * 1_000 + UInt64(now.tv_nsec) / 1_000_000
}
