import Testing

/// What each module imports, and what kind it is. It says the same as `Package.swift` and the
/// sources; amend all three, and the table of `Specs/Architecture.md`, together.
enum ModuleTable {
    enum Kind {
        /// P and R of the architecture: no clock, no thread, no waiting, no chance, no output.
        case pure
        /// Threads, files, sockets and clocks live here.
        case effectful
        /// C or C++ behind a C face; not read by this test.
        case foreign
    }

    struct Module: Sendable {
        let path: String
        let kind: Kind
        /// Every module of ours and of a package that it imports, and no other.
        let imports: [String]
        /// What it takes from the toolchain beside `Swift`.
        let system: [String]

        init(_ path: String, _ kind: Kind, _ imports: [String] = [], system: [String]? = nil) {
            self.path = path
            self.kind = kind
            self.imports = imports
            self.system = system ?? (kind == .effectful ? ModuleTable.world : [])
        }

        var name: String { String(path.split(separator: "/").last!) }
    }

    /// What effectful code may take from the system.
    static let world = ["Glibc", "Musl", "Darwin", "Dispatch", "Synchronization"]

    static let modules: [Module] = core + store + cluster + server + tools

    private static let core = [
        Module("Core/Primitives", .pure),
        Module("Core/Raft", .pure, ["Primitives"]),
        Module("Core/MatrixModel", .pure, ["Crypto"]),
        Module("Core/MatrixRules", .pure, ["MatrixModel"]),
        Module(
            "Core/Homeserver",
            .pure,
            ["Primitives", "MatrixModel", "MatrixRules", "Keyspace", "Encryption"]
        ),
        Module("Core/Sync", .pure, ["Primitives", "MatrixModel", "MatrixRules"]),
    ]

    private static let store = [
        // The twin in memory has a lock.
        Module("Store/KeyValue", .pure, ["Primitives"], system: ["Synchronization"]),
        Module("Store/Keyspace", .pure, ["Primitives"]),
        Module("Store/CCipher", .foreign),
        Module("Store/Encryption", .pure, ["Primitives", "CCipher"]),
        Module("Store/MessageLog", .pure, ["Primitives", "KeyValue", "Encryption"]),
        Module(
            "Store/Projections",
            .pure,
            ["Primitives", "KeyValue", "Keyspace", "Homeserver", "MatrixModel", "Encryption"]
        ),
        Module("Store/CRocksDB", .foreign),
        Module("Store/RocksKeyValue", .effectful, ["KeyValue", "CRocksDB"]),
        Module(
            "Store/KeyFiles",
            .effectful,
            ["Encryption", "KeyValue", "MessageLog", "CCipher"]
        ),
    ]

    private static let cluster = [
        Module(
            "Cluster/Partitions",
            .pure,
            [
                "Primitives", "Raft", "MatrixModel", "Homeserver", "Keyspace", "KeyValue",
                "MessageLog", "Projections",
            ]
        ),
        Module(
            "Cluster/MultiRaft",
            .effectful,
            [
                "Primitives", "Raft", "MatrixModel", "Homeserver", "Keyspace", "KeyValue",
                "Encryption", "MessageLog", "Projections", "Partitions",
            ]
        ),
    ]

    private static let server = [
        Module("Server/Configuration", .effectful, ["Yams"]),
        Module("Server/AdminProtocol", .effectful),
        Module("Server/Observability", .effectful, ["Logging"]),
        Module(
            "Server/HTTPService",
            .effectful,
            ["NIOCore", "NIOPosix", "NIOTLS", "NIOSSL", "NIOHTTP2", "NIOHPACK", "Logging"]
        ),
        Module("Server/Identity", .effectful, ["Primitives", "MatrixModel", "Encryption"]),
        Module(
            "Server/Gateway",
            .effectful,
            [
                "Primitives", "MatrixModel", "MatrixRules", "Homeserver", "Keyspace", "KeyValue",
                "Encryption", "Projections", "Partitions", "MultiRaft", "Sync", "HTTPService",
                "Identity",
            ]
        ),
        Module(
            "Server/WarblerServer",
            .effectful,
            [
                "Primitives", "MatrixModel", "Homeserver", "Keyspace", "KeyValue", "Encryption",
                "KeyFiles", "MessageLog", "Projections", "RocksKeyValue", "Partitions",
                "MultiRaft", "Configuration", "AdminProtocol", "Observability", "HTTPService",
                "Gateway", "Identity", "ArgumentParser", "Logging",
            ]
        ),
    ]

    private static let tools = [
        Module(
            "Tools/WarblerCLI",
            .effectful,
            ["AdminProtocol", "Configuration", "Observability", "ArgumentParser"]
        )
    ]
}

extension ModuleTable.Module: CustomTestStringConvertible {
    var testDescription: String { path }
}
