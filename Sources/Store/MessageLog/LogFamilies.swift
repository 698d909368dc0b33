package import KeyValue
package import Primitives

/// The column families of the `log` database. Numbers are in every stored batch: never reuse one.
package enum LogFamilies {
    /// Headers, chain values and kept bodies: partition ‖ index → row.
    package static let records = ColumnFamily(id: 1, name: "records")
    /// Passing bodies, under the same keys: what is pruned never lies among what is kept.
    package static let passing = ColumnFamily(id: 2, name: "passing")
    /// Hard states, bases and accepted losses.
    package static let meta = ColumnFamily(id: 3, name: "meta")

    package static let all = [records, passing, meta]
}

/// Keys of the `log` database (`Specs/Formats/LogRecord.md`). Big-endian, so key order is log
/// order within a partition.
enum LogKeys {
    static let recordKeyCount = 10

    static func record(_ partition: PartitionID, _ index: LogIndex) -> [UInt8] {
        let low = index.raw
        return [
            UInt8(partition.raw >> 8), UInt8(truncatingIfNeeded: partition.raw),
            UInt8(truncatingIfNeeded: low >> 56), UInt8(truncatingIfNeeded: low >> 48),
            UInt8(truncatingIfNeeded: low >> 40), UInt8(truncatingIfNeeded: low >> 32),
            UInt8(truncatingIfNeeded: low >> 24), UInt8(truncatingIfNeeded: low >> 16),
            UInt8(truncatingIfNeeded: low >> 8), UInt8(truncatingIfNeeded: low),
        ]
    }

    /// Nil when a foreign key lies among the records.
    static func index(of key: UnsafeRawBufferPointer) -> LogIndex? {
        guard key.count == recordKeyCount else { return nil }
        return LogIndex(
            UInt64(bigEndian: key.loadUnaligned(fromByteOffset: 2, as: UInt64.self))
        )
    }

    /// Partition, tag, and for some tags an index.
    static func meta(_ partition: PartitionID, _ tag: MetaTag, _ index: LogIndex? = nil) -> [UInt8]
    {
        var key = ByteWriter(reserving: 11)
        key.u16(partition.raw)
        key.u8(tag.rawValue)
        if let index { key.u64(index.raw) }
        return key.bytes
    }
}

extension LogFamilies {
    /// Where a partition's records and passing bodies lie, as lower ≤ key < upper.
    package static func keys(of partition: PartitionID) -> (lower: [UInt8], upper: [UInt8]) {
        let lower = Array(LogKeys.record(partition, .zero).prefix(2))
        return (lower, KeyOrder.end(ofPrefix: lower))
    }
}

/// Kinds of rows in the meta family. Numbers are on disk: never reuse one.
enum MetaTag: UInt8 {
    case hardState = 1
    case base = 2
    case loss = 3
}
