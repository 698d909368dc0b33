/// What one user may read of one room, for every position of its timeline at once.
///
/// Built from two short histories: how the room's `m.room.history_visibility` changed and how the
/// user's own membership changed. A position is any number that grows along the timeline and
/// belongs to one event. The timeline folds both histories into ranges of readable positions, so
/// that judging an event is one binary search and pagination can jump over what is hidden.
///
/// The two special cases of the specification need no help from the caller: an event at a position
/// where a history changes *is* the visibility event or the user's own member event, and is readable
/// if the state before it or the state after it would allow that.
///
/// This answers "which events", not "may this user ask at all": see `mayEnter`.
package struct VisibilityTimeline: Equatable, Sendable {
    /// One change in either history: `value` holds after the event at `position`.
    package struct Change<Value: Equatable & Sendable>: Equatable, Sendable {
        package let position: UInt64
        package let value: Value

        @inlinable package init(at position: UInt64, _ value: Value) {
            self.position = position
            self.value = value
        }
    }

    /// Readable positions: ascending, not touching one another.
    package let readable: [ClosedRange<UInt64>]
    /// Whether the user ever joined.
    package let hasEverJoined: Bool
    /// The user's membership after the last change.
    package let membership: Membership
    /// The room's setting after the last change.
    package let visibility: HistoryVisibility

    /// - Parameters:
    ///   - visibility: the room's settings in ascending order of position. Before the first, `shared`.
    ///   - membership: the user's memberships in ascending order of position. Before the first,
    ///     `leave`. Empty for somebody who was never there.
    package init(
        visibility: [Change<HistoryVisibility>],
        membership: [Change<Membership>]
    ) {
        precondition(isAscending(visibility) && isAscending(membership), "histories must ascend")
        self.visibility = visibility.last?.value ?? .shared
        self.membership = membership.last?.value ?? .leave
        // The last join decides rule 3: whatever was sent before it counts as "joined later".
        let lastJoin = membership.last { $0.value == .join }?.position
        hasEverJoined = lastJoin != nil

        var ranges = RangeCollector()
        var setting = HistoryVisibility.shared
        var standing = Membership.leave
        var settings = visibility[...]
        var standings = membership[...]
        var cursor: UInt64 = 0
        func permits(_ setting: HistoryVisibility, _ standing: Membership, _ at: UInt64) -> Bool {
            setting.permits(membership: standing, joinsLater: lastJoin.map { $0 > at } ?? false)
        }
        // Between two changes the answer is constant, for `joinsLater` only turns at a change too.
        while let next = minimum(settings.first?.position, standings.first?.position) {
            if cursor < next, permits(setting, standing, cursor) {
                ranges.add(cursor...next - 1)
            }
            let (settingBefore, standingBefore) = (setting, standing)
            if let change = settings.first, change.position == next {
                setting = change.value
                settings.removeFirst()
            }
            if let change = standings.first, change.position == next {
                standing = change.value
                standings.removeFirst()
            }
            if permits(settingBefore, standingBefore, next) || permits(setting, standing, next) {
                ranges.add(next...next)
            }
            guard next < .max else {
                readable = ranges.ranges
                return
            }
            cursor = next + 1
        }
        if permits(setting, standing, cursor) { ranges.add(cursor...UInt64.max) }
        readable = ranges.ranges
    }

    /// Whether the user may ask for events of this room: a member now or once, or anybody while
    /// the room is world-readable. An invitation alone opens no timeline.
    package var mayEnter: Bool { hasEverJoined || visibility == .worldReadable }

    /// Whether the event at `position` may be read.
    package func permits(_ position: UInt64) -> Bool {
        let index = firstRange(endingAtOrAfter: position)
        return index < readable.count && readable[index].lowerBound <= position
    }

    /// The readable position closest to `position` from above, itself included.
    package func firstReadable(atOrAfter position: UInt64) -> UInt64? {
        let index = firstRange(endingAtOrAfter: position)
        guard index < readable.count else { return nil }
        return max(position, readable[index].lowerBound)
    }

    /// The readable position closest to `position` from below, itself included.
    package func lastReadable(atOrBefore position: UInt64) -> UInt64? {
        let index = firstRange(endingAtOrAfter: position)
        if index < readable.count, readable[index].lowerBound <= position { return position }
        return index > 0 ? readable[index - 1].upperBound : nil
    }

    private func firstRange(endingAtOrAfter position: UInt64) -> Int {
        var low = 0
        var high = readable.count
        while low < high {
            let middle = (low + high) / 2
            if readable[middle].upperBound < position { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// Joins ranges that touch. Ranges arrive in ascending order.
private struct RangeCollector {
    var ranges: [ClosedRange<UInt64>] = []

    mutating func add(_ range: ClosedRange<UInt64>) {
        if let last = ranges.last, last.upperBound + 1 == range.lowerBound {
            ranges[ranges.count - 1] = last.lowerBound...range.upperBound
        } else {
            ranges.append(range)
        }
    }
}

private func isAscending<Value>(_ changes: [VisibilityTimeline.Change<Value>]) -> Bool {
    zip(changes, changes.dropFirst()).allSatisfy { $0.position < $1.position }
}

private func minimum(_ a: UInt64?, _ b: UInt64?) -> UInt64? {
    guard let a, let b else { return a ?? b }
    return min(a, b)
}
