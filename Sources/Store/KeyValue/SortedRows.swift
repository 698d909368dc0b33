/// Rows in key order, as a list of short sorted runs. A copy shares every run; a change after a
/// copy pays for the list and one run, so views of the memory twin stay cheap.
struct SortedRows: Sendable {
    struct Row: Sendable {
        let key: [UInt8]
        var value: [UInt8]
    }

    private static let runRowsMax = 128
    /// No run is empty; keys rise strictly within and across runs.
    private var runs: [[Row]] = []

    var count: Int { runs.reduce(0) { $0 + $1.count } }
    var byteSize: Int {
        runs.reduce(0) { $0 + $1.reduce(0) { $0 + $1.key.count + $1.value.count } }
    }

    func value(_ key: [UInt8]) -> [UInt8]? {
        guard let run = runIndex(for: key) else { return nil }
        let row = Self.firstRow(in: runs[run], notBelow: key)
        guard row < runs[run].count, runs[run][row].key == key else { return nil }
        return runs[run][row].value
    }

    mutating func put(_ key: [UInt8], _ value: [UInt8]) {
        guard let run = runIndex(for: key) else {
            if runs.isEmpty {
                runs.append([Row(key: key, value: value)])
            } else {
                insert(Row(key: key, value: value), run: 0, row: 0)
            }
            return
        }
        let row = Self.firstRow(in: runs[run], notBelow: key)
        if row < runs[run].count, runs[run][row].key == key {
            runs[run][row].value = value
        } else {
            insert(Row(key: key, value: value), run: run, row: row)
        }
    }

    mutating func remove(_ key: [UInt8]) {
        guard let run = runIndex(for: key) else { return }
        let row = Self.firstRow(in: runs[run], notBelow: key)
        guard row < runs[run].count, runs[run][row].key == key else { return }
        runs[run].remove(at: row)
        if runs[run].isEmpty { runs.remove(at: run) }
    }

    mutating func removeRange(from lower: [UInt8], to upper: [UInt8]) {
        guard KeyOrder.precedes(lower, upper), !runs.isEmpty else { return }
        let first = runIndex(for: lower) ?? 0
        var last = first
        while last < runs.count, KeyOrder.precedes(runs[last][0].key, upper) {
            let start = Self.firstRow(in: runs[last], notBelow: lower)
            let end = Self.firstRow(in: runs[last], notBelow: upper)
            if start < end { runs[last].removeSubrange(start..<end) }
            last += 1
        }
        runs.replaceSubrange(first..<last, with: runs[first..<last].filter { !$0.isEmpty })
    }

    /// lower ≤ key < upper; an empty `upper` is the end. `body` returns false to stop.
    func scan(
        from lower: [UInt8],
        to upper: [UInt8],
        reverse: Bool,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool
    ) {
        func visit(_ row: Row) -> Bool {
            row.key.withUnsafeBytes { key in row.value.withUnsafeBytes { body(key, $0) } }
        }
        if reverse {
            var run = upper.isEmpty ? runs.count - 1 : (runIndex(for: upper) ?? -1)
            while run >= 0 {
                let end =
                    upper.isEmpty
                    ? runs[run].count : Self.firstRow(in: runs[run], notBelow: upper)
                for row in runs[run][..<end].reversed() {
                    if KeyOrder.precedes(row.key, lower) || !visit(row) { return }
                }
                run -= 1
            }
        } else {
            var run = runIndex(for: lower) ?? 0
            while run < runs.count {
                let start = Self.firstRow(in: runs[run], notBelow: lower)
                for row in runs[run][start...] {
                    if !upper.isEmpty, !KeyOrder.precedes(row.key, upper) { return }
                    if !visit(row) { return }
                }
                run += 1
            }
        }
    }

    /// The last run that begins at or below `key`, or nil.
    private func runIndex(for key: [UInt8]) -> Int? {
        var low = 0
        var high = runs.count
        while low < high {
            let middle = (low + high) / 2
            if KeyOrder.precedes(key, runs[middle][0].key) {
                high = middle
            } else {
                low = middle + 1
            }
        }
        return low == 0 ? nil : low - 1
    }

    private static func firstRow(in run: [Row], notBelow key: [UInt8]) -> Int {
        var low = 0
        var high = run.count
        while low < high {
            let middle = (low + high) / 2
            if KeyOrder.precedes(run[middle].key, key) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private mutating func insert(_ row: Row, run: Int, row position: Int) {
        runs[run].insert(row, at: position)
        guard runs[run].count > Self.runRowsMax else { return }
        // A run that grows at its end is a log: leave it nearly full, as it will not be hit again.
        let cut = position == runs[run].count - 1 ? Self.runRowsMax - 8 : runs[run].count / 2
        let tail = Array(runs[run][cut...])
        runs[run].removeSubrange(cut...)
        runs.insert(tail, at: run + 1)
    }
}
