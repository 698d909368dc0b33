internal import Encryption
package import Primitives

/// What a replica may not forget beside its log: written only when it changes.
package struct LogHardState: Hashable, Sendable {
    package var replica: ReplicaID
    package var term: Term
    package var vote: ReplicaID
    /// How often a suffix of this log was cut off or the log was replaced. It tells a log that
    /// was cut on purpose from one that lost its end (`Mark`).
    package internal(set) var cuts: UInt64

    package init(
        replica: ReplicaID = .none,
        term: Term = .zero,
        vote: ReplicaID = .none,
        cuts: UInt64 = 0
    ) {
        self.replica = replica
        self.term = term
        self.vote = vote
        self.cuts = cuts
    }

    var row: [UInt8] {
        checked {
            $0.u64(replica.raw)
            $0.u64(term.raw)
            $0.u64(vote.raw)
            $0.u64(cuts)
        }
    }

    init(row: [UInt8]) throws(DecodeError) {
        var reader = try checkedReader(row)
        replica = ReplicaID(try reader.u64())
        term = Term(try reader.u64())
        vote = ReplicaID(try reader.u64())
        cuts = try reader.u64()
        try reader.expectEnd()
    }
}

extension LogTail {
    /// As a base row: the last record that is not in the log any more.
    var row: [UInt8] {
        checked {
            $0.u64(index.raw)
            $0.u64(term.raw)
            $0.u64(clock.raw)
            $0.raw(chain.bytes)
        }
    }

    init(row: [UInt8]) throws(DecodeError) {
        var reader = try checkedReader(row)
        index = LogIndex(try reader.u64())
        term = Term(try reader.u64())
        clock = HybridTimestamp(try reader.u64())
        chain = Digest(try reader.raw(Digest.count))
        try reader.expectEnd()
    }
}

/// A range of records that was lost and accepted as lost.
package struct AcceptedLoss: Hashable, Sendable {
    package let first: LogIndex
    package let last: LogIndex
    /// SHA-256 of header and chain value of the record behind the loss, which has nothing before
    /// it to be checked against any more. Nil when the loss was the end of the log.
    let anchor: Digest?

    var row: [UInt8] {
        checked {
            $0.u64(last.raw)
            $0.bool(anchor != nil)
            $0.raw((anchor ?? .zero).bytes)
        }
    }

    init(first: LogIndex, last: LogIndex, anchor: Digest?) {
        self.first = first
        self.last = last
        self.anchor = anchor
    }

    init(first: LogIndex, row: [UInt8]) throws(DecodeError) {
        var reader = try checkedReader(row)
        self.first = first
        last = LogIndex(try reader.u64())
        let anchored = try reader.bool()
        let digest = Digest(try reader.raw(Digest.count))
        anchor = anchored ? digest : nil
        try reader.expectEnd()
    }
}

/// Body of a `lossAccepted` record.
package struct LossNotice: Hashable, Sendable {
    package let first: LogIndex
    package let last: LogIndex
    package let reason: String

    package init(first: LogIndex, last: LogIndex, reason: String) {
        self.first = first
        self.last = last
        self.reason = reason
    }

    package var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.u8(1)
        writer.u64(first.raw)
        writer.u64(last.raw)
        writer.string(reason)
        return writer.bytes
    }

    package init(decoding bytes: [UInt8]) throws(DecodeError) {
        var reader = ByteReader(bytes)
        let version = try reader.u8()
        guard version == 1 else { throw .unknownVersion(UInt64(version)) }
        first = LogIndex(try reader.u64())
        last = LogIndex(try reader.u64())
        reason = try reader.string()
        try reader.expectEnd()
    }
}

// Meta rows carry their own checksum: a vote or a base that changed by itself must never be
// believed, whatever the store's own checks are worth.
private func checked(_ build: (inout ByteWriter) -> Void) -> [UInt8] {
    var writer = ByteWriter(reserving: 80)
    writer.u8(1)
    build(&writer)
    writer.u32(CRC32C.of(writer.bytes))
    return writer.bytes
}

private func checkedReader(_ row: [UInt8]) throws(DecodeError) -> ByteReader {
    guard row.count >= 5 else { throw .truncated(needed: 5, left: row.count) }
    let end = row.count - 4
    var stored = ByteReader(row[end...])
    guard CRC32C.of(row[..<end]) == (try stored.u32()) else { throw .invalid("bad checksum") }
    var reader = ByteReader(row[..<end])
    let version = try reader.u8()
    guard version == 1 else { throw .unknownVersion(UInt64(version)) }
    return reader
}
