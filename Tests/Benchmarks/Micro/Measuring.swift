import Glibc

/// Time this thread spent working, so that a busy machine does not blur the result. Seconds.
func threadSeconds() -> Double { seconds(of: CLOCK_THREAD_CPUTIME_ID) }

/// Time of the whole process, RocksDB's threads included. Seconds.
func processSeconds() -> Double { seconds(of: CLOCK_PROCESS_CPUTIME_ID) }

/// Time of the wall, for what waits for a disk. Seconds.
func wallSeconds() -> Double { seconds(of: CLOCK_MONOTONIC) }

private func seconds(of clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    precondition(!sorted.isEmpty, "nothing was measured")
    return sorted.count % 2 == 1
        ? sorted[sorted.count / 2] : (sorted[sorted.count / 2 - 1] + sorted[sorted.count / 2]) / 2
}

/// With one digit behind the point, and two below ten.
func figure(_ value: Double) -> String {
    let digits = value < 10 ? 100.0 : value < 1_000 ? 10.0 : 1.0
    let rounded = (value * digits).rounded() / digits
    return digits == 1 ? "\(Int(rounded))" : "\(rounded)"
}

/// "name   figure unit", and the bar it is to reach where there is one.
func report(_ name: String, _ value: Double, _ unit: String, bar: Double? = nil) {
    let padding = String(repeating: " ", count: max(1, 44 - name.utf8.count))
    let verdict = bar.map {
        value >= $0 ? "  (at least \(figure($0)): reached)" : "  (at least \(figure($0)): MISSED)"
    }
    print("\(name)\(padding)\(figure(value)) \(unit)\(verdict ?? "")")
}
