import Keyspace
import Homeserver
import MatrixModel
import Primitives
import Projections
import Sync

/// Turns rows into events as clients see them: opens, writes, and keeps what it made.
package final class EventRenderer: Sendable {
    let opener: EventOpener
    let cache: EventCache

    package init(opener: EventOpener, cacheBytes: Int) {
        self.opener = opener
        cache = EventCache(bytes: cacheBytes)
    }

    /// Call it when keys were destroyed.
    package func forgetEverything() {
        opener.forgetKeys()
        cache.removeAll()
    }

    /// - Parameter bytes: a stored event; valid during the call only.
    func render(
        _ bytes: UnsafeRawBufferPointer,
        at position: StreamPosition,
        in partition: PartitionID,
        roomID: String,
        version: RoomVersion?
    ) throws -> RenderedEvent {
        let key = EventCache.Key(partition: partition.raw, position: position.raw)
        if let known = cache.find(key, rowBytes: bytes.count) { return known }
        let round = cache.round(key)
        let row = try EventRow(Array(bytes)[...])
        let event = try render(row, at: position, roomID: roomID, version: version)
        cache.keep(event, key, rowBytes: bytes.count, round: round)
        return event
    }

    /// Not kept: for copies of events outside their room's timeline.
    func render(
        _ row: EventRow,
        at position: StreamPosition,
        roomID: String,
        version: RoomVersion?
    ) throws -> RenderedEvent {
        let opened = try opener.open(row, roomID: roomID, version: version)
        return RenderedEvent(
            position: position.raw,
            eventID: row.eventID,
            type: row.type,
            stateKey: row.stateKey,
            sender: row.sender,
            timestamp: row.timestamp,
            redacts: row.redacts,
            redactedBy: row.redactedBy,
            threadRoot: row.relation.flatMap { $0.kind == "m.thread" ? $0.eventID : nil },
            device: row.device,
            transactionID: row.transactionID,
            isErased: opened.isErased,
            content: opened.content
        )
    }
}
