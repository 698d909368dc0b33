import CRocksDB
package import KeyValue

/// Reading through the C face, with or without a snapshot.
extension RocksDatabase {
    func get(
        _ key: [UInt8],
        in family: ColumnFamily,
        at snapshot: OpaquePointer?
    ) throws(StoreError) -> [UInt8]? {
        var found: [UInt8]?
        let result = withUnsafeMutablePointer(to: &found) { found in
            wdb_get(pointer, snapshot, family.id, key, key.count, found) {
                context,
                _,
                value,
                count in
                context?.assumingMemoryBound(to: [UInt8]?.self).pointee =
                    Array(UnsafeRawBufferPointer(start: value, count: count))
            }
        }
        try check(result)
        return found
    }

    func multiGet(
        _ keys: [[UInt8]],
        in family: ColumnFamily,
        at snapshot: OpaquePointer?
    ) throws(StoreError) -> [[UInt8]?] {
        var found = [[UInt8]?](repeating: nil, count: keys.count)
        guard !keys.isEmpty else { return found }
        let counts = keys.map(\.count)
        var joined: [UInt8] = []
        joined.reserveCapacity(counts.reduce(0, +))
        for key in keys { joined += key }
        let result = withUnsafeMutablePointer(to: &found) { found in
            wdb_multi_get(
                pointer,
                snapshot,
                family.id,
                joined,
                counts,
                keys.count,
                found
            ) { context, index, value, count in
                context?.assumingMemoryBound(to: [[UInt8]?].self).pointee[index] =
                    Array(UnsafeRawBufferPointer(start: value, count: count))
            }
        }
        try check(result)
        return found
    }

    func scan(
        from lower: [UInt8],
        to upper: [UInt8],
        in family: ColumnFamily,
        reverse: Bool,
        at snapshot: OpaquePointer?,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool
    ) throws(StoreError) {
        typealias Body = (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool
        let result = withoutActuallyEscaping(body) { body in
            withUnsafePointer(to: body) { body in
                wdb_scan(
                    pointer,
                    snapshot,
                    family.id,
                    lower,
                    lower.count,
                    upper,
                    upper.count,
                    reverse,
                    UnsafeMutableRawPointer(mutating: body)
                ) { context, key, keyCount, value, valueCount in
                    guard let context else { return false }
                    return context.assumingMemoryBound(to: Body.self).pointee(
                        UnsafeRawBufferPointer(start: key, count: keyCount),
                        UnsafeRawBufferPointer(start: value, count: valueCount)
                    )
                }
            }
        }
        try check(result)
    }
}

/// The database as it was at one moment.
package final class RocksView: KeyValueReader, @unchecked Sendable {
    // Sendable by hand: a snapshot is read from any thread and released once.
    private let database: RocksDatabase
    private let snapshot: OpaquePointer?

    init(of database: RocksDatabase) {
        self.database = database
        snapshot = wdb_snapshot_new(database.pointer)
    }

    deinit { wdb_snapshot_free(database.pointer, snapshot) }

    package func get(_ key: [UInt8], in family: ColumnFamily) throws(StoreError) -> [UInt8]? {
        try database.get(key, in: family, at: snapshot)
    }

    package func multiGet(
        _ keys: [[UInt8]],
        in family: ColumnFamily
    ) throws(StoreError) -> [[UInt8]?] {
        try database.multiGet(keys, in: family, at: snapshot)
    }

    package func scan(
        from lower: [UInt8],
        to upper: [UInt8],
        in family: ColumnFamily,
        reverse: Bool,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool
    ) throws(StoreError) {
        try database.scan(
            from: lower,
            to: upper,
            in: family,
            reverse: reverse,
            at: snapshot,
            body
        )
    }
}
