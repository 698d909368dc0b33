import Homeserver
import KeyValue
import Keyspace
import MatrixModel
import MatrixRules
import MultiRaft
import Primitives
import Projections
import Sync

/// Plans, fetches and composes one sync over one view. Rooms are fetched and written one after
/// the other, so that a first sync holds one room's events beside its text.
struct SyncFetch<Store: KeyValueReader> {
    let service: ReadService<Store>
    let sync: PreparedSync
    let since: StreamToken?
    let listening: FeedListening
    let view: ReadView<Store>
    let account: AccountCache.Account

    var user: String { sync.requester.userID }
    var filter: SyncFilter { sync.filter.filter }

    init(
        _ service: ReadService<Store>,
        _ sync: PreparedSync,
        _ listening: FeedListening,
        _ view: ReadView<Store>,
        _ account: AccountCache.Account
    ) {
        self.service = service
        self.sync = sync
        since = sync.since.flatMap { StreamToken($0) }
        self.listening = listening
        self.view = view
        self.account = account
    }

    /// Up to where this answer reaches: what the view surely holds and the feed has told.
    func applied(_ partition: PartitionID) -> LogIndex {
        min(view.applied(partition), listening.bound(partition))
    }

    func compose(holding held: Set<PartitionID>) throws -> (body: [UInt8], isEmpty: Bool) {
        let mark = since?.typing ?? .none
        let typing = service.feed.typingNews(
            listening.subscription,
            sinceEpoch: mark.epoch,
            serial: mark.serial,
            now: service.now()
        )
        let plan = plan(holding: held, typingSerial: typing.serial)
        var items = try accountData(plan)
        let isFirst = plan.accountSince == nil
        var body = SyncBody(now: service.now(), reserving: isFirst ? 65_536 : 1_536)
        body.add(items.global.filter { filter.accountData.permits(type: $0.type) })
        var typists: [String: [String]] = [:]
        if !filter.ephemeral.isClosed, filter.ephemeral.permits(type: "m.typing") {
            for room in typing.rooms { typists[room.roomID] = room.userIDs }
        }
        try addJoined(plan, &items, &typists, to: &body)
        for room in plan.rooms {
            guard case .leave(let since, let last) = room.section else { continue }
            let standing = account.standings[room.standing]
            guard filter.permits(room: standing.roomID) else { continue }
            let section = try holdingOnFailure(standing) {
                try leftSection(standing, since: since, last: StreamPosition(last), items)
            }
            if let section { body.addLeft(section) }
        }
        for room in plan.rooms where room.section == .invite {
            if let invited = try stripped(account.standings[room.standing]) {
                body.addInvited(invited)
            }
        }
        for room in plan.rooms where room.section == .knock {
            if let knocked = try stripped(account.standings[room.standing]) {
                body.addKnocked(knocked)
            }
        }
        let isEmpty = body.isEmpty
        return (body.finish(nextBatch: plan.next.text), isEmpty)
    }

    private func plan(holding held: Set<PartitionID>, typingSerial: UInt64) -> SyncPlan {
        let accountSince = since?.account
        let isQuiet = listening.accountFloor.flatMap { floor in
            accountSince.map { floor <= $0 }
        }
        let planner = SyncPlanner(
            since: since,
            incarnation: service.settings.incarnation,
            account: sync.account,
            fullState: sync.fullState,
            includeLeave: filter.includeLeave,
            accountIsQuiet: isQuiet ?? false,
            typing: TypingMark(epoch: service.feed.epoch, serial: typingSerial)
        )
        return planner.plan(account.standings, applied: applied, holding: held) { number, since in
            let standing = account.standings[number]
            let known = service.feed.activity(
                roomID: standing.roomID,
                partition: standing.partition,
                since: since
            )
            return switch known {
            case .quiet: .quiet
            case .changed: .changed
            case .unknown: .unknown
            }
        }
    }

    private func addJoined(
        _ plan: SyncPlan,
        _ items: inout AccountItems,
        _ typists: inout [String: [String]],
        to body: inout SyncBody
    ) throws {
        for room in plan.rooms {
            guard case .join(let since, let until, let activity) = room.section else { continue }
            let standing = account.standings[room.standing]
            guard filter.permits(room: standing.roomID) else { continue }
            let data = items.byRoom.removeValue(forKey: standing.roomID)
            let typing = typists.removeValue(forKey: standing.roomID)
            let window = JoinWindow(
                since: since,
                until: until,
                activity: activity,
                timelineBytes: max(1, service.settings.syncBytesMax - body.byteCount)
            )
            let section = try holdingOnFailure(standing) {
                try joinedSection(standing, window, data, typing)
            }
            if let section { body.addJoined(section) }
        }
        guard !items.byRoom.isEmpty || !typists.isEmpty else { return }
        // Rooms with nothing new but account data or typing.
        for standing in account.standings where standing.membership == .join {
            let data = items.byRoom[standing.roomID]
            let typing = typists[standing.roomID]
            guard data != nil || typing != nil, filter.permits(room: standing.roomID) else {
                continue
            }
            let until = applied(standing.partition)
            let window = JoinWindow(
                since: until,
                until: until,
                activity: .quiet,
                timelineBytes: 1
            )
            let section = try holdingOnFailure(standing) {
                try joinedSection(standing, window, data, typing)
            }
            if let section { body.addJoined(section) }
        }
    }

    private func holdingOnFailure<Section>(
        _ standing: RoomStanding,
        _ body: () throws -> Section
    ) throws -> Section {
        do {
            return try body()
        } catch let failure as ReadFailure {
            throw SyncHeld(partition: standing.partition, cause: failure)
        }
    }

    // MARK: Account data

    struct AccountItems {
        var global: [AccountDataItem] = []
        var byRoom: [String: [AccountDataItem]] = [:]
    }

    /// Items set since the token, all of them in a first sync, `m.push_rules` then in any case.
    private func accountData(_ plan: SyncPlan) throws -> AccountItems {
        var items = AccountItems()
        guard !plan.accountIsQuiet else { return items }
        let reader = view.reader(sync.account)
        var hasRules = false
        for (roomID, type, row) in try reader.accountData(user, since: plan.accountSince ?? .zero)
        where row.index <= plan.accountUntil {
            if roomID.isEmpty, type == "m.push_rules" {
                hasRules = true
                continue
            }
            guard
                let content = try service.renderer.opener.open(
                    row.sealed,
                    for: .accountData(user, roomID, type)
                )
            else { continue }
            let item = AccountDataItem(type: type, content: content)
            if roomID.isEmpty {
                items.global.append(item)
            } else if filter.roomAccountData.permits(type: type),
                filter.roomAccountData.permits(room: roomID)
            {
                items.byRoom[roomID, default: []].append(item)
            }
        }
        if hasRules || plan.accountSince == nil {
            let rules =
                try service.pushRules(user, reader)?.rules
                ?? PushRules(defaultsFor: UserID(trusted: user))
            items.global.append(
                AccountDataItem(type: "m.push_rules", content: rules.content.serialized())
            )
        }
        return items
    }

    // MARK: Invitations

    /// The room's stripped state as it came with the invitation or knock.
    private func stripped(_ standing: RoomStanding) throws -> StrippedRoom? {
        guard filter.permits(room: standing.roomID),
            let row = try view.reader(sync.account).membership(user, standing.roomID),
            standing.membership != .invite || !account.ignored.contains(row.sender)
        else { return nil }
        let room = try service.rows(standing.roomID, in: view)
        var events: [RenderedEvent] = []
        for event in row.strippedState {
            // It may have been redacted since it was shown.
            if let now = try room?.event(event.eventID), now.redactedBy != nil {
                events.append(now)
                continue
            }
            events.append(
                try service.renderer.render(
                    EventRow(event),
                    at: row.position,
                    roomID: standing.roomID,
                    version: room?.version
                )
            )
        }
        if !events.contains(where: { $0.stateKey == user && $0.type == "m.room.member" }),
            let own = try room?.event(at: row.position)
        {
            events.append(own)
        }
        return StrippedRoom(roomID: standing.roomID, events: events)
    }
}
