import CRocksDB
import KeyValue

/// The open database behind a store and its views; goes away with the last of them.
final class RocksDatabase: @unchecked Sendable {
    // Sendable by hand: the C face may be called from any thread.
    let pointer: OpaquePointer

    init(_ options: RocksOptions) throws(StoreError) {
        var opened: OpaquePointer?
        try check(Self.open(options, &opened))
        guard let opened else { throw StoreError(.ioError, "the store did not open") }
        pointer = opened
    }

    deinit { wdb_release(pointer) }

    func close(flushing: Bool) throws(StoreError) { try check(wdb_close(pointer, flushing)) }

    private static func open(_ options: RocksOptions, _ out: inout OpaquePointer?) -> wdb_result {
        // C strings that live through the call.
        let names = options.families.map { Array($0.family.name.utf8CString) }
        let path = Array(options.path.utf8CString)
        let keyring: DataKeyring? =
            switch options.encryption {
            case .keyring(let keyring): keyring
            case .plain: nil
            }
        return withExtendedLifetime(keyring) {
            withPointers(to: names) { names in
                path.withUnsafeBufferPointer { path in
                    var families = zip(options.families, names).map { family, name in
                        face(family, name: name)
                    }
                    return families.withUnsafeMutableBufferPointer { families in
                        var raw = wdb_options()
                        raw.path = path.baseAddress
                        raw.families = UnsafePointer(families.baseAddress)
                        raw.family_count = families.count
                        raw.keyring = keyring?.pointer
                        fill(&raw, from: options)
                        return wdb_open(&raw, &out)
                    }
                }
            }
        }
    }

    private static func fill(_ raw: inout wdb_options, from options: RocksOptions) {
        raw.create_if_missing = options.createsIfMissing
        raw.use_wal = options.durability == .synced
        raw.atomic_flush = true
        raw.single_writer = options.isSingleWriter
        raw.read_only = options.isReadOnly
        raw.wal_recovery =
            switch options.walRecovery {
            case .pointInTime: UInt8(WDB_RECOVER_POINT_IN_TIME)
            case .tornTailOnly: UInt8(WDB_RECOVER_TORN_TAIL)
            case .absolute: UInt8(WDB_RECOVER_ABSOLUTE)
            }
        raw.max_open_files = Int32(clamping: options.maxOpenFiles)
        raw.background_jobs = Int32(clamping: options.backgroundJobs)
        raw.cache_bytes = UInt64(clamping: options.cacheBytes)
        raw.write_buffer_bytes = UInt64(clamping: options.writeBufferBytes)
        raw.wal_bytes_max = UInt64(clamping: options.walBytesMax)
        raw.log_level = options.logLevel.rawValue
        RocksCallbacks(log: options.infoLog, backgroundError: options.backgroundError)
            .hand(to: &raw)
    }

    private static func face(_ family: RocksFamily, name: UnsafePointer<CChar>) -> wdb_family {
        var raw = wdb_family()
        raw.name = name
        raw.id = family.family.id
        raw.compression =
            switch family.compression {
            case .none: UInt8(WDB_COMPRESS_NONE)
            case .lz4: UInt8(WDB_COMPRESS_LZ4)
            case .zstd: UInt8(WDB_COMPRESS_ZSTD)
            }
        raw.bloom_bits_per_key = UInt8(clamping: family.bloomBitsPerKey)
        raw.insert_hint_prefix_bytes = UInt8(clamping: family.insertHintPrefixBytes)
        raw.disable_auto_compaction = !family.automaticCompaction
        raw.block_bytes = UInt32(clamping: family.blockBytes)
        raw.write_buffer_bytes = UInt64(clamping: family.writeBufferBytes ?? 0)
        raw.memtable_filter = family.filtersMemory
        raw.level_zero_files = UInt32(clamping: family.compaction.levelZeroFiles)
        raw.level_one_bytes = UInt64(clamping: family.compaction.levelOneBytes)
        raw.table_bytes = UInt64(clamping: family.compaction.tableBytes)
        return raw
    }

    static func withPointers<Result>(
        to strings: [[CChar]],
        _ body: ([UnsafePointer<CChar>]) -> Result
    ) -> Result {
        func go(_ index: Int, _ pointers: [UnsafePointer<CChar>]) -> Result {
            guard index < strings.count else { return body(pointers) }
            return strings[index].withUnsafeBufferPointer { buffer in
                // A C string is never empty: it ends in a zero.
                go(index + 1, pointers + [buffer.baseAddress!])
            }
        }
        return go(0, [])
    }
}

/// The closures RocksDB's threads call, owned by the C side until it lets go.
private final class RocksCallbacks: Sendable {
    let log: (@Sendable (RocksOptions.LogLevel, String) -> Void)?
    let backgroundError: (@Sendable (StoreError) -> Void)?

    init(
        log: (@Sendable (RocksOptions.LogLevel, String) -> Void)?,
        backgroundError: (@Sendable (StoreError) -> Void)?
    ) {
        self.log = log
        self.backgroundError = backgroundError
    }

    func hand(to raw: inout wdb_options) {
        raw.context = Unmanaged.passRetained(self).toOpaque()
        raw.release = { context in
            guard let context else { return }
            Unmanaged<RocksCallbacks>.fromOpaque(context).release()
        }
        if log != nil {
            raw.log = { context, level, text, count in
                guard let context, let text else { return }
                let callbacks = Unmanaged<RocksCallbacks>.fromOpaque(context).takeUnretainedValue()
                let bytes = UnsafeRawBufferPointer(start: text, count: count)
                callbacks.log?(
                    RocksOptions.LogLevel(rawValue: level) ?? .error,
                    String(decoding: bytes, as: UTF8.self)
                )
            }
        }
        raw.background_error = { context, code, text in
            guard let context, let text else { return }
            let callbacks = Unmanaged<RocksCallbacks>.fromOpaque(context).takeUnretainedValue()
            callbacks.backgroundError?(StoreError(.init(face: code), String(cString: text)))
        }
    }
}
