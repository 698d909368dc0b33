package import Encryption
package import Primitives

/// What a node remembers outside the database about what it has promised (architecture 2.5), so
/// that a database which lost its end is noticed. Lags behind the log by at most one turn.
package struct Mark: Hashable, Sendable {
    /// Counts the marks written; the higher of two slots is the newer.
    package var sequence: UInt64
    /// Raised at every start of the node; peers refuse a lower one.
    package var incarnation: UInt64
    /// One per partition, in order of partition.
    package private(set) var entries: [MarkEntry]

    package init(sequence: UInt64 = 0, incarnation: UInt64, entries: [MarkEntry] = []) {
        self.sequence = sequence
        self.incarnation = incarnation
        self.entries = entries.sorted { $0.partition < $1.partition }
    }

    package func entry(for partition: PartitionID) -> MarkEntry? {
        position(of: partition).found.map { entries[$0] }
    }

    /// What a mark that exists says about a partition, also when it names none: then at most the
    /// turn that made the partition is missing from the mark, so nothing was promised.
    package func expectation(for partition: PartitionID) -> MarkEntry {
        entry(for: partition)
            ?? MarkEntry(
                partition: partition,
                hardState: LogHardState(),
                lastIndex: .zero,
                chain: .zero
            )
    }

    /// Replaces or adds what is remembered about one partition.
    package mutating func set(_ entry: MarkEntry) {
        let place = position(of: entry.partition)
        if let found = place.found {
            entries[found] = entry
        } else {
            entries.insert(entry, at: place.insertion)
        }
    }

    package mutating func remove(_ partition: PartitionID) {
        if let found = position(of: partition).found { entries.remove(at: found) }
    }

    private func position(of partition: PartitionID) -> (found: Int?, insertion: Int) {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].partition < partition { low = middle + 1 } else { high = middle }
        }
        let found = low < entries.count && entries[low].partition == partition
        return (found ? low : nil, low)
    }
}

/// What the mark holds about one partition: as it was durable when the mark was written.
package struct MarkEntry: Hashable, Sendable {
    package let partition: PartitionID
    package var hardState: LogHardState
    package var lastIndex: LogIndex
    package var chain: Digest

    package init(
        partition: PartitionID,
        hardState: LogHardState,
        lastIndex: LogIndex,
        chain: Digest
    ) {
        self.partition = partition
        self.hardState = hardState
        self.lastIndex = lastIndex
        self.chain = chain
    }
}

extension MessageLog {
    /// What the mark must say once the disk has everything up to the log's end.
    package var markEntry: MarkEntry {
        MarkEntry(
            partition: partition,
            hardState: hardState,
            lastIndex: tail.index,
            chain: tail.chain
        )
    }
}

/// The bytes of a mark file (`Specs/Formats/Mark.md`): two slots of equal size, written in turn.
package enum MarkCodec {
    private static let magic = Array("WBLMARK1".utf8)
    private static let headerCount = 8 + 8 + 8 + 4 + 4
    private static let entryCount = 2 + 8 + 8 + 8 + 8 + 8 + Digest.count
    private static let checksumCount = 4

    /// Bytes of one slot with room for that many partitions: a multiple of 4,096.
    package static func slotCount(partitions: Int) -> Int {
        let needed = headerCount + entryCount * partitions + checksumCount
        return (needed + 4_095) / 4_096 * 4_096
    }

    /// One slot's bytes, without the zeros that fill it.
    package static func encode(_ mark: Mark) -> [UInt8] {
        var writer = ByteWriter(
            reserving: headerCount + entryCount * mark.entries.count + checksumCount
        )
        writer.raw(magic)
        writer.u64(mark.sequence)
        writer.u64(mark.incarnation)
        writer.u32(UInt32(mark.entries.count))
        writer.u32(UInt32(entryCount))
        for entry in mark.entries {
            writer.u16(entry.partition.raw)
            writer.u64(entry.hardState.replica.raw)
            writer.u64(entry.hardState.term.raw)
            writer.u64(entry.hardState.vote.raw)
            writer.u64(entry.hardState.cuts)
            writer.u64(entry.lastIndex.raw)
            entry.chain.withUnsafeBytes { writer.bytes.append(contentsOf: $0) }
        }
        writer.u32(CRC32C.of(writer.bytes))
        return writer.bytes
    }

    /// Reads one slot; throws for anything but whole bytes.
    package static func decode(slot: ArraySlice<UInt8>) throws(DecodeError) -> Mark {
        var reader = ByteReader(slot)
        guard Array(try reader.raw(magic.count)) == magic else { throw .invalid("not a mark") }
        let sequence = try reader.u64()
        let incarnation = try reader.u64()
        let count = Int(try reader.u32())
        guard try reader.u32() == UInt32(entryCount) else { throw .invalid("another layout") }
        guard count <= Int(UInt16.max) + 1 else { throw .invalid("\(count) partitions") }
        var entries: [MarkEntry] = []
        entries.reserveCapacity(min(count, reader.remaining / entryCount))
        for _ in 0..<count {
            let partition = PartitionID(try reader.u16())
            let hardState = LogHardState(
                replica: ReplicaID(try reader.u64()),
                term: Term(try reader.u64()),
                vote: ReplicaID(try reader.u64()),
                cuts: try reader.u64()
            )
            let lastIndex = LogIndex(try reader.u64())
            let chain = Digest(try reader.raw(Digest.count))
            entries.append(
                MarkEntry(
                    partition: partition,
                    hardState: hardState,
                    lastIndex: lastIndex,
                    chain: chain
                )
            )
        }
        let covered = slot.count - reader.remaining
        guard CRC32C.of(slot.prefix(covered)) == (try reader.u32()) else {
            throw .invalid("bad checksum")
        }
        return Mark(sequence: sequence, incarnation: incarnation, entries: entries)
    }

    /// The newer of the readable slots of a file, or nil when neither is: the mark is gone.
    package static func newest(in file: [UInt8]) -> Mark? {
        let half = file.count / 2
        let slots = [file[..<half], file[half..<(half * 2)]]
        return slots.compactMap { try? decode(slot: $0) }.max { $0.sequence < $1.sequence }
    }
}
