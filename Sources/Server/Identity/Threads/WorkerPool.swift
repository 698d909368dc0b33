import Glibc
import Synchronization

/// A few threads of our own for work that blocks: store reads, password hashes. Jobs run in the
/// order they came. Nothing here runs on Swift's cooperative pool, which must never be blocked.
package final class WorkerPool: Sendable {
    package typealias Job = @Sendable () -> Void

    private struct State: Sendable {
        var jobs: [Job] = []
        /// Jobs before this index are taken.
        var next = 0
        var isStopped = false

        var waiting: Int { jobs.count - next }

        mutating func take() -> Job? {
            guard next < jobs.count else { return nil }
            let job = jobs[next]
            next += 1
            if next == jobs.count {
                jobs.removeAll(keepingCapacity: true)
                next = 0
            } else if next >= 1_024 {
                jobs.removeFirst(next)
                next = 0
            }
            return job
        }
    }

    private let state = Mutex(State())
    private let bell = Semaphore()
    private let waitingMax: Int
    private let threads: Int

    /// - Parameter waitingMax: jobs that may wait; more are refused.
    package init(threads: Int, waitingMax: Int = .max) {
        precondition(threads > 0, "a pool needs a thread")
        self.waitingMax = waitingMax
        self.threads = threads
        for _ in 0..<threads { startThread { [self] in run() } }
    }

    /// False where too many jobs wait already, or the pool was stopped: the job will not run.
    @discardableResult
    package func submit(_ job: @escaping Job) -> Bool {
        let isTaken = state.withLock { state in
            guard !state.isStopped, state.waiting < waitingMax else { return false }
            state.jobs.append(job)
            return true
        }
        if isTaken { bell.signal() }
        return isTaken
    }

    /// Takes many jobs at once, whatever waits already, and spreads them over the threads. Who
    /// comes after them waits for a few of them, not for all.
    package func submit(all jobs: [Job]) {
        let batch = Batch(jobs)
        for _ in 0..<min(jobs.count, threads) { submit(batch) }
    }

    @discardableResult
    private func submit(_ batch: Batch) -> Bool {
        let isTaken = state.withLock { state in
            guard !state.isStopped else { return false }
            state.jobs.append { [self] in run(batch) }
            return true
        }
        if isTaken { bell.signal() }
        return isTaken
    }

    private func run(_ batch: Batch) {
        while let slice = batch.take() {
            for job in slice { job() }
            if waiting > 0, submit(batch) { return }
        }
    }

    /// Jobs that came together, shared by the threads that run them.
    private final class Batch: Sendable {
        private let jobs: [Job]
        private let next = Atomic<Int>(0)
        /// Few enough to keep others waiting for a moment only, enough to share the lock's cost.
        private static let sliceCount = 16

        init(_ jobs: [Job]) { self.jobs = jobs }

        func take() -> ArraySlice<Job>? {
            let start = next.add(Self.sliceCount, ordering: .relaxed).oldValue
            guard start < jobs.count else { return nil }
            return jobs[start..<min(start + Self.sliceCount, jobs.count)]
        }
    }

    /// Jobs that wait for a thread.
    package var waiting: Int { state.withLock { $0.waiting } }

    /// Runs what was submitted, then ends the threads. Later jobs are refused.
    package func stop() {
        state.withLock { $0.isStopped = true }
        bell.signal()
    }

    private func run() {
        while true {
            bell.wait()
            while let job = state.withLock({ $0.take() }) { job() }
            if state.withLock({ $0.isStopped }) {
                // The next thread must learn of it too.
                bell.signal()
                return
            }
        }
    }
}

/// A counting semaphore.
package final class Semaphore: @unchecked Sendable {
    private let raw: UnsafeMutablePointer<sem_t>

    package init() {
        raw = .allocate(capacity: 1)
        sem_init(raw, 0, 0)
    }

    deinit {
        sem_destroy(raw)
        raw.deallocate()
    }

    package func signal() { sem_post(raw) }

    package func wait() { while sem_wait(raw) != 0 {} }
}

/// Starts a detached thread that runs `body` to its end.
package func startThread(_ body: @escaping @Sendable () -> Void) {
    final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    let box = Unmanaged.passRetained(Box(body))
    var thread = pthread_t()
    let code = pthread_create(
        &thread,
        nil,
        { argument in
            guard let argument else { return nil }
            Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body()
            return nil
        },
        box.toOpaque()
    )
    precondition(code == 0, "the system gives no more threads")
    pthread_detach(thread)
}
