import Glibc

/// A queue into one thread: many fill it, one empties it whole. The owner sleeps on a condition
/// while it is empty; nobody else ever waits.
///
/// `@unchecked Sendable`: every access to `items` and `isClosed` holds `mutex`.
final class Inbox<Item: Sendable>: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var items: [Item] = []
    private var isClosed = false
    private var isWaiting = false

    init() {
        mutex = .allocate(capacity: 1)
        condition = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// False when the owner is gone and the item went nowhere.
    @discardableResult
    func put(_ item: Item) -> Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        guard !isClosed else { return false }
        items.append(item)
        if isWaiting { pthread_cond_signal(condition) }
        return true
    }

    func close() {
        pthread_mutex_lock(mutex)
        isClosed = true
        pthread_cond_broadcast(condition)
        pthread_mutex_unlock(mutex)
    }

    /// Swaps everything into `batch`, which the caller has emptied. Waits until there is something,
    /// the queue is closed or `nanoseconds` (monotonic clock) have come. False once closed and empty.
    func take(into batch: inout [Item], until nanoseconds: UInt64?) -> Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while items.isEmpty, !isClosed {
            isWaiting = true
            defer { isWaiting = false }
            guard let nanoseconds else {
                pthread_cond_wait(condition, mutex)
                continue
            }
            var deadline = timespec(
                tv_sec: Int(nanoseconds / 1_000_000_000),
                tv_nsec: Int(nanoseconds % 1_000_000_000)
            )
            if pthread_cond_timedwait(condition, mutex, &deadline) == ETIMEDOUT { break }
        }
        swap(&items, &batch)
        return !(batch.isEmpty && isClosed)
    }
}

/// One thread of our own: what blocks on the disk must not sit on the cooperative pool.
///
/// `@unchecked Sendable`: the handle is written once, before the thread can be joined.
final class OwnThread: @unchecked Sendable {
    private var handle = pthread_t()
    private let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) { self.body = body }

    func start() {
        let box = Unmanaged.passRetained(self)
        let result = pthread_create(
            &handle,
            nil,
            { pointer in
                guard let pointer else { return nil }
                let thread = Unmanaged<OwnThread>.fromOpaque(pointer).takeRetainedValue()
                thread.body()
                return nil
            },
            box.toOpaque()
        )
        precondition(result == 0, "the system gives no more threads")
    }

    func join() { pthread_join(handle, nil) }
}

enum Clock {
    static func monotonicNanoseconds() -> UInt64 {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
    }
    static func wallMilliseconds() -> UInt64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return UInt64(now.tv_sec) * 1_000 + UInt64(now.tv_nsec) / 1_000_000
    }
}
