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

    /// The state as it stood right before `place`, as far as it is the reader's to know: who is in,
    /// or looks in while the room is open to all, knows it at every place that they may read up
    /// to; who went, at none after that; anybody else knows the events that they may read.
    func state(
        before place: StreamPosition,
        _ range: RoomRows<Store>.StateRange,
        _ body: (RenderedEvent) throws -> Bool
    ) throws {
        guard let end = knownEnd(place) else {
            return try rows.state(before: place, range) { try permits($0) ? body($0) : true }
        }
        try rows.state(before: end, range, body)
    }

    /// What a state key held right before `place`, under the same rule.
    func state(
        _ type: String,
        _ stateKey: String,
        before place: StreamPosition
    ) throws -> RenderedEvent? {
        let end = knownEnd(place)
        let event = try rows.state(type, stateKey, before: end ?? place)
        return end != nil || event.map(permits) == true ? event : nil
    }

    /// Where whole state is read for `place`; nil for a reader who knows single events only.
    private func knownEnd(_ place: StreamPosition) -> StreamPosition? {
        let end = visibleEnd(place)
        if isJoined || visible.visibility == .worldReadable { return end }
        return stateEnd.map { min(end, $0) }
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
            // A member knows the state that each event they may read came upon; anybody else only
            // what they may read.
            if let before, permits(before) || isJoined && permits(event) {
                extras.replaced = before
            }
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
    /// Hidden stretches are jumped over. `body` returns false to stop, and so does `jump`, which is
    /// asked before each hidden stretch that follows on something read or lies at the far end.
    func timeline(
        from lower: StreamPosition,
        to upper: StreamPosition,
        reverse: Bool,
        jump: (Range<StreamPosition>) throws -> Bool = { _ in true },
        _ body: (RoomRows<Store>.Passing) throws -> Bool
    ) throws {
        var goesOn = true
        var reached: StreamPosition?
        func jumps(to place: StreamPosition) throws -> Bool {
            guard let reached, reached != place else { return true }
            return try jump(min(reached, place)..<max(reached, place))
        }
        let ranges = visible.readable.filter {
            $0.upperBound >= lower.raw && $0.lowerBound < upper.raw
        }
        for range in reverse ? ranges.reversed() : ranges where goesOn {
            let start = max(lower, StreamPosition(range.lowerBound))
            let end =
                range.upperBound >= upper.raw ? upper : StreamPosition(range.upperBound + 1)
            guard try jumps(to: reverse ? end : start) else { return }
            reached = reverse ? start : end
            try rows.timeline(from: start, to: end, reverse: reverse) {
                goesOn = try body($0)
                return goesOn
            }
        }
        if goesOn { _ = try jumps(to: reverse ? lower : upper) }
    }
}
