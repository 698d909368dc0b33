package import KeyValue
package import MessageLog
package import Primitives
import Projections

/// How each partition's log is found and judged: by a node that starts, and by an operator who
/// looks at a stopped one. One place, so that the two never differ.
package struct LogRecovery<Log: KeyValueReader, Rows: KeyValueReader>: Sendable {
    package let log: Log
    package let rows: Rows
    /// As it was before this start; nil when it is gone.
    package let mark: Mark?
    package var settings = MessageLogSettings()

    package init(log: Log, rows: Rows, mark: Mark?) {
        self.log = log
        self.rows = rows
        self.mark = mark
    }

    package func recover(_ partition: PartitionID) throws -> RecoveredLog<Log> {
        try MessageLog.recover(
            partition,
            from: log,
            mark: mark?.expectation(for: partition),
            applied: applied(partition),
            settings: settings
        )
    }

    /// Reads all of one partition's log.
    package func examine(
        _ partition: PartitionID,
        progress: (LogIndex) -> Void = { _ in }
    ) throws -> LogExamination {
        try recover(partition).examine(
            mark: mark?.expectation(for: partition),
            applied: applied(partition),
            progress: progress
        )
    }

    /// The last index whose rows are stored.
    package func applied(_ partition: PartitionID) throws -> LogIndex {
        try StateReader(partition, rows).applied?.index ?? .zero
    }

    /// Why a node must not start with this log: its end was lost, or its rows must still be
    /// folded across a damaged record.
    package func stops(_ verdict: MarkVerdict, _ partition: PartitionID) throws -> Bool {
        switch verdict {
        case .clean: false
        case .amnesia: true
        case .hole(let indexes):
            try (indexes.last ?? .zero) > applied(partition)
        }
    }
}
