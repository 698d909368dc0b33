import Glibc
import Synchronization

/// Calls back after a time, from one thread for all: a heap of deadlines and a wait for the first.
/// Cancelled alarms leave the heap when their time comes, or all at once when they are many.
package final class Alarms: Sendable {
    private let state = Mutex(AlarmHeap())
    private let bell = Doorbell()

    package init() {
        startThread { [self] in run() }
    }

    /// Calls `body` once after that time, on the alarms' thread: it must be quick. Returns what
    /// cancels it.
    @discardableResult
    package func schedule(
        afterMilliseconds: UInt64,
        _ body: @escaping @Sendable () -> Void
    ) -> @Sendable () -> Void {
        let deadline = monotonicNanoseconds() + min(afterMilliseconds, 1 << 40) * 1_000_000
        let (number, isFirst) = state.withLock { state in
            let number = state.nextNumber
            state.nextNumber += 1
            state.bodies[number] = body
            let isFirst = state.heap.first.map { deadline < $0.deadline } ?? true
            state.push(AlarmHeap.Alarm(deadline: deadline, number: number))
            return (number, isFirst)
        }
        if isFirst { bell.ring() }
        return { [self] in cancel(number) }
    }

    /// Ends the thread. Alarms that have not rung never will.
    package func stop() {
        state.withLock { state in
            state.isStopped = true
            state.bodies = [:]
            state.heap = []
        }
        bell.ring()
    }

    private func cancel(_ number: UInt64) {
        state.withLock { state in
            guard state.bodies.removeValue(forKey: number) != nil else { return }
            if state.heap.count > 1_024, state.heap.count > 4 * state.bodies.count {
                state.dropCancelled()
            }
        }
    }

    private func run() {
        while true {
            let now = monotonicNanoseconds()
            let step = state.withLock { $0.step(now: now) }
            switch step {
            case .stop: return
            case .ring(let due): for body in due { body() }
            case .wait(let deadline): bell.wait(until: deadline)
            }
        }
    }
}

/// Deadlines, the earliest first.
struct AlarmHeap: Sendable {
    struct Alarm: Sendable {
        var deadline: UInt64
        var number: UInt64
    }

    enum Step {
        case stop, ring([@Sendable () -> Void]), wait(until: UInt64?)
    }

    var heap: [Alarm] = []
    var bodies: [UInt64: @Sendable () -> Void] = [:]
    var nextNumber: UInt64 = 0
    var isStopped = false

    mutating func step(now: UInt64) -> Step {
        if isStopped { return .stop }
        var due: [@Sendable () -> Void] = []
        while let first = heap.first, first.deadline <= now {
            pop()
            if let body = bodies.removeValue(forKey: first.number) { due.append(body) }
        }
        return due.isEmpty ? .wait(until: heap.first?.deadline) : .ring(due)
    }

    mutating func dropCancelled() {
        heap.removeAll { bodies[$0.number] == nil }
        // A sorted array is a heap.
        heap.sort { $0.deadline < $1.deadline }
    }

    mutating func push(_ alarm: Alarm) {
        heap.append(alarm)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].deadline < heap[parent].deadline else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    mutating func pop() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < heap.count && heap[child].deadline < heap[least].deadline {
                least = child
            }
            guard least != parent else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}

/// A bell on the monotonic clock: a ring that comes while nobody waits is kept for who comes next.
final class Doorbell: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var hasRung = false

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

    func ring() {
        pthread_mutex_lock(mutex)
        hasRung = true
        pthread_cond_signal(condition)
        pthread_mutex_unlock(mutex)
    }

    /// Returns when it rings, or at that time (nanoseconds); nil for only when it rings.
    func wait(until deadline: UInt64?) {
        pthread_mutex_lock(mutex)
        var until = timespec()
        if let deadline {
            until.tv_sec = Int(deadline / 1_000_000_000)
            until.tv_nsec = Int(deadline % 1_000_000_000)
        }
        while !hasRung {
            if deadline == nil {
                pthread_cond_wait(condition, mutex)
            } else if pthread_cond_timedwait(condition, mutex, &until) == ETIMEDOUT {
                break
            }
        }
        hasRung = false
        pthread_mutex_unlock(mutex)
    }
}

/// Nanoseconds of the monotonic clock.
package func monotonicNanoseconds() -> UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
}

/// Milliseconds since 1970.
package func wallMilliseconds() -> UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return UInt64(now.tv_sec) * 1_000 + UInt64(now.tv_nsec) / 1_000_000
}
