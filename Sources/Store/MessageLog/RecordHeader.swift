package import Encryption
package import Primitives

/// What a record is. Numbers are on disk and in the chain: never reuse one.
package enum RecordKind: UInt8, Sendable, CaseIterable {
    /// Facts of one command; an empty body is the first record of a leader's term.
    case facts = 0
    /// One change of membership.
    case change = 1
    /// Several changes of membership, through a joint configuration where needed.
    case changes = 2
    /// Stands where a record was lost and the loss accepted. Folds to nothing.
    case lost = 16
    /// Says which records were lost and that the operator accepted it (`LossNotice`).
    case lossAccepted = 17
}

/// How long the body of a record lives; its header lives as long as the log (architecture 2.1).
///
/// | class     | what                                                    | body lives            |
/// |-----------|---------------------------------------------------------|-----------------------|
/// | `kept`    | events; who may see them; membership of the partition;  | until retention,      |
/// |           | keys; accepted losses                                   | redaction or erasure  |
/// | `passing` | to-device messages, receipts, one-time keys, and all    | until folding without |
/// |           | of which only the latest counts: credentials, tokens,   | it gives the same     |
/// |           | device keys, profiles, filters, account data            |                       |
///
/// A record with facts of both classes is kept. Numbers are on disk and in the chain.
package enum RetentionClass: UInt8, Sendable, CaseIterable {
    case kept = 0
    case passing = 1
}

/// The clear and permanent part of a record (`Specs/Formats/LogRecord.md`): 65 bytes, the same on
/// every replica, covered by the chain.
package struct RecordHeader: Hashable, Sendable {
    package static let count = 65
    static let version: UInt8 = 1

    package let partition: PartitionID
    package let term: Term
    package let index: LogIndex
    package let kind: RecordKind
    package let retention: RetentionClass
    package let clock: HybridTimestamp
    /// In bytes.
    package let bodyCount: UInt32
    /// SHA-256 of the body.
    package let bodyDigest: Digest

    package init(_ entry: LogEntry, in partition: PartitionID) {
        precondition(entry.body.count <= Int(UInt32.max), "a body is counted in 32 bits")
        self.partition = partition
        term = entry.term
        index = entry.index
        kind = entry.kind
        retention = entry.retention
        clock = entry.clock
        bodyCount = UInt32(entry.body.count)
        bodyDigest = Digest(of: entry.body)
    }

    func encode(into writer: inout ByteWriter) {
        writer.u8(RecordHeader.version)
        writer.u16(partition.raw)
        writer.u64(term.raw)
        writer.u64(index.raw)
        writer.u8(kind.rawValue)
        writer.u8(retention.rawValue)
        writer.u64(clock.raw)
        writer.u32(bodyCount)
        bodyDigest.withUnsafeBytes { writer.bytes.append(contentsOf: $0) }
    }

    package var encoded: [UInt8] {
        var writer = ByteWriter(reserving: RecordHeader.count)
        encode(into: &writer)
        return writer.bytes
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        let version = try reader.u8()
        guard version == RecordHeader.version else { throw .unknownVersion(UInt64(version)) }
        partition = PartitionID(try reader.u16())
        term = Term(try reader.u64())
        index = LogIndex(try reader.u64())
        let rawKind = try reader.u8()
        guard let kind = RecordKind(rawValue: rawKind) else { throw .unknownKind(UInt64(rawKind)) }
        self.kind = kind
        let rawRetention = try reader.u8()
        guard let retention = RetentionClass(rawValue: rawRetention) else {
            throw .invalid("unknown retention class \(rawRetention)")
        }
        self.retention = retention
        clock = HybridTimestamp(try reader.u64())
        bodyCount = try reader.u32()
        bodyDigest = Digest(try reader.raw(Digest.count))
    }

    /// Does this body belong to this header?
    func fits(_ body: ArraySlice<UInt8>) -> Bool {
        body.count == Int(bodyCount) && Digest(of: body) == bodyDigest
    }
}
