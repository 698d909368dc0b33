import Primitives
import Sync
import Synchronization

/// Opened events, shared by all readers, bounded by bytes. An entry is good for one row of one
/// length: a redaction shortens the row (the sealed part, never below 55 bytes, gives way to an
/// event ID), so a stale entry does not match. Destroyed keys empty the whole cache.
///
/// Two generations per shard: what was used since the last turn survives the next one.
package final class EventCache: Sendable {
    struct Key: Hashable {
        let partition: UInt16
        let position: UInt64
    }

    private struct Entry {
        let event: RenderedEvent
        let rowBytes: Int
    }

    private struct Shard: Sendable {
        var young: [Key: Entry] = [:]
        var old: [Key: Entry] = [:]
        var youngBytes = 0
        var round: UInt64 = 0
    }

    private static let shardCount = 16
    private let shards: [ShardBox]
    private let shardBytes: Int

    private final class ShardBox: Sendable {
        let shard = Mutex(Shard())
    }

    /// - Parameter bytes: about how much memory to take at most.
    package init(bytes: Int) {
        shards = (0..<Self.shardCount).map { _ in ShardBox() }
        shardBytes = max(4_096, bytes / Self.shardCount / 2)
    }

    private func box(_ key: Key) -> ShardBox {
        shards[Int(truncatingIfNeeded: key.position ^ key.position >> 10) & (Self.shardCount - 1)]
    }

    func find(_ key: Key, rowBytes: Int) -> RenderedEvent? {
        box(key).shard.withLock { shard in
            if let entry = shard.young[key] {
                return entry.rowBytes == rowBytes ? entry.event : nil
            }
            guard let entry = shard.old[key], entry.rowBytes == rowBytes else { return nil }
            insert(entry, key, into: &shard)
            return entry.event
        }
    }

    /// To be read before opening: `keep` refuses what was opened under an earlier round.
    func round(_ key: Key) -> UInt64 { box(key).shard.withLock { $0.round } }

    func keep(_ event: RenderedEvent, _ key: Key, rowBytes: Int, round: UInt64) {
        box(key).shard.withLock { shard in
            guard shard.round == round else { return }
            insert(Entry(event: event, rowBytes: rowBytes), key, into: &shard)
        }
    }

    private func insert(_ entry: Entry, _ key: Key, into shard: inout Shard) {
        if shard.youngBytes + entry.event.cost > shardBytes {
            shard.old = shard.young
            shard.young = [:]
            shard.youngBytes = 0
        }
        if let replaced = shard.young.updateValue(entry, forKey: key) {
            shard.youngBytes -= replaced.event.cost
        }
        shard.youngBytes += entry.event.cost
    }

    /// Forgets everything, and whatever is being opened just now.
    package func removeAll() {
        for box in shards {
            box.shard.withLock {
                $0.young = [:]
                $0.old = [:]
                $0.youngBytes = 0
                $0.round += 1
            }
        }
    }
}
