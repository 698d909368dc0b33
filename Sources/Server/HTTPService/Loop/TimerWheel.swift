/// A thing with time-outs that lives on one event loop. Its deadline moves all the time and is
/// looked at only when the wheel comes round, so that a request costs the wheel nothing.
package protocol WheelEntry: AnyObject {
    /// The wheel's own note.
    var wheelPlace: WheelPlace { get set }

    /// Called when the entry's slot comes up; the entry has left the wheel. Returns the tick at
    /// which it wants to be looked at again, or nil if never.
    func wake(at tick: Int) -> Int?

    /// The server drains: finish what is in flight, accept nothing new.
    func drain()

    /// The server stops now.
    func terminate()
}

extension WheelEntry {
    package func drain() {}
    package func terminate() {}
}

/// Where an entry is in its wheel.
package struct WheelPlace {
    fileprivate var slot: Int32 = -1
    fileprivate var index: Int32 = 0

    package init() {}
}

/// One coarse wheel per event loop instead of a scheduled task per request. Confined to its loop.
package final class TimerWheel {
    private static let slotCount = 512

    package init() {}

    private var slots = [[any WheelEntry]](repeating: [], count: TimerWheel.slotCount)
    package private(set) var tick = 0
    package private(set) var count = 0

    /// Puts the entry where it is woken at `wanted` or, if that is too far off, earlier. An entry
    /// that is already due sooner stays where it is.
    package func schedule(_ entry: any WheelEntry, at wanted: Int) {
        let due = min(max(wanted, tick + 1), tick + Self.slotCount - 1)
        if entry.wheelPlace.slot >= 0 {
            let current = Int(entry.wheelPlace.slot)
            let currentDue =
                tick + ((current - tick) % Self.slotCount + Self.slotCount)
                % Self.slotCount
            // The slot of this very tick is past: an entry in it waits a full round.
            if currentDue > tick, currentDue <= due { return }
            remove(entry)
        }
        let slot = due % Self.slotCount
        entry.wheelPlace.slot = Int32(slot)
        entry.wheelPlace.index = Int32(slots[slot].count)
        slots[slot].append(entry)
        count += 1
    }

    package func remove(_ entry: any WheelEntry) {
        guard entry.wheelPlace.slot >= 0 else { return }
        let slot = Int(entry.wheelPlace.slot)
        let index = Int(entry.wheelPlace.index)
        let last = slots[slot].removeLast()
        if last !== entry {
            slots[slot][index] = last
            last.wheelPlace.index = Int32(index)
        }
        entry.wheelPlace.slot = -1
        count -= 1
    }

    /// Moves on by one tick and wakes what is due.
    package func advance() {
        tick += 1
        let slot = tick % Self.slotCount
        let due = slots[slot]
        guard !due.isEmpty else { return }
        slots[slot] = []
        count -= due.count
        for entry in due { entry.wheelPlace.slot = -1 }
        for entry in due {
            // Waking one entry may have scheduled another of the same batch already.
            guard entry.wheelPlace.slot < 0 else { continue }
            if let next = entry.wake(at: tick) { schedule(entry, at: next) }
        }
    }

    var all: [any WheelEntry] { slots.flatMap { $0 } }
}
