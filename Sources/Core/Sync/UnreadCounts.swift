/// How many events notify somebody since they last read a room, in all and by thread.
package struct UnreadCounts: Hashable, Sendable {
    package struct Count: Hashable, Sendable {
        package var notifications = 0
        package var highlights = 0
        package init(notifications: Int = 0, highlights: Int = 0) {
            self.notifications = notifications
            self.highlights = highlights
        }

        package mutating func add(highlights isHighlight: Bool) {
            notifications += 1
            if isHighlight { highlights += 1 }
        }

        mutating func add(_ other: Count) {
            notifications += other.notifications
            highlights += other.highlights
        }
    }

    /// Outside threads.
    package private(set) var main = Count()
    /// By thread root, threads without unread events left out.
    package private(set) var threads: [String: Count] = [:]

    package init() {}

    package mutating func add(thread: String?, highlights: Bool) {
        if let thread {
            threads[thread, default: Count()].add(highlights: highlights)
        } else {
            main.add(highlights: highlights)
        }
    }

    package mutating func add(_ other: UnreadCounts) {
        main.add(other.main)
        for (root, count) in other.threads { threads[root, default: Count()].add(count) }
    }

    /// Takes back what was counted in threads that are read by now, `main` or their roots.
    package mutating func clear(_ read: some Sequence<String>) {
        for thread in read {
            if thread == "main" { main = Count() } else { threads[thread] = nil }
        }
    }

    package var total: Count {
        threads.values.reduce(into: main) { $0.add($1) }
    }
}

/// Up to where somebody read a room: by one receipt for everything, and by one per thread.
package struct ReadPositions: Hashable, Sendable {
    /// `StreamPosition.raw` of the unthreaded receipt, or of what stands in for one.
    package var everything: UInt64
    /// Of the receipt for the main timeline.
    package var main: UInt64 = 0
    package var threads: [String: UInt64] = [:]

    package init(everything: UInt64) { self.everything = everything }

    /// - Parameter thread: as in receipts: empty for unthreaded, `main`, or a thread's root.
    package mutating func read(to position: UInt64, thread: String) {
        switch thread {
        case "": everything = max(everything, position)
        case "main": main = max(main, position)
        default: threads[thread] = max(threads[thread] ?? 0, position)
        }
    }

    package func hasRead(_ position: UInt64, thread: String?) -> Bool {
        if position <= everything { return true }
        guard let thread else { return position <= main }
        return position <= threads[thread] ?? 0
    }

    /// Nothing at or below this position can be unread.
    package var floor: UInt64 { everything }
}
