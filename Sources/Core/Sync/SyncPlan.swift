import MatrixRules
package import Primitives

/// Which rooms a sync must look at, from where to where, and the token that follows. Made from
/// the account's own records, the token and the applied positions, before any room is read.
package struct SyncPlan: Sendable {
    /// One room of the answer. Ranges are half-open in log indexes of the room's partition:
    /// after `since`, up to and including `until`.
    package enum Section: Hashable, Sendable {
        /// The user is in the room. `since` is nil when the room is new to this client: it gets
        /// the whole state and the newest events, whatever the token says.
        case join(since: LogIndex?, until: LogIndex, activity: RoomActivity)
        /// The user was in the room, up to the event at `last`. `since` as above.
        case leave(since: LogIndex?, last: UInt64)
        case invite
        case knock
    }

    package struct Room: Sendable {
        /// Index into the standings the plan was made from.
        package let standing: Int
        package let section: Section
    }

    package let rooms: [Room]
    /// Account data set after `accountSince` (nil: all of it) and up to `accountUntil`; nothing
    /// to read when `accountIsQuiet`.
    package let accountSince: LogIndex?
    package let accountUntil: LogIndex
    package let accountIsQuiet: Bool
    package let next: StreamToken
}

/// The records and positions a plan is made from.
package struct SyncPlanner: Sendable {
    package var since: StreamToken?
    package var incarnation: UInt64
    package var account: PartitionID
    package var fullState: Bool
    package var includeLeave: Bool
    /// Nothing of the account changed since the token, as far as the node knows.
    package var accountIsQuiet: Bool
    package var typing: TypingMark

    package init(
        since: StreamToken?,
        incarnation: UInt64,
        account: PartitionID,
        fullState: Bool,
        includeLeave: Bool,
        accountIsQuiet: Bool,
        typing: TypingMark
    ) {
        // A token of another incarnation counts positions of another history: start anew.
        self.since = since.flatMap { $0.incarnation == incarnation ? $0 : nil }
        self.incarnation = incarnation
        self.account = account
        self.fullState = fullState
        self.includeLeave = includeLeave
        self.accountIsQuiet = accountIsQuiet
        self.typing = typing
    }

    /// - Parameters:
    ///   - applied: how far this node has applied each partition.
    ///   - held: partitions that cannot be served right now; their rooms wait for a later sync.
    ///   - activity: what is known of the standing at an index since the log index given.
    package func plan(
        _ standings: [RoomStanding],
        applied: (PartitionID) -> LogIndex,
        holding held: Set<PartitionID> = [],
        activity: (Int, LogIndex) -> RoomActivity
    ) -> SyncPlan {
        let accountSince = since?.account
        let until = accountUntil(standings, applied: applied)
        var rooms: [SyncPlan.Room] = []
        var positions: [StreamToken.Position] = []
        positions.reserveCapacity(16)
        var lastPartition: PartitionID?
        for (number, standing) in standings.enumerated() {
            guard let membership = membership(of: standing, accountSince, until) else { continue }
            if membership == .join, standing.partition != lastPartition {
                lastPartition = standing.partition
                appendPosition(of: standing.partition, applied, held, to: &positions)
            }
            guard !held.contains(standing.partition) else { continue }
            let section = section(
                of: standing,
                as: membership,
                number,
                accountSince,
                applied: applied,
                activity: activity
            )
            if let section { rooms.append(SyncPlan.Room(standing: number, section: section)) }
        }
        // A token may be ahead of this node: what it says is never taken back.
        return SyncPlan(
            rooms: rooms,
            accountSince: accountSince,
            accountUntil: until,
            accountIsQuiet: accountIsQuiet && accountSince != nil,
            next: StreamToken(
                incarnation: incarnation,
                account: max(until, accountSince ?? .zero),
                positions: positions,
                typing: typing
            )
        )
    }

    private func appendPosition(
        of partition: PartitionID,
        _ applied: (PartitionID) -> LogIndex,
        _ held: Set<PartitionID>,
        to positions: inout [StreamToken.Position]
    ) {
        let before = since?[partition]
        if held.contains(partition) {
            // Without an old position the partition stays out, and its rooms are new next time.
            if let before { positions.append(.init(partition, before)) }
        } else {
            positions.append(.init(partition, max(applied(partition), before ?? .zero)))
        }
    }

    /// The account is served only as far as its rooms are: a record may arrive before this node
    /// has applied the member event it rests on, and waits then.
    private func accountUntil(
        _ standings: [RoomStanding],
        applied: (PartitionID) -> LogIndex
    ) -> LogIndex {
        var until = applied(account)
        for standing in standings where standing.position >> 10 > applied(standing.partition).raw {
            if standing.index.raw > 0, standing.index <= until { until = standing.index.previous }
        }
        return until
    }

    /// What the user is in the room as far as this answer goes; nil when the room is no part of
    /// it. A record that has to wait leaves somebody who was in before where they were.
    private func membership(
        of standing: RoomStanding,
        _ accountSince: LogIndex?,
        _ until: LogIndex
    ) -> Membership? {
        if standing.index <= until { return standing.isForgotten ? nil : standing.membership }
        guard let accountSince, standing.entered > .zero, standing.entered <= accountSince else {
            return nil
        }
        return .join
    }

    private func section(
        of standing: RoomStanding,
        as membership: Membership,
        _ number: Int,
        _ accountSince: LogIndex?,
        applied: (PartitionID) -> LogIndex,
        activity: (Int, LogIndex) -> RoomActivity
    ) -> SyncPlan.Section? {
        let isNews = accountSince.map { standing.index > $0 } ?? true
        let enteredBefore = accountSince.map { standing.entered <= $0 } ?? false
        switch membership {
        case .join:
            let applied = applied(standing.partition)
            guard enteredBefore, let since = since?[standing.partition] else {
                return .join(since: nil, until: applied, activity: .changed)
            }
            let known = since >= applied ? RoomActivity.quiet : activity(number, since)
            if case .quiet = known, !fullState { return nil }
            return .join(since: since, until: applied, activity: known)
        case .leave, .ban:
            if accountSince == nil {
                guard includeLeave, standing.entered > .zero else { return nil }
                return .leave(since: nil, last: standing.position)
            }
            guard isNews else { return nil }
            let since = enteredBefore ? since?[standing.partition] : nil
            return .leave(since: since, last: standing.position)
        case .invite: return isNews || fullState ? .invite : nil
        case .knock: return isNews || fullState ? .knock : nil
        }
    }
}
