package import Primitives

/// Append messages under way to one follower, oldest first, bounded in number and bytes.
/// A ring that grows on demand: a node holds thousands of groups, most of them idle.
package struct InflightWindow: Sendable {
    private struct Flight: Sendable {
        var last: LogIndex
        var bytes: Int
    }

    private var ring: [Flight] = []
    private var start = 0
    package private(set) var count = 0
    package private(set) var bytes = 0
    private let maxCount: Int
    private let maxBytes: Int

    /// - Parameter maxBytes: 0 means no limit. It is soft: the message that reaches it is sent.
    package init(maxCount: Int, maxBytes: Int) {
        self.maxCount = maxCount
        self.maxBytes = maxBytes
    }

    package var isFull: Bool { count >= maxCount || (maxBytes != 0 && bytes >= maxBytes) }

    /// Notes a message whose last entry is at `last`.
    package mutating func add(_ last: LogIndex, bytes size: Int) {
        precondition(!isFull, "no room for another message under way")
        if count == ring.count { grow() }
        var slot = start + count
        if slot >= ring.count { slot -= ring.count }
        ring[slot] = Flight(last: last, bytes: size)
        count += 1
        bytes += size
    }

    private mutating func grow() {
        let larger = Swift.min(maxCount, Swift.max(4, ring.count * 2))
        var fresh: [Flight] = []
        fresh.reserveCapacity(larger)
        for offset in 0..<count { fresh.append(ring[(start + offset) % ring.count]) }
        while fresh.count < larger { fresh.append(Flight(last: .zero, bytes: 0)) }
        ring = fresh
        start = 0
    }

    /// Forgets the messages that end at or before `index`.
    package mutating func free(upTo index: LogIndex) {
        while count > 0, ring[start].last <= index {
            bytes -= ring[start].bytes
            count -= 1
            start += 1
            if start == ring.count { start = 0 }
        }
        if count == 0 { start = 0 }
    }

    package mutating func reset() {
        start = 0
        count = 0
        bytes = 0
    }
}
