/// Reads from an ordered store. Keys compare as unsigned bytes, shorter first.
package protocol KeyValueReader: Sendable {
    /// The value under `key`, or nil.
    func get(_ key: [UInt8], in family: ColumnFamily) throws(StoreError) -> [UInt8]?

    /// One answer per key, in the order of the keys.
    func multiGet(_ keys: [[UInt8]], in family: ColumnFamily) throws(StoreError) -> [[UInt8]?]

    /// Visits every row with lower ≤ key < upper, ascending or, when `reverse`, descending.
    /// An empty `upper` means "to the end of the family". `body` returns false to stop.
    /// The buffers (key, value) are valid during the call only.
    /// A scan sees one consistent state, also on a store that is being written.
    func scan(
        from lower: [UInt8],
        to upper: [UInt8],
        in family: ColumnFamily,
        reverse: Bool,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool
    ) throws(StoreError)
}

/// An ordered, crash-safe store of several column families. Safe to use from any thread; a
/// write or a flush blocks, so it does not belong on the cooperative pool.
///
/// With a write-ahead log, `write(sync: true)` returns once this batch and every batch before it
/// are on disk. Without one, nothing is durable until a flush, which the store may also do by
/// itself at any moment, always with all families at the same batch.
package protocol KeyValueStore: KeyValueReader {
    associatedtype View: KeyValueReader

    /// The store as it is now, unmoved by later writes. Holds disk space until it goes away.
    func view() -> View

    /// Applies the whole batch or nothing. `sync` is ignored by a store without a log.
    /// After a failure other than `.invalid` the store must not be written any more.
    func write(_ batch: WriteBatch, sync: Bool) throws(StoreError)

    /// Writes all families' memory to disk together. With `wait` it returns when that is done.
    func flush(wait: Bool) throws(StoreError)

    /// Rewrites lower ≤ key < upper (empty `upper`: to the end), dropping what is deleted.
    /// With `bottommost` the last level is rewritten too, so that deleted bytes leave the disk
    /// and every file is under the current data key.
    func compactRange(
        from lower: [UInt8],
        to upper: [UInt8],
        in family: ColumnFamily,
        bottommost: Bool
    ) throws(StoreError)

    /// A copy of the store at `path`, which must not exist. It opens like the store itself.
    func checkpoint(to path: String) throws(StoreError)

    /// Writes one sorted table file that `ingest` can take. Rows come in strictly rising key
    /// order until `next` returns nil; at least one.
    func writeTable(
        at path: String,
        in family: ColumnFamily,
        next: () throws(StoreError) -> (key: [UInt8], value: [UInt8])?
    ) throws(StoreError)

    /// Takes table files in by copy, all or none; their rows win over older ones. The files
    /// stay where they are and remain the caller's.
    func ingest(_ files: [String], in family: ColumnFamily) throws(StoreError)

    /// Reads every block of every live file and checks it.
    func verifyChecksums() throws(StoreError)

    /// Flushes what is not durable, then releases the files. Everything after throws `.closed`;
    /// a second close does nothing.
    func close() throws(StoreError)
}

extension KeyValueReader {
    /// Ascending over every row whose key begins with `prefix`.
    package func scan(
        prefix: [UInt8],
        in family: ColumnFamily,
        reverse: Bool = false,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool
    ) throws(StoreError) {
        try scan(
            from: prefix,
            to: KeyOrder.end(ofPrefix: prefix),
            in: family,
            reverse: reverse,
            body
        )
    }

    /// The first `limit` rows of lower ≤ key < upper, copied out.
    package func rows(
        from lower: [UInt8] = [],
        to upper: [UInt8] = [],
        in family: ColumnFamily,
        reverse: Bool = false,
        limit: Int = .max
    ) throws(StoreError) -> [(key: [UInt8], value: [UInt8])] {
        var rows: [(key: [UInt8], value: [UInt8])] = []
        guard limit > 0 else { return rows }
        try scan(from: lower, to: upper, in: family, reverse: reverse) { key, value in
            rows.append((Array(key), Array(value)))
            return rows.count < limit
        }
        return rows
    }
}
