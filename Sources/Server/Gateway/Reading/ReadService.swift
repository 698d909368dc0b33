package import Homeserver
package import KeyValue
package import Keyspace
import MatrixModel
package import MultiRaft
import MatrixRules
import Primitives
import Projections
import Sync

/// Limits and names of the reading side.
package struct ReadSettings: Sendable {
    package var serverName: String
    /// Of the cluster: tokens of another one start anew.
    package var incarnation: UInt64
    /// Opened events kept in memory.
    package var cacheBytes = 32 << 20
    /// Events of a room in a first sync, unless the filter says otherwise.
    package var firstTimelineEvents = 20
    /// Events of a room in a later sync, unless the filter says otherwise.
    package var laterTimelineEvents = 50
    package var pageEvents = 10
    package var pageEventsMax = 1_000
    /// Rows one page may pass over in search of what a filter wants.
    package var pageRowsMax = 20_000
    /// Bytes of events after which a page is full, and a room's timeline in a sync limited.
    package var pageBytesMax = 2 << 20
    /// Bytes of a sync's answer after which each room shows but one event.
    package var syncBytesMax = 16 << 20
    /// Rows counted for one room's unread events: beyond it the count stays what it is.
    package var unreadRowsMax = 5_000
    package var publicRoomsMax = 500
    /// What is shown of listed rooms, kept in memory.
    package var directoryBytes = 16 << 20
    package var aliasesMax = 100
    /// Receipts of one user in one room: one unthreaded and one for each thread, of each type.
    package var receiptsMax = 1_000
    /// Users whose rooms and rules are kept ready.
    package var accountsMax = 4_096
    /// Pairs of user and room whose unread counts are kept.
    package var unreadMax = 65_536

    package init(serverName: String, incarnation: UInt64) {
        self.serverName = serverName
        self.incarnation = incarnation
    }
}

/// Everything that reads and changes nothing: what the endpoints answer, as bytes, with no
/// transport in sight.
///
/// Functions run to their end on the calling thread and read the store: call them from the
/// reading pool, never from an event loop or the cooperative pool. Whoever needs the latest state
/// waits for the read barrier before.
package final class ReadService<Store: KeyValueReader>: Sendable {
    package let settings: ReadSettings
    package let map: PartitionMap
    let feed: ChangeFeed
    let renderer: EventRenderer
    let view: @Sendable () -> ReadView<Store>
    let now: @Sendable () -> UInt64
    let accounts: AccountCache
    let unread: UnreadCounter
    let filters = FilterCache()
    let directory: DirectoryCache

    /// - Parameters:
    ///   - keys: as the node's key directory has them.
    ///   - view: a fresh look at the store.
    ///   - now: milliseconds since 1970.
    package init(
        settings: ReadSettings,
        map: PartitionMap,
        feed: ChangeFeed,
        keys: @escaping @Sendable (UInt64) -> KeyLookup,
        view: @escaping @Sendable () -> ReadView<Store>,
        now: @escaping @Sendable () -> UInt64
    ) {
        self.settings = settings
        self.map = map
        self.feed = feed
        self.view = view
        self.now = now
        let renderer = EventRenderer(
            opener: EventOpener(keys: keys),
            cacheBytes: settings.cacheBytes
        )
        self.renderer = renderer
        accounts = AccountCache(max: settings.accountsMax)
        unread = UnreadCounter(max: settings.unreadMax, rowsMax: settings.unreadRowsMax)
        directory = DirectoryCache(bytes: settings.directoryBytes)
        let (accounts, unread, directory) = (accounts, unread, directory)
        feed.observe { change in
            guard case .keysDestroyed = change else { return }
            renderer.forgetEverything()
            accounts.removeAll()
            unread.removeAll()
            directory.removeAll()
        }
    }

    /// Nothing that was opened stays in memory: after keys were destroyed, and in tests.
    package func forgetOpenedContent() {
        renderer.forgetEverything()
        accounts.removeAll()
        unread.removeAll()
        directory.removeAll()
    }

    /// Runs a reading function and turns the world's failures into answers.
    func answering<Answer>(_ body: () throws -> Answer) throws(MatrixError) -> Answer {
        do {
            return try body()
        } catch let error as MatrixError {
            throw error
        } catch ReadFailure.keyAbsent {
            throw MatrixError(
                .unknown,
                "A key of this room is not on this node yet; try again",
                status: 503
            )
        } catch ReadFailure.doesNotOpen {
            throw MatrixError(.unknown, "This part of the store is damaged", status: 500)
        } catch {
            throw MatrixError(.unknown, "The store cannot be read", status: 500)
        }
    }

    // MARK: Rooms

    func rows(_ roomID: String, in view: ReadView<Store>) throws -> RoomRows<Store>? {
        let reader = view.home(of: roomID)
        guard let room = try reader.room(roomID) else { return nil }
        return RoomRows(roomID, room, reader, renderer)
    }

    /// The room as the requester may see it. Whoever may not enter learns no more than that: an
    /// unknown room gives the same answer.
    func access(
        _ roomID: String,
        _ requester: Requester,
        in view: ReadView<Store>
    ) throws -> RoomAccess<Store> {
        let refusal = MatrixError.forbidden("You are not in this room, and it is not open to all")
        guard let rows = try rows(roomID, in: view) else { throw refusal }
        let access = try RoomAccess(rows, userID: requester.userID)
        guard access.visible.mayEnter else { throw refusal }
        if try isForgotten(access, in: view) { throw refusal }
        return access
    }

    /// Whether the reader gave up what they could see of a room they are not in.
    func isForgotten(_ access: RoomAccess<Store>, in view: ReadView<Store>) throws -> Bool {
        guard !access.isJoined, access.visible.visibility != .worldReadable else { return false }
        let own = try view.home(of: access.userID)
            .membership(access.userID, access.rows.roomID)
        return own?.isForgotten == true
    }

    /// Up to where a room's timeline is shown: what this view surely holds.
    func end(of rows: RoomRows<Store>, in view: ReadView<Store>) -> StreamPosition {
        StreamPosition.after(view.applied(rows.reader.partition))
    }
}
