import Gateway
import Homeserver
import MatrixModel
import MultiRaft
import Synchronization
import Testing

private let room = "!r:t"
private let alice = "@alice:t"

@Suite("Waiting")
struct WaitingTests {
    private final class Jobs: Sendable {
        let waiting = Mutex<[@Sendable () -> Void]>([])
        let run = Atomic<Int>(0)

        func runAll() {
            while let job = waiting.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) {
                run.add(1, ordering: .relaxed)
                job()
            }
        }
    }

    @Test("A poll that always finds something it does not want lets others have the thread")
    func busyRoom() throws {
        let world = SyncWorld()
        let user = world.user(alice)
        world.room(room, by: alice)
        let since = try world.sync(user).nextBatch
        let jobs = Jobs()
        let waiter = SyncWaiter(
            service: world.service,
            execute: { job in jobs.waiting.withLock { $0.append(job) } },
            schedule: { _, _ in {} }
        )
        var looks = 0
        var isWriting = false
        world.lookBegins = {
            guard !isWriting, looks < 10 else { return }
            isWriting = true
            looks += 1
            world.send(room, alice, "noise")
            isWriting = false
        }
        let isAnswered = Atomic<Bool>(false)
        waiter.start(
            SyncRequest(
                requester: user,
                since: since,
                filter: #"{"room":{"rooms":[]}}"#,
                timeout: 30_000
            )
        ) { _ in isAnswered.store(true, ordering: .relaxed) }
        jobs.runAll()
        #expect(looks == 10)
        #expect(jobs.run.load(ordering: .relaxed) > 3)
        let wasAnswered = isAnswered.load(ordering: .relaxed)
        #expect(!wasAnswered)
        #expect(world.feed.statistics.waiters == 1)
    }
}
