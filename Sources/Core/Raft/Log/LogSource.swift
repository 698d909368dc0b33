import Primitives

/// A log reader whose type is forgotten: one virtual call instead of code that is generic all
/// the way down, which other modules could not specialise.
class LogSource {
    var firstIndex: LogIndex { preconditionFailure("abstract") }
    var lastIndex: LogIndex { preconditionFailure("abstract") }
    func term(at index: LogIndex) -> TermLookup { preconditionFailure("abstract") }
    func entries(
        _ range: Range<LogIndex>,
        maxBytes: Int
    ) throws(LogReadError) -> [Entry] { preconditionFailure("abstract") }
    func snapshot() -> SnapshotMetadata? { preconditionFailure("abstract") }
    var isDamaged: Bool { preconditionFailure("abstract") }
}

/// Holds a reader. Shared by copies of a replica until one of them changes it.
final class LogBox<Log: LogReader>: LogSource {
    var log: Log

    init(_ log: Log) { self.log = log }

    override var firstIndex: LogIndex { log.firstIndex }
    override var lastIndex: LogIndex { log.lastIndex }
    override func term(at index: LogIndex) -> TermLookup { log.term(at: index) }
    override func entries(
        _ range: Range<LogIndex>,
        maxBytes: Int
    ) throws(LogReadError) -> [Entry] { try log.entries(range, maxBytes: maxBytes) }
    override func snapshot() -> SnapshotMetadata? { log.snapshot() }
    override var isDamaged: Bool { log.isDamaged }
}
