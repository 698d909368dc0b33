import Encryption
import Identity
import Synchronization
import Testing

@Suite("Threads")
struct ThreadTests {
    @Test("A full pool refuses, and a stopped one finishes what it took")
    func pool() async {
        let pool = WorkerPool(threads: 1, waitingMax: 2)
        let gate = Semaphore()
        let entered = Semaphore()
        let ran = Atomic<Int>(0)
        pool.submit {
            entered.signal()
            gate.wait()
            ran.add(1, ordering: .relaxed)
        }
        entered.wait()
        #expect(pool.submit { ran.add(1, ordering: .relaxed) })
        let done = Semaphore()
        #expect(
            pool.submit {
                ran.add(1, ordering: .relaxed)
                done.signal()
            }
        )
        #expect(!pool.submit {})
        pool.stop()
        #expect(!pool.submit {})
        gate.signal()
        done.wait()
        #expect(ran.load(ordering: .relaxed) == 3)
    }

    @Test("Alarms ring in the order of their times, and not when cancelled")
    func alarms() async {
        let alarms = Alarms()
        let order = Mutex<[Int]>([])
        let done = Semaphore()
        let cancel = alarms.schedule(afterMilliseconds: 150) { order.withLock { $0.append(-1) } }
        for number in [3, 1, 2] {
            alarms.schedule(afterMilliseconds: UInt64(100 * number)) {
                order.withLock { $0.append(number) }
                if number == 3 { done.signal() }
            }
        }
        cancel()
        done.wait()
        #expect(order.withLock { $0 } == [1, 2, 3])
        alarms.stop()
    }

    @Test("A password is right for its own account only, and a full queue says so")
    func passwords() async throws {
        let hasher = PasswordHasher(
            threads: 1,
            waitingMax: 1,
            cost: PasswordCost(passes: 1, memoryKiB: 64, lanes: 1),
            pepper: SecretKey([UInt8](repeating: 3, count: 32)),
            random: { randomBytes($0) }
        )
        let stored = try await hasher.hash("correct horse")
        #expect(try await hasher.isRight("correct horse", against: stored))
        #expect(try await !hasher.isRight("wrong horse", against: stored))
        #expect(try await !hasher.isRight("correct horse", against: nil))
        #expect(try await !hasher.isRight("correct horse", against: "$test$"))
        hasher.stop()
        await #expect(throws: PasswordHasher.Overloaded.self) {
            _ = try await hasher.hash("too late")
        }
    }

    @Test("Jobs that come together run on all threads")
    func together() {
        let pool = WorkerPool(threads: 2)
        let (begun, gate, done) = (Semaphore(), Semaphore(), Semaphore())
        // More than one thread takes at a time: each half would wait for the other on one thread.
        let jobs = (0..<40).map { number -> WorkerPool.Job in
            switch number {
            case 0:
                {
                    begun.signal(); gate.wait(); done.signal()
                }
            case 39:
                {
                    begun.wait(); gate.signal(); done.signal()
                }
            default: {}
            }
        }
        pool.submit(all: jobs)
        for _ in 0..<2 { done.wait() }
        pool.stop()
    }

    @Test("Who comes after many jobs waits for a few of them only, and none is left out")
    func turns() {
        let pool = WorkerPool(threads: 1)
        let (entered, gate, done) = (Semaphore(), Semaphore(), Semaphore())
        let order = Mutex<[Int]>([])
        pool.submit {
            entered.signal()
            gate.wait()
        }
        entered.wait()
        pool.submit(
            all: (0..<100).map { number in
                {
                    order.withLock { $0.append(number) }
                    if number == 99 { done.signal() }
                }
            }
        )
        pool.submit { order.withLock { $0.append(-1) } }
        gate.signal()
        done.wait()
        let places = order.withLock { $0 }
        #expect(places.filter { $0 >= 0 } == Array(0..<100))
        #expect(try! #require(places.firstIndex(of: -1)) < 32)
        pool.stop()
    }
}
