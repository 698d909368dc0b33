// swift-tools-version: 6.2

import PackageDescription

// Shared by every target of ours.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .treatAllWarnings(as: .error),
]

/// A module without I/O, clock, randomness or `await` (kinds P and R of `Specs/Architecture.md`).
func pure(_ name: String, in group: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(
        name: name,
        dependencies: dependencies,
        path: "Sources/\(group)/\(name)",
        swiftSettings: settings
    )
}

/// A module that touches the world (kind E).
func effectful(_ name: String, in group: String, _ dependencies: [Target.Dependency] = []) -> Target
{
    pure(name, in: group, dependencies)
}

func tests(
    _ name: String,
    at path: String,
    _ dependencies: [Target.Dependency],
    excluding: [String] = []
) -> Target {
    .testTarget(
        name: name,
        dependencies: dependencies,
        path: "Tests/\(path)",
        exclude: excluding,
        swiftSettings: settings
    )
}

let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let arguments = Target.Dependency.product(
    name: "ArgumentParser",
    package: "swift-argument-parser"
)
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "NIOTLS", package: "swift-nio"),
    .product(name: "NIOSSL", package: "swift-nio-ssl"),
    .product(name: "NIOHTTP2", package: "swift-nio-http2"),
    .product(name: "NIOHPACK", package: "swift-nio-http2"),
]

let package = Package(
    name: "warbler",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "warblerd", targets: ["warblerd"]),
        .executable(name: "warbler", targets: ["warbler"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio.git", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", exact: "2.37.6"),
        .package(url: "https://github.com/apple/swift-nio-http2.git", exact: "1.46.0"),
        .package(url: "https://github.com/apple/swift-crypto.git", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log.git", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-argument-parser.git", exact: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams.git", exact: "6.2.2"),
    ],
    targets: [
        // MARK: Core
        pure("Primitives", in: "Core"),
        pure("Raft", in: "Core", ["Primitives"]),
        pure("MatrixModel", in: "Core", [crypto]),
        pure("MatrixRules", in: "Core", ["MatrixModel"]),
        pure(
            "Homeserver",
            in: "Core",
            ["Primitives", "MatrixModel", "MatrixRules", "Keyspace", "Encryption"]
        ),
        pure("Sync", in: "Core", ["Primitives", "MatrixModel", "MatrixRules"]),

        // MARK: Store
        pure("KeyValue", in: "Store", ["Primitives"]),
        pure("Keyspace", in: "Store", ["Primitives"]),
        .target(
            name: "CCipher",
            path: "Sources/Store/CCipher",
            linkerSettings: [.linkedLibrary("crypto"), .linkedLibrary("argon2")]
        ),
        pure("Encryption", in: "Store", ["Primitives", "CCipher"]),
        pure("MessageLog", in: "Store", ["Primitives", "KeyValue", "Encryption"]),
        pure(
            "Projections",
            in: "Store",
            ["Primitives", "KeyValue", "Keyspace", "Homeserver", "MatrixModel", "Encryption"]
        ),
        .target(
            name: "CRocksDB",
            path: "Sources/Store/CRocksDB",
            linkerSettings: [.linkedLibrary("rocksdb"), .linkedLibrary("crypto")]
        ),
        effectful("RocksKeyValue", in: "Store", ["KeyValue", "CRocksDB"]),
        effectful(
            "KeyFiles",
            in: "Store",
            ["Encryption", "KeyValue", "MessageLog", "CCipher"]
        ),

        // MARK: Cluster
        pure(
            "Partitions",
            in: "Cluster",
            [
                "Primitives", "Raft", "MatrixModel", "Homeserver", "Keyspace", "KeyValue",
                "MessageLog", "Projections",
            ]
        ),
        effectful(
            "MultiRaft",
            in: "Cluster",
            [
                "Primitives", "Raft", "MatrixModel", "Homeserver", "Keyspace", "KeyValue",
                "Encryption", "MessageLog", "Projections", "Partitions",
            ]
        ),

        // MARK: Server
        effectful("Configuration", in: "Server", [yams]),
        effectful("AdminProtocol", in: "Server"),
        effectful("Observability", in: "Server", [logging]),
        effectful("HTTPService", in: "Server", nio + [logging]),
        effectful("Identity", in: "Server", ["Primitives", "MatrixModel", "Encryption"]),
        effectful(
            "Gateway",
            in: "Server",
            [
                "Primitives", "MatrixModel", "MatrixRules", "Homeserver", "Keyspace", "KeyValue",
                "Encryption", "Projections", "Partitions", "MultiRaft", "Sync", "HTTPService",
                "Identity",
            ]
        ),
        .executableTarget(
            name: "warblerd",
            dependencies: [
                "Primitives", "MatrixModel", "Homeserver", "Keyspace", "KeyValue", "Encryption",
                "KeyFiles", "MessageLog", "Projections", "RocksKeyValue", "Partitions",
                "MultiRaft", "Configuration", "AdminProtocol", "Observability", "HTTPService",
                "Gateway", "Identity", arguments, logging,
            ],
            path: "Sources/Server/WarblerServer",
            swiftSettings: settings
        ),

        // MARK: Tools
        .executableTarget(
            name: "warbler",
            dependencies: ["AdminProtocol", "Configuration", "Observability", arguments],
            path: "Sources/Tools/WarblerCLI",
            swiftSettings: settings
        ),

        // MARK: Benchmarks
        .executableTarget(
            name: "micro-benchmarks",
            dependencies: [
                "Primitives", "Raft", "MatrixModel", "KeyValue", "RocksKeyValue", "MessageLog",
            ],
            path: "Tests/Benchmarks/Micro",
            swiftSettings: settings
        ),

        // MARK: Tests
        tests("MatrixModelTests", at: "Core/MatrixModelTests", ["MatrixModel", "Primitives"]),
        tests("MatrixRulesTests", at: "Core/MatrixRulesTests", ["MatrixRules", "MatrixModel"]),
        tests("RaftTests", at: "Core/RaftTests", ["Raft", "Primitives"]),
        tests(
            "RaftInteractionTests",
            at: "Conformance/RaftInteraction",
            ["Raft", "Primitives"],
            excluding: ["Scenarios"]
        ),
        tests(
            "KeyValueConformanceTests",
            at: "Conformance/KeyValueConformance",
            ["KeyValue", "RocksKeyValue", "Primitives"]
        ),
        tests(
            "RocksKeyValueTests",
            at: "Store/RocksKeyValueTests",
            ["KeyValue", "RocksKeyValue", "CRocksDB", "Primitives"]
        ),
        tests("EncryptionTests", at: "Store/EncryptionTests", ["Encryption", "Primitives"]),
        tests(
            "KeyFilesTests",
            at: "Store/KeyFilesTests",
            ["KeyFiles", "Encryption", "KeyValue", "MessageLog", "Primitives"]
        ),
        tests(
            "MessageLogTests",
            at: "Store/MessageLogTests",
            ["MessageLog", "KeyValue", "Encryption", "Primitives"]
        ),
        tests("HTTPServiceTests", at: "Server/HTTPServiceTests", ["HTTPService", logging] + nio),
        tests(
            "ConfigurationTests",
            at: "Server/ConfigurationTests",
            ["Configuration", "Keyspace"]
        ),
        tests("AdminProtocolTests", at: "Server/AdminProtocolTests", ["AdminProtocol"]),
        tests("ObservabilityTests", at: "Server/ObservabilityTests", ["Observability", logging]),
        tests("ArchitectureTests", at: "Architecture", []),
        tests(
            "MultiRaftTests",
            at: "Cluster/MultiRaftTests",
            [
                "Primitives", "Raft", "MatrixModel", "MatrixRules", "Homeserver", "Keyspace",
                "KeyValue",
                "Encryption", "MessageLog", "Projections", "Partitions", "MultiRaft",
            ]
        ),
        tests(
            "SyncTests",
            at: "Core/SyncTests",
            [
                "Primitives", "MatrixModel", "MatrixRules", "Homeserver", "Keyspace", "KeyValue",
                "Encryption", "Projections", "MultiRaft", "Sync", "Gateway",
            ]
        ),
        tests(
            "HomeserverTests",
            at: "Core/HomeserverTests",
            ["Primitives", "MatrixModel", "Homeserver"]
        ),
        tests(
            "ProjectionsTests",
            at: "Store/ProjectionsTests",
            [
                "Primitives", "MatrixModel", "MatrixRules", "Homeserver", "Keyspace", "KeyValue",
                "Encryption", "Projections",
            ]
        ),
        tests(
            "PartitionsTests",
            at: "Cluster/PartitionsTests",
            [
                "Primitives", "Raft", "MatrixModel", "MatrixRules", "Homeserver", "Keyspace",
                "KeyValue", "Encryption", "MessageLog", "Projections", "Partitions", "MultiRaft",
            ]
        ),
        tests(
            "ChangeFeedTests",
            at: "Cluster/ChangeFeedTests",
            ["Primitives", "Homeserver", "Keyspace", "Projections", "MultiRaft"]
        ),
        tests(
            "GatewayTests",
            at: "Server/GatewayTests",
            [
                "Primitives", "MatrixModel", "MatrixRules", "Homeserver", "Keyspace", "KeyValue",
                "Encryption", "MessageLog", "Projections", "Partitions", "MultiRaft", "Sync",
                "HTTPService", "Identity", "Gateway", logging,
            ] + nio
        ),
    ],
    cxxLanguageStandard: .cxx17
)
