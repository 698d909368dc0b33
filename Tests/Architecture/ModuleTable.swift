import Testing

/// Which module may import which, and what kind each is. Amend it together with `Package.swift`
/// and the table of `Specs/Architecture.md`.
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
        /// Everything it may import, beside `Swift`. `all` stands for every pure module.
        let imports: [String]

        var name: String { String(path.split(separator: "/").last!) }
    }

    static let pureCore = ["Primitives", "MatrixModel", "MatrixRules", "Homeserver"]
    static let pureStore = ["KeyValue", "Keyspace", "Encryption", "MessageLog", "Projections"]
    /// What effectful code takes from the system and from packages.
    static let world = [
        "Glibc", "Synchronization", "Logging", "NIOCore", "NIOPosix", "NIOHTTP1", "NIOHTTP2",
        "NIOHPACK", "NIOSSL", "NIOTLS", "NIOConcurrencyHelpers", "NIOFoundationCompat", "Crypto",
        "DequeModule", "OrderedCollections", "Foundation", "FoundationEssentials", "Dispatch",
        "Musl", "Darwin",
    ]
    static let allPure = pureCore + pureStore + ["Raft", "Sync", "Partitions", "Synchronization"]

    static let modules: [Module] = [
        // Core
        Module(path: "Core/Primitives", kind: .pure, imports: []),
        Module(path: "Core/Raft", kind: .pure, imports: ["Primitives"]),
        Module(path: "Core/MatrixModel", kind: .pure, imports: ["Primitives", "Crypto"]),
        Module(path: "Core/MatrixRules", kind: .pure, imports: ["Primitives", "MatrixModel"]),
        Module(
            path: "Core/Homeserver",
            kind: .pure,
            imports: ["Primitives", "MatrixModel", "MatrixRules", "Encryption", "Keyspace"]
        ),
        Module(
            path: "Core/Sync",
            kind: .pure,
            imports: pureCore + ["Keyspace", "KeyValue", "Projections", "Encryption"]
        ),
        // Store
        Module(
            path: "Store/KeyValue",
            kind: .pure,
            imports: ["Primitives", "Synchronization"]
        ),
        Module(path: "Store/Keyspace", kind: .pure, imports: ["Primitives", "KeyValue"]),
        Module(path: "Store/CCipher", kind: .foreign, imports: []),
        Module(
            path: "Store/Encryption",
            kind: .pure,
            imports: ["Primitives", "CCipher", "Synchronization"]
        ),
        Module(
            path: "Store/MessageLog",
            kind: .pure,
            imports: ["Primitives", "KeyValue", "Keyspace", "Encryption", "Raft"]
        ),
        Module(
            path: "Store/Projections",
            kind: .pure,
            imports: pureCore + ["KeyValue", "Keyspace", "Encryption"]
        ),
        Module(
            path: "Store/KeyFiles",
            kind: .effectful,
            imports: world + ["Primitives", "Encryption", "MessageLog", "KeyValue", "CCipher"]
        ),
        Module(path: "Store/CRocksDB", kind: .foreign, imports: []),
        Module(
            path: "Store/RocksKeyValue",
            kind: .effectful,
            imports: world + ["Primitives", "KeyValue", "CRocksDB", "Encryption", "KeyFiles"]
        ),
        // Cluster
        Module(path: "Cluster/Partitions", kind: .pure, imports: allPure),
        Module(
            path: "Cluster/MultiRaft",
            kind: .effectful,
            imports: world + allPure + ["KeyFiles", "RocksKeyValue", "Observability"]
        ),
        // Server
        Module(path: "Server/Configuration", kind: .effectful, imports: world + ["Yams"]),
        Module(path: "Server/AdminProtocol", kind: .effectful, imports: world),
        Module(path: "Server/Observability", kind: .effectful, imports: world),
        Module(
            path: "Server/HTTPService",
            kind: .effectful,
            imports: world + ["Primitives", "Observability", "Configuration"]
        ),
        Module(
            path: "Server/Identity",
            kind: .effectful,
            imports: world + allPure + ["Observability", "Configuration"]
        ),
        Module(
            path: "Server/Gateway",
            kind: .effectful,
            imports: world + allPure + [
                "MultiRaft", "HTTPService", "Identity", "Observability", "Configuration",
            ]
        ),
        Module(
            path: "Server/WarblerServer",
            kind: .effectful,
            imports: world + allPure + [
                "KeyFiles", "RocksKeyValue", "MultiRaft", "HTTPService", "Identity", "Gateway",
                "Observability", "Configuration", "AdminProtocol", "ArgumentParser",
            ]
        ),
        // Tools
        Module(
            path: "Tools/WarblerCLI",
            kind: .effectful,
            imports: world + ["Configuration", "AdminProtocol", "Observability", "ArgumentParser"]
        ),
    ]
}

extension ModuleTable.Module: CustomTestStringConvertible {
    var testDescription: String { path }
}
