package import KeyValue
package import MessageLog
package import Primitives
package import Raft

/// A partition's message log as Raft reads and writes it: one log, two views (architecture 2.1).
package struct ReplicaLog<Store: KeyValueReader>: LogReader, Sendable {
    package var log: MessageLog<Store>
    /// Membership as of the applied index: what a snapshot would carry.
    package var configuration: VoterConfiguration

    package init(_ log: MessageLog<Store>, configuration: VoterConfiguration) {
        self.log = log
        self.configuration = configuration
    }

    package var firstIndex: LogIndex { log.firstIndex }
    package var lastIndex: LogIndex { log.lastIndex }

    package func term(at index: LogIndex) -> TermLookup {
        switch log.term(at: index) {
        case .term(let term): .term(term)
        case .compacted: .compacted
        case .unavailable: .unavailable
        case .damaged: .faulty
        }
    }

    package func entries(
        _ range: Range<LogIndex>,
        maxBytes: Int
    ) throws(LogReadError) -> [Entry] {
        do throws(LogError) {
            return try log.entries(range, maxBytes: maxBytes).map(Self.entry)
        } catch {
            switch error {
            case .compacted: throw .compacted
            case .damaged(_, let index, _): throw .faulty(index)
            case .beyondEnd, .refused, .store: throw .faulty(range.lowerBound)
            }
        }
    }

    /// Catch-up by snapshot comes with the cluster.
    package func snapshot() -> SnapshotMetadata? { nil }

    private static func entry(_ stored: LogEntry) -> Entry {
        switch stored.kind {
        case .change:
            Entry(term: stored.term, index: stored.index, kind: .change, payload: stored.body)
        case .changes:
            Entry(term: stored.term, index: stored.index, kind: .changeV2, payload: stored.body)
        case .facts, .lost, .lossAccepted:
            Entry(
                term: stored.term,
                index: stored.index,
                payload: stored.body.isEmpty && stored.kind == .facts && !stored.isBlank
                    ? []
                    : EntryEnvelope.encode(
                        kind: stored.isBlank ? .lost : stored.kind,
                        retention: stored.retention,
                        clock: stored.clock,
                        body: stored.body
                    )
            )
        }
    }

    /// Appends what Raft wants stored. An entry without a payload begins a leader's term.
    package mutating func write(
        _ task: AppendTask,
        replica: ReplicaID,
        clock: HybridTimestamp,
        into batch: inout WriteBatch
    ) throws {
        if let hard = task.hardState {
            log.setHardState(
                term: hard.term,
                vote: hard.vote,
                replica: replica,
                into: &batch
            )
        }
        guard !task.entries.isEmpty else { return }
        var entries: [LogEntry] = []
        entries.reserveCapacity(task.entries.count)
        for entry in task.entries {
            switch entry.kind {
            case .change, .changeV2:
                entries.append(
                    LogEntry(
                        term: entry.term,
                        index: entry.index,
                        kind: entry.kind == .change ? .change : .changes,
                        clock: clock,
                        body: entry.payload
                    )
                )
            case .normal where entry.payload.isEmpty:
                entries.append(
                    LogEntry(term: entry.term, index: entry.index, clock: clock, body: [])
                )
            case .normal:
                entries.append(
                    try EntryEnvelope.decode(
                        entry.payload,
                        term: entry.term,
                        index: entry.index
                    )
                )
            }
        }
        try log.append(entries, into: &batch)
    }
}
