/// Runs tasks on threads of our own, so that request handlers may read the store without holding
/// up the cooperative pool or an event loop.
package final class RequestExecutor: TaskExecutor {
    private let pool: WorkerPool

    package init(_ pool: WorkerPool) { self.pool = pool }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let executor = asUnownedTaskExecutor()
        let isTaken = pool.submit { job.runSynchronously(on: executor) }
        // A task cannot be refused half-way. The pool is unbounded and is stopped last of all,
        // when only tasks are left that nobody waits for: those run where they woke.
        if !isTaken { job.runSynchronously(on: executor) }
    }
}
