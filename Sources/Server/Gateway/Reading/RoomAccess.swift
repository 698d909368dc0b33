import KeyValue
import Keyspace
import MatrixModel
import MatrixRules
import Primitives
import Projections
import Sync

/// A room as one reader may see it: which events, and state as of when.
struct RoomAccess<Store: KeyValueReader> {
    let rows: RoomRows<Store>
    let userID: String
    let memberships: [VisibilityTimeline.Change<Membership>]
    let visible: VisibilityTimeline
    /// State is shown as it stood right before this; nil for now.
    let stateEnd: StreamPosition?

    init(_ rows: RoomRows<Store>, userID: String) throws {
        self.rows = rows
        self.userID = userID
        memberships = try rows.memberships(of: userID)
        visible = VisibilityTimeline(
            visibility: try rows.visibilities(),
            membership: memberships
        )
        stateEnd = Self.stateEnd(memberships)
    }

    /// Right after the event by which the user left for the last time; nil while they are in, and
    /// for somebody who never was.
    private static func stateEnd(
        _ memberships: [VisibilityTimeline.Change<Membership>]
    ) -> StreamPosition? {
        guard let join = memberships.lastIndex(where: { $0.value == .join }),
            join + 1 < memberships.count
        else { return nil }
        return StreamPosition(memberships[join + 1].position).next
    }

    var isJoined: Bool { visible.membership == .join }

    func permits(_ event: RenderedEvent) -> Bool { visible.permits(event.position) }

    /// The place itself where it follows on an event that the reader may see; else the next one
    /// before such an event. Whoever may not see a stretch learns no state of it.
    func visibleEnd(_ place: StreamPosition) -> StreamPosition {
        if place.raw > 0, visible.permits(place.raw - 1) { return place }
        return visible.firstReadable(atOrAfter: place.raw).map { StreamPosition($0) } ?? place
    }

    /// The user's membership at an event; of their own member event, what it made them.
    func membership(at position: UInt64) -> Membership {
        memberships.last { $0.position <= position }?.value ?? .leave
    }

    /// Where the last stay began: what was sent before counts as read.
    var lastJoin: UInt64 {
        var start: UInt64 = 0
        var isIn = false
        for change in memberships {
            if change.value == .join, !isIn { start = change.position }
            isIn = change.value == .join
        }
        return start
    }

    /// The event with everything this reader is told about it.
    func extras(_ event: RenderedEvent, for requester: Requester) throws -> EventExtras {
        var extras = EventExtras(event)
        if event.device == requester.deviceID, event.sender == requester.userID {
            extras.transactionID = event.transactionID
        }
        extras.membership = membership(at: event.position).word
        extras.redactedBecause = try redaction(of: event)
        if let stateKey = event.stateKey {
            let before = try rows.state(
                event.type,
                stateKey,
                before: StreamPosition(event.position)
            )
            // A member knows the state they came into; anybody else only what they may read.
            if let before, permits(before) || isJoined { extras.replaced = before }
        }
        return extras
    }

    /// Why an event is empty, as far as the reader may see that: who left is not told what was
    /// taken back later, only no longer shown it.
    private func redaction(of event: RenderedEvent) throws -> RenderedEvent? {
        guard let id = event.redactedBy, let redaction = try rows.event(id) else { return nil }
        return permits(redaction) ? redaction : nil
    }

    /// An event of a whole room state.
    func stateExtras(_ event: RenderedEvent) throws -> EventExtras {
        EventExtras(event, redactedBecause: try redaction(of: event))
    }

    /// Events with `lower ≤ position < upper` that the reader may see, in the order of `reverse`.
    /// Hidden stretches are jumped over. `body` returns false to stop.
    func timeline(
        from lower: StreamPosition,
        to upper: StreamPosition,
        reverse: Bool,
        _ body: (RoomRows<Store>.Passing) throws -> Bool
    ) throws {
        var goesOn = true
        let ranges = visible.readable.filter {
            $0.upperBound >= lower.raw && $0.lowerBound < upper.raw
        }
        for range in reverse ? ranges.reversed() : ranges where goesOn {
            let start = max(lower, StreamPosition(range.lowerBound))
            let end =
                range.upperBound >= upper.raw ? upper : StreamPosition(range.upperBound + 1)
            try rows.timeline(from: start, to: end, reverse: reverse) {
                goesOn = try body($0)
                return goesOn
            }
        }
    }
}
