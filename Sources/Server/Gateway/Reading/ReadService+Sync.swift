import KeyValue
import Homeserver
import Keyspace
package import MatrixModel
import MatrixRules
import MultiRaft
import Primitives
import Projections
import Sync
import Synchronization

/// A sync whose parameters are read: what a waiting request keeps. Small, for thousands wait.
struct PreparedSync: Sendable {
    let requester: Requester
    let account: PartitionID
    /// A stream token's text, known to be good: a quarter of the size of what it says.
    let since: String?
    let filter: FilterBox
    let fullState: Bool
    let timeout: UInt64
}

/// A parsed filter, shared by all syncs that use it.
final class FilterBox: Sendable {
    let filter: SyncFilter
    init(_ filter: SyncFilter) { self.filter = filter }
    static let none = FilterBox(.none)
}

/// One look at everything a sync may tell.
struct SyncLook: Sendable {
    /// The whole answer, also when it has nothing to tell.
    let body: [UInt8]
    let isEmpty: Bool
    let subscription: FeedSubscription
    /// What the feed had counted before the look: waiting starts from here.
    let serial: UInt64
}

extension ReadService {
    /// One look, without waiting: a sync with a time-out of zero.
    package func sync(_ request: SyncRequest) throws(MatrixError) -> [UInt8] {
        try answering { try look(prepare(request)).body }
    }

    func prepare(_ request: SyncRequest) throws -> PreparedSync {
        if let since = request.since, StreamToken(since) == nil {
            throw MatrixError.invalidParam("since is no token of this server")
        }
        return PreparedSync(
            requester: request.requester,
            account: map.partition(of: request.requester.userID),
            since: request.since,
            filter: try syncFilter(request.filter, of: request.requester.userID),
            fullState: request.fullState,
            timeout: request.timeout
        )
    }

    private func syncFilter(_ text: String?, of userID: String) throws -> FilterBox {
        guard let text else { return .none }
        let isInline = text.utf8.first == UInt8(ascii: "{")
        let key = isInline ? text : "\(userID)\u{0}\(text)"
        if let known = filters.find(key) { return known }
        let content: [UInt8]
        if isInline {
            content = Array(text.utf8)
        } else {
            guard let stored = try storedFilter(userID, text, in: view()) else {
                throw MatrixError.invalidParam("No such filter")
            }
            content = stored
        }
        let document: JSONDocument
        do {
            document = try JSONDocument(
                parsing: content,
                limits: isInline ? JSONLimits() : .stored
            )
        } catch {
            throw MatrixError.invalidParam("filter is neither an ID nor a JSON object")
        }
        let made = FilterBox(try SyncFilter(parsing: document.root))
        filters.keep(made, key)
        return made
    }

    // MARK: Looking

    /// Listens, then looks. Rooms whose keys are not on this node yet are left for a later sync,
    /// with everything else of their partition, so that the token does not pass over them.
    func look(_ sync: PreparedSync) throws -> SyncLook {
        var held: Set<PartitionID> = []
        while true {
            let listening = try listen(sync)
            let view = view()
            let fetch = SyncFetch(self, sync, listening, view, try account(sync, listening, view))
            do {
                let (body, isEmpty) = try fetch.compose(holding: held)
                return SyncLook(
                    body: body,
                    isEmpty: isEmpty,
                    subscription: listening.subscription,
                    serial: listening.serial
                )
            } catch let failure as SyncHeld {
                // Each round holds one more partition, so this ends.
                guard held.insert(failure.partition).inserted else { throw failure.cause }
            }
        }
    }

    private func listen(_ sync: PreparedSync) throws -> FeedListening {
        let user = sync.requester.userID
        let listening = feed.listen(userID: user, account: sync.account, now: now())
        guard listening.isNew else { return listening }
        let joined = try view().reader(sync.account).memberships(user)
            .lazy.filter { $0.row.membership == "join" }.map(\.roomID)
        feed.follow(listening.subscription, rooms: joined)
        return feed.listen(userID: user, account: sync.account, now: now())
    }

    private func account(
        _ sync: PreparedSync,
        _ listening: FeedListening,
        _ view: ReadView<Store>
    ) throws -> AccountCache.Account {
        let user = sync.requester.userID
        if let known = accounts.find(user, changedUpTo: listening.accountFloor) { return known }
        let reader = view.reader(sync.account)
        let standings = try reader.memberships(user).map { roomID, row in
            RoomStanding(
                roomID: roomID,
                partition: row.roomPartition,
                membership: Membership(row.membership) ?? .leave,
                index: row.index,
                entered: row.entered,
                position: row.position.raw,
                isForgotten: row.isForgotten
            )
        }.sorted { ($0.partition, $0.roomID) < ($1.partition, $1.roomID) }
        let account = AccountCache.Account(
            index: min(view.applied(sync.account), listening.bound(sync.account)),
            standings: standings,
            rules: try rules(user, reader),
            ignored: try ignored(user, reader)
        )
        accounts.keep(account, of: user)
        return account
    }

    private func rules(
        _ user: String,
        _ reader: StateReader<Store>
    ) throws -> AccountCache.UserRules {
        guard let (version, rules) = try pushRules(user, reader) else {
            return AccountCache.UserRules(version: .zero, set: .defaults)
        }
        return AccountCache.UserRules(version: version, set: PushRuleSet(rules))
    }

    /// The user's own rules with the index that set them; nil while they changed nothing.
    func pushRules(
        _ user: String,
        _ reader: StateReader<Store>
    ) throws -> (version: LogIndex, rules: PushRules)? {
        guard let row = try reader.accountData(user, "", "m.push_rules"),
            let stored = try renderer.opener.open(
                row.sealed,
                for: .accountData(user, "", "m.push_rules")
            )
        else { return nil }
        // Rules that cannot be read leave the defaults: they must not keep anybody from syncing.
        let view = try? JSONDocument(parsing: stored).root
        return (row.index, PushRules(user: UserID(trusted: user), stored: view))
    }

    private func ignored(_ user: String, _ reader: StateReader<Store>) throws -> Set<String> {
        guard let row = try reader.accountData(user, "", "m.ignored_user_list"),
            let content = try renderer.opener.open(
                row.sealed,
                for: .accountData(user, "", "m.ignored_user_list")
            )
        else { return [] }
        let users = (try? JSONDocument(parsing: content).root)?["ignored_users"]
        return Set(users.map { $0.members.map(\.key) } ?? []).subtracting([user])
    }
}

/// A room that cannot be served right now: its partition waits for a later sync.
struct SyncHeld: Error {
    let partition: PartitionID
    let cause: ReadFailure
}

/// Parsed filters by their text, or by user and ID: a stored filter never changes.
final class FilterCache: Sendable {
    private static let max = 1_024
    private let kept = Mutex<[String: FilterBox]>([:])

    func find(_ key: String) -> FilterBox? { kept.withLock { $0[key] } }

    func keep(_ filter: FilterBox, _ key: String) {
        kept.withLock {
            if $0.count >= Self.max { $0 = [:] }
            $0[key] = filter
        }
    }
}
