import CRocksDB
package import KeyValue

/// The store on disk: RocksDB, every file of it encrypted (Specs/Formats/EncryptedFile.md).
///
/// A node keeps two: the log with a write-ahead log and synced batches, and the state without
/// one. Calls block on the disk; any thread may make them.
package final class RocksKeyValueStore: KeyValueStore, Sendable {
    private let database: RocksDatabase
    package var databasePointer: OpaquePointer { database.pointer }
    package let path: String

    /// Opens, creating the directory (not its parents) when it is missing. Files torn before they
    /// held anything are moved to `quarantine/` inside the directory.
    ///
    /// Throws `.wrongKey`, `.unknownEpoch` or `.plaintext` and leaves the directory as it is
    /// when the files are not ours to read; `.busy` when another process holds the database.
    package init(_ options: RocksOptions) throws(StoreError) {
        path = options.path
        database = try RocksDatabase(options)
    }

    // MARK: KeyValueReader

    package func get(_ key: [UInt8], in family: ColumnFamily) throws(StoreError) -> [UInt8]? {
        try database.get(key, in: family, at: nil)
    }

    package func multiGet(
        _ keys: [[UInt8]],
        in family: ColumnFamily
    ) throws(StoreError) -> [[UInt8]?] {
        try database.multiGet(keys, in: family, at: nil)
    }

    package func scan(
        from lower: [UInt8],
        to upper: [UInt8],
        in family: ColumnFamily,
        reverse: Bool,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool
    ) throws(StoreError) {
        try database.scan(from: lower, to: upper, in: family, reverse: reverse, at: nil, body)
    }

    // MARK: KeyValueStore

    package func view() -> RocksView { RocksView(of: database) }

    package func write(_ batch: WriteBatch, sync: Bool) throws(StoreError) {
        try check(wdb_write(database.pointer, batch.rep, batch.rep.count, sync))
    }

    package func flush(wait: Bool) throws(StoreError) {
        try check(wdb_flush(database.pointer, wait))
    }

    package func compactRange(
        from lower: [UInt8],
        to upper: [UInt8],
        in family: ColumnFamily,
        bottommost: Bool
    ) throws(StoreError) {
        try check(
            wdb_compact_range(
                database.pointer,
                family.id,
                lower,
                lower.count,
                upper,
                upper.count,
                bottommost
            )
        )
    }

    package func checkpoint(to path: String) throws(StoreError) {
        try check(wdb_checkpoint(database.pointer, path))
    }

    package func writeTable(
        at path: String,
        in family: ColumnFamily,
        next: () throws(StoreError) -> (key: [UInt8], value: [UInt8])?
    ) throws(StoreError) {
        var opened: OpaquePointer?
        try check(wdb_table_new(database.pointer, family.id, path, &opened))
        guard let table = opened else { throw StoreError(.ioError, "no table writer") }
        do throws(StoreError) {
            while let (key, value) = try next() {
                try check(wdb_table_put(table, key, key.count, value, value.count))
            }
        } catch {
            // The first error is the one to tell.
            wdb_free(wdb_table_finish(table, false).message)
            throw error
        }
        try check(wdb_table_finish(table, true))
    }

    package func ingest(_ files: [String], in family: ColumnFamily) throws(StoreError) {
        let paths = files.map { Array($0.utf8CString) }
        let result = RocksDatabase.withPointers(to: paths) { pointers in
            let optional = pointers.map { Optional($0) }
            return wdb_ingest(database.pointer, family.id, optional, optional.count)
        }
        try check(result)
    }

    package func verifyChecksums() throws(StoreError) {
        try check(wdb_verify_checksums(database.pointer))
    }

    package func close() throws(StoreError) { try close(flushing: true) }

    /// Without `flushing`, the directory is left as a crash of the process would leave it: a
    /// store without a log loses everything since its last flush.
    package func close(flushing: Bool) throws(StoreError) {
        try database.close(flushing: flushing)
    }

    // MARK: beyond the seam

    /// Makes everything written so far durable, in a store with a log.
    package func syncWAL() throws(StoreError) { try check(wdb_sync_wal(database.pointer)) }

    /// Flushes, then rewrites every table that is not under the key ring's current epoch. The
    /// MANIFEST and its companions follow at the next open; `bytesByEpoch` says what is left.
    package func rewriteOldEpochs() throws(StoreError) {
        try check(wdb_rewrite_old_epochs(database.pointer))
    }
}
