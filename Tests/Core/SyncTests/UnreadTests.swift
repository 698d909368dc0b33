import Gateway
import Homeserver
import MatrixModel
import Primitives
import Testing

private let room = "!r:t"
private let alice = "@alice:t"
private let bob = "@bob:t"

@Suite("Unread counts")
struct UnreadTests {
    private func counts(_ answer: JSONView) -> [Int64?] {
        let unread = answer.joined(room)?["unread_notifications"]
        return [unread?["notification_count"]?.integer, unread?["highlight_count"]?.integer]
    }

    private func mention(_ user: String) -> String {
        #"{"body":"hey","m.mentions":{"user_ids":["\#(user)"]},"msgtype":"m.text"}"#
    }

    private func world() -> (SyncWorld, Requester) {
        let world = SyncWorld()
        world.room(room, by: alice)
        world.send(room, alice, "before bob came")
        let user = world.user(bob)
        world.member(room, bob, "join")
        world.member(room, "@carol:t", "join")
        return (world, user)
    }

    @Test("Others' messages count since one came or spoke, joins do not; mentions stand out")
    func counting() throws {
        let (world, user) = world()
        world.send(room, alice, "one")
        world.send(room, bob, "own")
        world.append(world.draft(room, alice, "m.room.message", mention(bob)), to: room)
        world.append(world.draft(room, alice, "m.room.message", mention(alice)), to: room)
        let first = try world.sync(user)
        #expect(counts(first) == [2, 1])
        world.send(room, alice, "four")
        #expect(counts(try world.sync(user, since: first.nextBatch)) == [3, 1])
        let (service, _) = world.restarted()
        let fresh = try JSONDocument(
            parsing: service.sync(SyncRequest(requester: user, since: first.nextBatch))
        ).root
        #expect(counts(fresh) == [3, 1])
    }

    @Test("A receipt takes back what is read, private or not")
    func receipts() throws {
        let (world, user) = world()
        let one = world.send(room, alice, "one")
        let two = world.send(room, alice, "two")
        world.send(room, alice, "three")
        let first = try world.sync(user)
        #expect(counts(first) == [3, 0])
        world.receipt(room, bob, one)
        let second = try world.sync(user, since: first.nextBatch)
        #expect(counts(second) == [2, 0])
        let read = second.joined(room)?.at("ephemeral", "events")?.elements.first { _ in true }
        #expect(read?["type"]?.string == "m.receipt")
        #expect(read?.at("content", one, "m.read", bob, "ts") != nil)
        world.receipt(room, bob, two, type: "m.read.private")
        #expect(counts(try world.sync(user, since: second.nextBatch)) == [1, 0])
        let others = try world.sync(world.user(alice))
        let seen = others.joined(room)?.at("ephemeral", "events")
        #expect(seen?.elements.first { _ in true }?.at("content", two) == nil)
    }

    @Test("Threads are counted apart when the filter asks")
    func threads() throws {
        let (world, user) = world()
        let root = world.send(room, alice, "root")
        let reply = world.send(
            room,
            alice,
            "in thread",
            relation: Relation(kind: "m.thread", eventID: root)
        )
        let filter =
            #"{"room":{"timeline":{"unread_thread_notifications":true}}}"#
        let apart = try world.sync(user, filter: filter)
        #expect(counts(apart) == [1, 0])
        let thread = apart.joined(room)?.at("unread_thread_notifications", root)
        #expect(thread?["notification_count"]?.integer == 1)
        #expect(counts(try world.sync(user)) == [2, 0])
        world.receipt(room, bob, reply, thread: root)
        let read = try world.sync(user, filter: filter)
        #expect(read.joined(room)?["unread_thread_notifications"]?.count == 0)
        #expect(counts(read) == [1, 0])
    }

    @Test("A user's own push rules decide")
    func ownRules() throws {
        let (world, user) = world()
        world.send(room, alice, "one")
        let first = try world.sync(user)
        #expect(counts(first) == [1, 0])
        world.setAccountData(
            bob,
            "m.push_rules",
            #"{"global":{"room":[{"rule_id":"!r:t","actions":[],"enabled":true}]}}"#
        )
        world.send(room, alice, "two")
        let muted = try world.sync(user, since: first.nextBatch)
        #expect(counts(muted) == [0, 0])
        #expect(muted.at("account_data", "events").types == ["m.push_rules"])
        let rules = muted.at("account_data", "events")?.elements.first { _ in true }
        #expect(rules?.at("content", "global", "underride")?.count ?? 0 > 3)
    }

    @Test("What was read stays read, whatever a slower device says later")
    func receiptsGoForward() throws {
        let (world, user) = world()
        let one = world.send(room, alice, "one")
        let two = world.send(room, alice, "two")
        world.send(room, alice, "three")
        world.receipt(room, bob, two)
        let since = try world.sync(user)
        #expect(counts(since) == [1, 0])
        world.receipt(room, bob, one)
        #expect(try world.sync(user, since: since.nextBatch).joined(room) == nil)
        #expect(counts(try world.sync(user)) == [1, 0])
    }

    @Test("A sync tells the receipts that are new, a first one the latest of each")
    func newReceipts() throws {
        let (world, user) = world()
        let one = world.send(room, alice, "one")
        let two = world.send(room, alice, "two")
        func told(_ answer: JSONView) -> [[String]] {
            let event = answer.joined(room)?.at("ephemeral", "events")?.elements.first { _ in true }
            let content = event?["content"]
            return [one, two].map { id in
                content?.at(id, "m.read")?.members.map(\.key).sorted() ?? []
            }
        }
        world.receipt(room, alice, one)
        world.receipt(room, "@carol:t", one)
        let first = try world.sync(user)
        #expect(told(first) == [[alice, "@carol:t"], []])
        world.receipt(room, alice, two)
        let next = try world.sync(user, since: first.nextBatch)
        #expect(told(next) == [[], [alice]])
        #expect(told(try world.sync(user)) == [["@carol:t"], [alice]])
    }

    @Test("Nobody sets receipts for more threads than the limit")
    func receiptsMax() throws {
        var settings = ReadSettings(serverName: "t", incarnation: 1)
        settings.receiptsMax = 3
        let world = SyncWorld(settings: settings)
        world.room(room, by: alice)
        let roots = (0..<4).map { world.send(room, alice, "\($0)") }
        func set(_ thread: String) throws {
            _ = try world.service.receiptTarget(
                roomID: room,
                eventID: roots[3],
                type: "m.read",
                thread: thread,
                by: world.user(alice)
            )
            world.receipt(room, alice, roots[3], thread: thread)
        }
        for root in roots[..<3] { try set(root) }
        let refusal = #expect(throws: MatrixError.self) { try set(roots[3]) }
        #expect(refusal?.code == .userLimitExceeded)
        try set(roots[0])
        try set("")
    }

    /// What a node that just started counts.
    private func fresh(_ world: SyncWorld, _ user: Requester) throws -> [Int64?] {
        let (service, _) = world.restarted()
        return counts(
            try JSONDocument(parsing: service.sync(SyncRequest(requester: user))).root
        )
    }

    @Test("Who speaks has read what was said before, in that thread")
    func speaking() throws {
        let (world, user) = world()
        let root = world.send(room, alice, "root")
        let thread = Relation(kind: "m.thread", eventID: root)
        world.send(room, alice, "in thread", relation: thread)
        let first = try world.sync(user)
        #expect(counts(first) == [2, 0])
        world.send(room, bob, "I am here")
        world.send(room, alice, "welcome")
        #expect(counts(try world.sync(user, since: first.nextBatch)) == [2, 0])
        #expect(try fresh(world, user) == [2, 0])
        world.send(room, bob, "me too", relation: thread)
        #expect(counts(try world.sync(user, since: first.nextBatch)) == [1, 0])
        #expect(try fresh(world, user) == [1, 0])
        // A new name is in every room at once, read or not.
        world.member(room, bob, "join")
        #expect(counts(try world.sync(user, since: first.nextBatch)) == [1, 0])
    }

    @Test("What was taken back no longer counts, before a restart as after it")
    func redaction() throws {
        let (world, user) = world()
        let one = world.send(room, alice, "one")
        world.send(room, alice, "two")
        let first = try world.sync(user)
        #expect(counts(first) == [2, 0])
        world.redact(room, alice, one)
        // The redaction is an event too, which notifies nobody.
        #expect(counts(try world.sync(user, since: first.nextBatch)) == [1, 0])
        #expect(try fresh(world, user) == [1, 0])
    }

    @Test("Counts are the same after a restart, whatever happened before")
    func restart() throws {
        let (world, user) = world()
        var generator = SeededGenerator(seed: 5)
        var events: [String] = []
        var since = try world.sync(user).nextBatch
        for _ in 0..<300 {
            switch generator.next() % 10 {
            case 0: world.send(room, bob, "mine")
            case 1 where !events.isEmpty:
                world.redact(room, alice, events[Int(generator.next() % UInt64(events.count))])
            case 2 where !events.isEmpty:
                world.receipt(
                    room,
                    bob,
                    events[Int(generator.next() % UInt64(events.count))],
                    thread: generator.next() % 2 == 0 ? "" : "main"
                )
            case 3 where !events.isEmpty:
                world.send(
                    room,
                    generator.next() % 3 == 0 ? bob : alice,
                    "reply",
                    relation: Relation(kind: "m.thread", eventID: events[0])
                )
            case 4:
                let level = generator.next() % 2 * 60
                world.setState(
                    room,
                    alice,
                    "m.room.power_levels",
                    #"{"users":{"@alice:t":100},"notifications":{"room":\#(level)}}"#
                )
            case 5:
                let event = world.draft(
                    room,
                    "@carol:t",
                    "m.room.message",
                    #"{"body":"all","m.mentions":{"room":true},"msgtype":"m.text"}"#
                )
                world.append(event, to: room)
                events.append(event.eventID)
            default: events.append(world.send(room, alice, "theirs"))
            }
            guard generator.next() % 3 == 0 else { continue }
            since = try world.sync(user, since: since).nextBatch
            #expect(counts(try world.sync(user)) == (try fresh(world, user)))
        }
    }

    @Test("What was said while one was away counts as read on coming back, before a restart too")
    func comingBack() throws {
        let (world, user) = world()
        world.send(room, alice, "seen")
        #expect(counts(try world.sync(user)) == [1, 0])
        world.member(room, bob, "leave")
        for number in 0..<5 { world.send(room, alice, "\(number)") }
        world.member(room, bob, "join")
        #expect(counts(try world.sync(user)) == [0, 0])
        world.send(room, alice, "welcome back")
        #expect(counts(try world.sync(user)) == [1, 0])
        #expect(try fresh(world, user) == [1, 0])
    }
}
