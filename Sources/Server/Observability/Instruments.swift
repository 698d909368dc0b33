import Synchronization

/// A number that only grows. Safe from any thread, never blocks.
package final class Counter: Sendable {
    private let value = Atomic<Int>(0)
    package init() {}
    package func add(_ amount: Int = 1) {
        precondition(amount >= 0, "a counter never falls")
        value.add(amount, ordering: .relaxed)
    }
    package var count: Int { value.load(ordering: .relaxed) }
}

/// A number that rises and falls. Safe from any thread, never blocks.
package final class Gauge: Sendable {
    private let bits = Atomic<UInt64>(0)
    package init() {}
    package func set(_ number: Double) { bits.store(number.bitPattern, ordering: .relaxed) }
    package func set(_ number: Int) { set(Double(number)) }
    package func add(_ amount: Double) {
        var old = bits.load(ordering: .relaxed)
        while true {
            let new = (Double(bitPattern: old) + amount).bitPattern
            let result = bits.compareExchange(expected: old, desired: new, ordering: .relaxed)
            if result.exchanged { return }
            old = result.original
        }
    }
    package var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }
}

/// Counts observations by size. Safe from any thread; holds a lock for a few nanoseconds.
package final class Histogram: Sendable {
    struct Snapshot: Sendable {
        /// One for each bound, and one for everything above the last. Not cumulative.
        var counts: [Int]
        var sum: Double
    }

    let bounds: [Double]
    private let state: Mutex<Snapshot>

    package init(bounds: [Double]) {
        precondition(zip(bounds, bounds.dropFirst()).allSatisfy(<), "bounds must ascend")
        self.bounds = bounds
        state = Mutex(Snapshot(counts: Array(repeating: 0, count: bounds.count + 1), sum: 0))
    }

    package func observe(_ number: Double) {
        var bucket = 0
        while bucket < bounds.count, number > bounds[bucket] { bucket += 1 }
        state.withLock {
            $0.counts[bucket] += 1
            $0.sum += number
        }
    }

    package func observe(_ number: Int) { observe(Double(number)) }

    package func observe(_ duration: Duration) {
        let parts = duration.components
        observe(Double(parts.seconds) + Double(parts.attoseconds) / 1e18)
    }

    package var count: Int { snapshot.counts.reduce(0, +) }
    var snapshot: Snapshot { state.withLock(\.self) }
}
