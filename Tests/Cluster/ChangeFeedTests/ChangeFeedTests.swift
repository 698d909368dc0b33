import Homeserver
import Keyspace
import MultiRaft
import Primitives
import Projections
import Synchronization
import Testing

private let rooms = PartitionID(1)
private let accounts = PartitionID(2)
private let alice = "@alice:t"
private let room = "!r:t"

@Suite("Change feed")
struct ChangeFeedTests {
    /// Runs what the feed hands over, and counts how often it did.
    private final class Bells: Sendable {
        private let counts = Mutex<(handOvers: Int, rung: [String])>((0, []))

        func takeOver(_ wakes: [ChangeFeed.Wake]) {
            counts.withLock { $0.handOvers += 1 }
            for wake in wakes { wake() }
        }

        func bell(_ name: String) -> ChangeFeed.Wake {
            { [self] in counts.withLock { $0.rung.append(name) } }
        }

        var handOvers: Int { counts.withLock { $0.handOvers } }
        var rung: [String] { counts.withLock { $0.rung } }
    }

    private let bells = Bells()
    private let feed: ChangeFeed

    init() {
        let bells = bells
        feed = ChangeFeed(epoch: 7) { bells.takeOver($0) }
        feed.publish([], partition: rooms, applied: LogIndex(10))
        feed.publish([], partition: accounts, applied: LogIndex(20))
    }

    private func position(_ index: UInt64) -> StreamPosition { StreamPosition(LogIndex(index), 0) }

    private func say(_ index: UInt64, in room: String = room) {
        feed.publish(
            [.room(roomID: room, position: position(index))],
            partition: rooms,
            applied: LogIndex(index)
        )
    }

    /// A subscription that follows rooms, and its serial.
    private func listen(_ user: String = alice, in names: [String] = [room]) -> FeedListening {
        let first = feed.listen(userID: user, account: accounts, now: 0)
        if first.isNew { feed.follow(first.subscription, rooms: names) }
        return feed.listen(userID: user, account: accounts, now: 0)
    }

    private func wait(_ listening: FeedListening, _ name: String = "bell") -> FeedWaiter? {
        feed.wait(
            listening.subscription,
            after: listening.serial,
            now: 0,
            bells.bell(name)
        )
    }

    @Test("An event rings everybody who waits on its room, all with one hand-over")
    func rings() throws {
        #expect(wait(listen(), "alice") != nil)
        #expect(wait(listen("@bob:t"), "bob") != nil)
        #expect(wait(listen("@carol:t", in: ["!other:t"]), "carol") != nil)
        say(11)
        #expect(bells.rung.sorted() == ["alice", "bob"])
        #expect(bells.handOvers == 1)
        #expect(feed.statistics.waiters == 1)
        // Once is once.
        say(12)
        #expect(bells.rung.count == 2)
    }

    @Test("Whoever looked before something happened may not wait for it")
    func listenThenLook() {
        let listening = listen()
        say(11)
        #expect(wait(listening) == nil)
        #expect(wait(listen()) != nil)
        #expect(bells.rung == [])
    }

    @Test("A wait that is given up does not ring, and one that rang cannot be given up")
    func givingUp() throws {
        let one = try #require(wait(listen(), "one"))
        let two = try #require(wait(listen(), "two"))
        #expect(feed.giveUp(one))
        #expect(!feed.giveUp(one))
        say(11)
        #expect(bells.rung == ["two"])
        #expect(!feed.giveUp(two))
        #expect(feed.statistics.waiters == 0)
    }

    @Test("A join is followed from then on, a leave no longer")
    func membership() {
        let listening = listen(in: [])
        func change(_ word: String, _ index: UInt64) {
            feed.publish(
                [.membership(userID: alice, roomID: room, membership: word)],
                partition: rooms,
                applied: LogIndex(index)
            )
        }
        #expect(wait(listening) != nil)
        say(11)
        #expect(bells.rung == [])
        change("join", 12)
        say(13)
        #expect(bells.rung.count == 1)
        #expect(wait(listen()) != nil)
        change("leave", 14)
        say(15)
        #expect(bells.rung.count == 1)
    }

    @Test("Account changes, lost devices and a deactivation ring too")
    func accountChanges() {
        let changes: [Change] = [
            .user(userID: alice), .devicesRemoved(userID: alice, deviceIDs: ["D"]),
            .deactivated(userID: alice), .receipts(roomID: room, index: LogIndex(23)),
        ]
        for (number, change) in changes.enumerated() {
            #expect(wait(listen()) != nil)
            feed.publish([change], partition: accounts, applied: LogIndex(21 + UInt64(number)))
            #expect(bells.rung.count == number + 1)
        }
        // From here on nothing of the account is unknown, and it last changed at 21.
        #expect(listen().accountFloor == LogIndex(21))
    }

    @Test("A room is quiet, changed or unknown, by index")
    func activity() {
        func activity(_ index: UInt64, _ name: String = room) -> FeedActivity {
            feed.activity(roomID: name, partition: rooms, since: LogIndex(index))
        }
        // Nothing is known of what came before the node started.
        #expect(activity(9) == .unknown)
        #expect(activity(10) == .quiet)
        say(11)
        #expect(activity(10) == .changed)
        #expect(activity(11) == .quiet)
        #expect(activity(10, "!other:t") == .quiet)
        #expect(
            feed.activity(roomID: room, partition: PartitionID(9), since: LogIndex(50)) == .unknown
        )
        feed.publish(
            [.receipts(roomID: room, index: LogIndex(12))],
            partition: rooms,
            applied: LogIndex(12)
        )
        #expect(activity(11) == .changed)
        #expect(activity(12) == .quiet)
    }

    @Test("Positions only grow, and bound what an answer may tell")
    func positions() {
        #expect(feed.published(rooms) == LogIndex(10))
        #expect(feed.published(PartitionID(9)) == nil)
        say(15)
        feed.publish([], partition: rooms, applied: LogIndex(12))
        let listening = listen()
        #expect(listening.bound(rooms) == LogIndex(15))
        #expect(listening.bound(PartitionID(9)) == LogIndex(.max))
    }

    @Test("Typing is told once per mark, and ends by itself")
    func typing() {
        let listening = listen()
        func news(_ serial: UInt64, epoch: UInt32 = 7, now: UInt64) -> TypingNews {
            feed.typingNews(listening.subscription, sinceEpoch: epoch, serial: serial, now: now)
        }
        let silent = news(0, now: 0)
        #expect(silent.rooms == [])
        #expect(wait(listen()) != nil)
        feed.setTyping(roomID: room, userID: "@bob:t", until: 100, now: 0)
        #expect(bells.rung.count == 1)
        let begun = news(silent.serial, now: 50)
        #expect(begun.rooms.map(\.roomID) == [room])
        #expect(begun.rooms.map(\.userIDs) == [["@bob:t"]])
        #expect(news(begun.serial, now: 50).rooms == [])
        // The same again changes nothing but the end.
        feed.setTyping(roomID: room, userID: "@bob:t", until: 200, now: 60)
        #expect(news(begun.serial, now: 150).rooms == [])
        // A mark of another run says nothing: who types is told again.
        #expect(news(99, epoch: 8, now: 150).rooms.count == 1)
        #expect(wait(listen()) != nil)
        feed.sweep(now: 200)
        #expect(bells.rung.count == 2)
        #expect(news(begun.serial, now: 200).rooms.map(\.userIDs) == [[]])
        #expect(feed.typing(in: room, now: 200) == [])
    }

    @Test("A subscription nobody uses is dropped, one that waits is not")
    func idle() {
        let gone = listen()
        let kept = listen("@bob:t")
        #expect(wait(kept, "bob") != nil)
        feed.sweep(now: ChangeFeed.idleLimit + 30_001)
        #expect(feed.statistics.subscriptions == 1)
        #expect(wait(gone) == nil)
        say(11)
        #expect(bells.rung == ["bob"])
        // The place is used again, and the old ticket does not open it.
        let fresh = listen("@carol:t")
        #expect(fresh.subscription != gone.subscription)
        #expect(wait(gone) == nil)
    }

    @Test("Observers hear what caches must heed, and nothing else")
    func observers() {
        let heard = Mutex<[Change]>([])
        feed.observe { change in heard.withLock { $0.append(change) } }
        let telling: [Change] = [
            .keysDestroyed([4]), .devicesRemoved(userID: alice, deviceIDs: ["D"]),
            .deactivated(userID: alice),
        ]
        feed.publish(
            telling + [
                .user(userID: alice), .keyBlock, .room(roomID: room, position: position(11)),
            ],
            partition: rooms,
            applied: LogIndex(11)
        )
        #expect(heard.withLock { $0 } == telling)
    }
}
