package import Primitives

extension Message {
    private static let version: UInt8 = 1
    /// More than any sender puts in one message: a bound for what a receiver allocates.
    private static let maxEntries = 1 << 20

    private struct Flags: OptionSet {
        let rawValue: UInt8
        static let rejects = Flags(rawValue: 1)
        static let isForced = Flags(rawValue: 2)
        static let hasSnapshot = Flags(rawValue: 4)
    }

    /// Version, kind, flags, nine numbers, entries, snapshot. Numbers are varints.
    package func encode(into writer: inout ByteWriter) {
        writer.u8(Self.version)
        writer.u8(kind.rawValue)
        var flags: Flags = []
        if rejects { flags.insert(.rejects) }
        if isForced { flags.insert(.isForced) }
        if snapshot != nil { flags.insert(.hasSnapshot) }
        writer.u8(flags.rawValue)
        writer.varint(from.raw)
        writer.varint(to.raw)
        writer.varint(term.raw)
        writer.varint(logTerm.raw)
        writer.varint(index.raw)
        writer.varint(commit.raw)
        writer.varint(rejectHint.raw)
        writer.varint(context)
        writer.varint(entries.count)
        for entry in entries {
            writer.varint(entry.term.raw)
            writer.varint(entry.index.raw)
            writer.u8(entry.kind.rawValue)
            writer.blob(entry.payload)
        }
        if let snapshot { snapshot.encode(into: &writer) }
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        let version = try reader.u8()
        guard version == Self.version else { throw .unknownVersion(UInt64(version)) }
        let rawKind = try reader.u8()
        guard let kind = MessageKind(rawValue: rawKind) else {
            throw .unknownKind(UInt64(rawKind))
        }
        let flags = Flags(rawValue: try reader.u8())
        let from = ReplicaID(try reader.varint())
        self.init(kind, from: from, to: ReplicaID(try reader.varint()))
        rejects = flags.contains(.rejects)
        isForced = flags.contains(.isForced)
        term = Term(try reader.varint())
        logTerm = Term(try reader.varint())
        index = LogIndex(try reader.varint())
        commit = LogIndex(try reader.varint())
        rejectHint = LogIndex(try reader.varint())
        context = try reader.varint()
        let count = try reader.count(limit: min(Self.maxEntries, reader.remaining))
        entries.reserveCapacity(count)
        for _ in 0..<count {
            let term = Term(try reader.varint())
            let index = LogIndex(try reader.varint())
            let rawKind = try reader.u8()
            guard let kind = EntryKind(rawValue: rawKind) else {
                throw .unknownKind(UInt64(rawKind))
            }
            if self.kind != .propose, let last = entries.last,
                index.raw != last.index.raw &+ 1 || term < last.term
            {
                throw .invalid("entries are out of order")
            }
            entries.append(
                Entry(term: term, index: index, kind: kind, payload: Array(try reader.blob()))
            )
        }
        if flags.contains(.hasSnapshot) { snapshot = try SnapshotMetadata(from: &reader) }
    }
}

extension SnapshotMetadata {
    /// Index, term, configuration.
    package func encode(into writer: inout ByteWriter) {
        writer.varint(index.raw)
        writer.varint(term.raw)
        configuration.encode(into: &writer)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        let index = LogIndex(try reader.varint())
        let term = Term(try reader.varint())
        self.init(
            index: index,
            term: term,
            configuration: try VoterConfiguration(from: &reader)
        )
    }
}

extension VoterConfiguration {
    private static let maxMembers = 1 << 12

    /// Four lists, each with its length, and whether a joint configuration ends by itself.
    package func encode(into writer: inout ByteWriter) {
        for list in [voters, outgoingVoters, learners, nextLearners] {
            writer.varint(list.count)
            for id in list { writer.varint(id.raw) }
        }
        writer.bool(autoLeave)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        var lists: [[ReplicaID]] = []
        for _ in 0..<4 {
            let count = try reader.count(limit: min(Self.maxMembers, reader.remaining))
            var list: [ReplicaID] = []
            for _ in 0..<count { list.append(ReplicaID(try reader.varint())) }
            lists.append(list)
        }
        self.init(
            voters: lists[0],
            outgoingVoters: lists[1],
            learners: lists[2],
            nextLearners: lists[3],
            autoLeave: try reader.bool()
        )
        if let problem = inconsistency { throw .invalid(problem) }
    }
}
