package import Encryption
package import KeyValue
package import Primitives

/// A record on its way into the log, or read back from it.
package struct LogEntry: Hashable, Sendable {
    package var term: Term
    package var index: LogIndex
    package var kind: RecordKind
    package var retention: RetentionClass
    package var clock: HybridTimestamp
    package var body: [UInt8]
    /// Its body is gone: pruned, or lost and accepted. Folding it is a no-op that uses up its
    /// index.
    package private(set) var isBlank: Bool

    package init(
        term: Term,
        index: LogIndex,
        kind: RecordKind = .facts,
        retention: RetentionClass = .kept,
        clock: HybridTimestamp,
        body: [UInt8]
    ) {
        self.term = term
        self.index = index
        self.kind = kind
        self.retention = retention
        self.clock = clock
        self.body = body
        isBlank = kind == .lost
    }

    init(_ header: RecordHeader, body: [UInt8]?) {
        self.init(
            term: header.term,
            index: header.index,
            kind: header.kind,
            retention: header.retention,
            clock: header.clock,
            body: body ?? []
        )
        if body == nil { isBlank = true }
    }

    mutating func blank() {
        body = []
        isBlank = true
    }

    /// What an entry costs beside its body when batches and the cache are measured.
    package static let overheadBytes = 24
    package var byteSize: Int { body.count + LogEntry.overheadBytes }
}

/// What travels as the payload of a normal Raft entry: all that a replica needs to build the same
/// header as the leader. Membership changes and the empty first entry of a term travel bare.
package enum EntryEnvelope {
    package static let overhead = 11
    private static let version: UInt8 = 1

    package static func encode(
        kind: RecordKind = .facts,
        retention: RetentionClass,
        clock: HybridTimestamp,
        body: [UInt8]
    ) -> [UInt8] {
        var writer = ByteWriter(reserving: overhead + body.count)
        writer.u8(version)
        writer.u8(kind.rawValue)
        writer.u8(retention.rawValue)
        writer.u64(clock.raw)
        writer.raw(body)
        return writer.bytes
    }

    package static func decode(
        _ payload: [UInt8],
        term: Term,
        index: LogIndex
    ) throws(DecodeError) -> LogEntry {
        var reader = ByteReader(payload)
        let version = try reader.u8()
        guard version == EntryEnvelope.version else { throw .unknownVersion(UInt64(version)) }
        let rawKind = try reader.u8()
        guard let kind = RecordKind(rawValue: rawKind) else { throw .unknownKind(UInt64(rawKind)) }
        let rawRetention = try reader.u8()
        guard let retention = RetentionClass(rawValue: rawRetention) else {
            throw .invalid("unknown retention class \(rawRetention)")
        }
        let clock = HybridTimestamp(try reader.u64())
        return LogEntry(
            term: term,
            index: index,
            kind: kind,
            retention: retention,
            clock: clock,
            body: Array(reader.rest())
        )
    }
}

/// The end of a partition's log: what the next record builds on and what the mark remembers.
package struct LogTail: Hashable, Sendable {
    package var index: LogIndex
    package var term: Term
    package var clock: HybridTimestamp
    package var chain: Digest

    /// Before the first record.
    package static let zero = LogTail(index: .zero, term: .zero, clock: .zero, chain: .zero)

    package init(index: LogIndex, term: Term, clock: HybridTimestamp, chain: Digest) {
        self.index = index
        self.term = term
        self.clock = clock
        self.chain = chain
    }
}

/// A stored record with all that proves it.
package struct LogRecord: Hashable, Sendable {
    package let header: RecordHeader
    /// The chain value up to and including this record.
    package let chain: Digest
    /// Nil when blank.
    package let body: [UInt8]?

    package var entry: LogEntry { LogEntry(header, body: body) }
    var tail: LogTail {
        LogTail(index: header.index, term: header.term, clock: header.clock, chain: chain)
    }
}

/// What the log can say about the term of one index.
package enum LogTerm: Hashable, Sendable {
    case term(Term)
    /// Removed, or before the snapshot the log began with.
    case compacted
    /// Not there yet.
    case unavailable
    /// There, but damaged.
    case damaged
}

/// Why something could not be read from a log.
package enum LogError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Removed: the log begins at this index.
    case compacted(first: LogIndex)
    /// Not there yet: the log ends at this index.
    case beyondEnd(last: LogIndex)
    /// The record is there but not what was written: a hole.
    case damaged(PartitionID, LogIndex, String)
    /// A change that the log's state does not allow.
    case refused(String)
    /// The database below could not be read.
    case store(StoreError)

    package var description: String {
        switch self {
        case .compacted(let first): "the log begins at \(first)"
        case .beyondEnd(let last): "the log ends at \(last)"
        case .damaged(let partition, let index, let why):
            "record \(index) of partition \(partition) is damaged: \(why)"
        case .refused(let why): why
        case .store(let error): error.description
        }
    }
}
