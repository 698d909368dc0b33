package import KeyValue

/// One column family and how it is kept.
package struct RocksFamily: Sendable {
    package enum Compression: Sendable {
        case none
        case lz4
        case zstd
    }

    package var family: ColumnFamily
    package var compression: Compression
    /// Bits of bloom filter per key; 0 for none. Worth it where absent keys are asked for.
    package var bloomBitsPerKey: Int
    /// Keys that share this many leading bytes are written in rising order, as in a log. Makes
    /// inserting cheaper in a store with a single writer. 0 for none.
    package var insertHintPrefixBytes: Int
    /// Off for files that are ingested once and never rewritten.
    package var automaticCompaction: Bool
    package var blockBytes: Int
    /// Memory before a flush; nil takes the store's.
    package var writeBufferBytes: Int?
    /// Tells absent keys from present ones without a search in memory.
    package var filtersMemory: Bool
    package var compaction: Compaction

    /// When flushed files are merged. All of level 0 overlaps all of level 1 as a rule, so each
    /// merge rewrites both: the fewer and larger, the less is written in all, and the more files
    /// a read may have to look into.
    package struct Compaction: Sendable {
        /// Flushed files that make a merge, 1 to 64.
        package var levelZeroFiles: Int
        package var levelOneBytes: Int
        /// Of one merged file.
        package var tableBytes: Int

        /// For a log, read from end to end or not at all: more files cost nothing.
        package static let log = Compaction(
            levelZeroFiles: 12,
            levelOneBytes: 512 << 20,
            tableBytes: 64 << 20
        )

        package init(
            levelZeroFiles: Int = 4,
            levelOneBytes: Int = 64 << 20,
            tableBytes: Int = 16 << 20
        ) {
            self.levelZeroFiles = levelZeroFiles
            self.levelOneBytes = levelOneBytes
            self.tableBytes = tableBytes
        }
    }

    package init(
        _ family: ColumnFamily,
        compression: Compression = .lz4,
        bloomBitsPerKey: Int = 10,
        insertHintPrefixBytes: Int = 0,
        automaticCompaction: Bool = true,
        blockBytes: Int = 8 * 1024,
        writeBufferBytes: Int? = nil,
        filtersMemory: Bool = false,
        compaction: Compaction = Compaction()
    ) {
        self.family = family
        self.compression = compression
        self.bloomBitsPerKey = bloomBitsPerKey
        self.insertHintPrefixBytes = insertHintPrefixBytes
        self.automaticCompaction = automaticCompaction
        self.blockBytes = blockBytes
        self.writeBufferBytes = writeBufferBytes
        self.filtersMemory = filtersMemory
        self.compaction = compaction
    }
}

/// How to open a database. The defaults keep one database near 64 MiB.
package struct RocksOptions: Sendable {
    package enum Durability: Sendable {
        /// With a write-ahead log: `write(sync: true)` is on disk when it returns.
        case synced
        /// Without one: durable at a flush, all families at the same batch.
        case noWAL
    }

    package enum Encryption: Sendable {
        case keyring(DataKeyring)
        /// For benchmarks only: everything can be read from the disk.
        case plain

        package static func keys(
            current: UInt32,
            table: [UInt32: [UInt8]],
            storeID: [UInt8]
        ) throws(StoreError) -> Encryption {
            .keyring(try DataKeyring(storeID: storeID, keys: table, current: current))
        }
    }

    /// What to make of a write-ahead log that does not read to its end.
    package enum WALRecovery: Sendable {
        /// Everything up to the first bad record; opens after any crash. Whoever must know what
        /// was lost keeps a mark of its own (architecture 2.5).
        case pointInTime
        /// As above, but a bad record with good ones behind it is corruption.
        case tornTailOnly
        /// Any bad record is corruption.
        case absolute
    }

    package enum LogLevel: UInt8, Sendable {
        case debug, info, warning, error
    }

    package var path: String
    /// All families of the database; `default` is added when it is missing.
    package var families: [RocksFamily]
    package var durability: Durability
    package var encryption: Encryption
    package var cacheBytes = 32 << 20
    /// Over all families; reaching it starts a flush of all of them.
    package var writeBufferBytes = 16 << 20
    /// A flush starts when the logs needed for recovery are larger.
    package var walBytesMax = 128 << 20
    package var maxOpenFiles = 256
    package var backgroundJobs = 2
    package var walRecovery = WALRecovery.pointInTime
    /// One thread writes at a time, which makes each write cheaper. Others may still write.
    package var isSingleWriter = true
    package var createsIfMissing = true
    package var isReadOnly = false
    package var logLevel = LogLevel.warning
    /// RocksDB's own log, keys cut. Called from RocksDB's threads.
    package var infoLog: (@Sendable (LogLevel, String) -> Void)?
    /// A flush, compaction or MANIFEST write failed: the store refuses writes from here on, and
    /// the process should end. Called from RocksDB's threads.
    package var backgroundError: (@Sendable (StoreError) -> Void)?

    package init(
        path: String,
        families: [RocksFamily],
        durability: Durability = .synced,
        encryption: Encryption
    ) {
        self.path = path
        self.families = families
        self.durability = durability
        self.encryption = encryption
        if !families.contains(where: { $0.family == .default }) {
            self.families.insert(RocksFamily(.default, bloomBitsPerKey: 0), at: 0)
        }
    }
}
