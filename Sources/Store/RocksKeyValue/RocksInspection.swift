import CRocksDB
package import KeyValue

/// A table file the database is using.
package struct LiveFile: Sendable {
    package let name: String
    package let family: UInt32
    package let level: Int
    package let bytes: UInt64
    package let entries: UInt64
    package let deletions: UInt64
    package let smallestKey: [UInt8]
    package let largestKey: [UInt8]
}

/// A database file as it lies in its directory. What the header says is not authenticated.
package struct StoredFile: Sendable {
    package let name: String
    /// The data-key epoch, or nil for a file without a header: empty, torn or plaintext.
    package let epoch: UInt32?
    package let fileClass: FileClass?
    /// Size on disk, header included.
    package let bytes: UInt64
}

/// Counters since the store was opened, and sizes now.
package struct RocksStatistics: Sendable {
    package var walSyncs: UInt64 = 0
    package var walBytes: UInt64 = 0
    package var bytesWritten: UInt64 = 0
    package var flushedBytes: UInt64 = 0
    package var compactedBytes: UInt64 = 0
    package var blockCacheHits: UInt64 = 0
    package var blockCacheMisses: UInt64 = 0
    package var bloomUseful: UInt64 = 0
    package var stallMicroseconds: UInt64 = 0
    package var backgroundErrors: UInt64 = 0
    package var memtableBytes: UInt64 = 0
    package var cacheBytes: UInt64 = 0
    package var tableReaderBytes: UInt64 = 0
    package var liveTableBytes: UInt64 = 0
    package var pendingCompactionBytes: UInt64 = 0
    package var keysEstimate: UInt64 = 0
}

extension RocksKeyValueStore {
    package func statistics() throws(StoreError) -> RocksStatistics {
        var raw = wdb_statistics()
        try check(wdb_read_statistics(databasePointer, &raw))
        return RocksStatistics(
            walSyncs: raw.wal_syncs,
            walBytes: raw.wal_bytes,
            bytesWritten: raw.bytes_written,
            flushedBytes: raw.flushed_bytes,
            compactedBytes: raw.compacted_bytes,
            blockCacheHits: raw.block_cache_hits,
            blockCacheMisses: raw.block_cache_misses,
            bloomUseful: raw.bloom_useful,
            stallMicroseconds: raw.stall_micros,
            backgroundErrors: raw.background_errors,
            memtableBytes: raw.memtable_bytes,
            cacheBytes: raw.cache_bytes,
            tableReaderBytes: raw.table_reader_bytes,
            liveTableBytes: raw.live_table_bytes,
            pendingCompactionBytes: raw.pending_compaction_bytes,
            keysEstimate: raw.keys_estimate
        )
    }

    package func liveFiles() throws(StoreError) -> [LiveFile] {
        var files: [LiveFile] = []
        let result = withUnsafeMutablePointer(to: &files) { files in
            wdb_live_files(databasePointer, files) { context, file in
                guard let context, let file = file?.pointee else { return }
                context.assumingMemoryBound(to: [LiveFile].self).pointee.append(
                    LiveFile(
                        name: String(cString: file.name),
                        family: file.family,
                        level: Int(file.level),
                        bytes: file.bytes,
                        entries: file.entries,
                        deletions: file.deletions,
                        smallestKey: bytes(file.smallest, file.smallest_count),
                        largestKey: bytes(file.largest, file.largest_count)
                    )
                )
            }
        }
        try check(result)
        return files
    }

    /// Bytes on disk per data-key epoch: an epoch may be dropped once it has none here and in
    /// no checkpoint.
    package func bytesByEpoch() throws(StoreError) -> [UInt32: UInt64] {
        try Self.storedFiles(in: path).reduce(into: [:]) { total, file in
            if let epoch = file.epoch { total[epoch, default: 0] += file.bytes }
        }
    }

    /// The database files of a directory, of a checkpoint too. Needs no key.
    package static func storedFiles(in directory: String) throws(StoreError) -> [StoredFile] {
        var files: [StoredFile] = []
        let result = withUnsafeMutablePointer(to: &files) { files in
            wdb_list_files(directory, files) { context, file in
                guard let context, let file = file?.pointee else { return }
                context.assumingMemoryBound(to: [StoredFile].self).pointee.append(
                    StoredFile(
                        name: String(cString: file.name),
                        epoch: file.encrypted ? file.epoch : nil,
                        fileClass: FileClass(rawValue: file.file_class),
                        bytes: file.bytes
                    )
                )
            }
        }
        try check(result)
        return files
    }
}

private func bytes(_ start: UnsafePointer<UInt8>?, _ count: Int) -> [UInt8] {
    Array(UnsafeRawBufferPointer(start: start, count: count))
}
