package import Primitives

/// What a log can say about one index.
package enum TermLookup: Hashable, Sendable {
    case term(Term)
    /// Trimmed away.
    case compacted
    /// Not there yet.
    case unavailable
    /// There, but damaged.
    case faulty
}

/// Why a range of entries could not be read.
package enum LogReadError: Error, Hashable, Sendable {
    case compacted
    case faulty(LogIndex)
}

/// The stored log of one replica, read synchronously. Used as a generic parameter only.
///
/// It shows what append tasks wrote, in the order they were done; the replica itself remembers
/// what is still under way.
package protocol LogReader {
    /// The first index that can be read: one above what was trimmed or came by snapshot.
    var firstIndex: LogIndex { get }
    /// The last index written; `firstIndex - 1` if there is none.
    var lastIndex: LogIndex { get }
    /// Answers for `firstIndex - 1 ... lastIndex`.
    func term(at index: LogIndex) -> TermLookup
    /// Entries in `range`, as many as fit in `maxBytes` (by `Entry.byteSize`) but at least one.
    func entries(_ range: Range<LogIndex>, maxBytes: Int) throws(LogReadError) -> [Entry]
    /// The newest snapshot a follower could be given, or nil if none is ready yet. To help a
    /// newcomer it must be taken at or after the index at which the newcomer was added.
    func snapshot() -> SnapshotMetadata?
    /// Whether some entry that others may need, or that is not applied yet, cannot be read. Such a
    /// replica votes and acknowledges but does not campaign. The default is false.
    var isDamaged: Bool { get }
}

extension LogReader {
    package var isDamaged: Bool { false }
}

/// The longest prefix of at most `maxBytes`, but at least one entry.
package func prefix(of entries: ArraySlice<Entry>, maxBytes: Int) -> ArraySlice<Entry> {
    guard var end = entries.indices.first else { return entries }
    var size = entries[end].byteSize
    end += 1
    while end < entries.endIndex {
        size += entries[end].byteSize
        if size > maxBytes { break }
        end += 1
    }
    return entries[..<end]
}
