import Keyspace
package import Primitives
package import Projections
import Synchronization

/// Tells this node's waiting syncs what its own replicas have applied, and keeps what it learns
/// on the way: which rooms and accounts were quiet since when, and who is typing where.
///
/// A hint, never the truth: positions decide. What the feed calls quiet *is* quiet, because
/// every applied batch passes through it before the applied position is shown to anybody; what it
/// does not know it says so, and the reader asks the store.
///
/// Waiting goes by the rule "listen, then look": `listen` gives a subscription and its serial,
/// the caller looks at the store, and `wait` takes the serial back and refuses when something
/// happened since. A user's rooms are indexed once, when the subscription is made; registering a
/// long poll costs the same for ten rooms as for ten thousand.
///
/// Safe from any thread. Wake-ups are handed over outside the lock, all of one publish at once.
package final class ChangeFeed: Sendable {
    package typealias Wake = @Sendable () -> Void

    /// How long a subscription nobody waits on is kept, in milliseconds: longer than a client
    /// takes between two polls.
    package static let idleLimit: UInt64 = 5 * 60 * 1_000
    /// Rooms remembered at most; above it those that nobody follows are forgotten.
    package static let roomsMax = 200_000

    /// Names this run of this node in typing marks; never zero.
    package let epoch: UInt32
    let state: Mutex<State>
    private let observers = Mutex<[@Sendable (Change) -> Void]>([])
    private let handOver: @Sendable ([Wake]) -> Void

    /// - Parameters:
    ///   - epoch: a random number, another one in every run.
    ///   - handOver: takes the wake-ups of one publish, on the publishing thread; must not block.
    package init(epoch: UInt32, handOver: @escaping @Sendable ([Wake]) -> Void) {
        self.epoch = max(1, epoch)
        self.handOver = handOver
        state = Mutex(State())
    }

    /// What `observe` tells: changes that caches elsewhere must heed at once.
    package func observe(_ body: @escaping @Sendable (Change) -> Void) {
        observers.withLock { $0.append(body) }
    }

    /// A batch of `partition` is in the state database up to `applied`. Call it before any answer
    /// leaves; once per partition with no changes when the node starts. Readers may see the rows a
    /// moment earlier: who listens reads no further than what was published when it began.
    package func publish(_ changes: [Change], partition: PartitionID, applied: LogIndex) {
        let wakes = state.withLock { state -> [Wake] in
            var woken: [Wake] = []
            for change in changes { state.note(change, partition, applied, &woken) }
            state.setPublished(partition, applied)
            state.forgetRooms(above: Self.roomsMax)
            return woken
        }
        let observers = observers.withLock { $0 }
        if !observers.isEmpty {
            for change in changes where change.concernsCaches {
                for observer in observers { observer(change) }
            }
        }
        deliver(wakes)
    }

    func deliver(_ wakes: [Wake]) {
        if !wakes.isEmpty { handOver(wakes) }
    }

    /// How far a partition was published; nil before its first publish.
    package func published(_ partition: PartitionID) -> LogIndex? {
        state.withLock { $0.published(partition) }
    }

    /// What is known of a room since `index`, exclusive.
    package func activity(
        roomID: String,
        partition: PartitionID,
        since index: LogIndex
    ) -> FeedActivity {
        state.withLock { $0.activity(roomID, partition, since: index) }
    }

    /// Everything at once, for tests and metrics.
    package var statistics: FeedStatistics {
        state.withLock {
            FeedStatistics(
                rooms: $0.slots.count,
                subscriptions: $0.subscriptionIDs.count,
                waiters: $0.waiterCount
            )
        }
    }
}

package struct FeedStatistics: Sendable, Equatable {
    package let rooms: Int
    package let subscriptions: Int
    package let waiters: Int
}

package enum FeedActivity: Sendable, Equatable {
    case quiet
    case changed
    case unknown
}

extension Change {
    /// Opened content or access tokens may be cached beyond it.
    fileprivate var concernsCaches: Bool {
        switch self {
        case .keysDestroyed, .devicesRemoved, .deactivated: true
        default: false
        }
    }
}

extension ChangeFeed {
    /// One room as the feed knows it.
    struct RoomSlot {
        let roomID: String
        /// Log index of the latest event, zero for none since the start.
        var lastEvent = LogIndex.zero
        var lastReceipt = LogIndex.zero
        var typing: [TypingUser] = []
        /// Serial of the latest change of `typing`, zero for none.
        var typingSerial: UInt64 = 0
        /// Subscriptions to wake, in no order.
        var subscribers: [Int] = []
    }

    struct State: Sendable {
        var slotsByRoom: [String: Int] = [:]
        var slots: [RoomSlot] = []
        /// By partition number; the greatest number where nothing was published yet.
        var positions: [LogIndex] = []
        /// By partition number: from here on every change is known. Nil before the first publish.
        var floors: [LogIndex?] = []
        var subscriptions: [Subscription?] = []
        var freeSubscriptions: [Int] = []
        var subscriptionIDs: [String: Int] = [:]
        var generation: UInt32 = 0
        var waiterCount = 0
        var waiterSerial: UInt64 = 0
        var typingSerial: UInt64 = 0
        /// Rooms where somebody types.
        var typingRooms: Set<Int> = []
        var lastSweep: UInt64 = 0

        mutating func slot(_ roomID: String) -> Int {
            if let known = slotsByRoom[roomID] { return known }
            slots.append(RoomSlot(roomID: roomID))
            slotsByRoom[roomID] = slots.count - 1
            return slots.count - 1
        }

        // MARK: Positions

        func published(_ partition: PartitionID) -> LogIndex? {
            let number = Int(partition.raw)
            guard number < floors.count, floors[number] != nil else { return nil }
            return positions[number]
        }

        mutating func setPublished(_ partition: PartitionID, _ applied: LogIndex) {
            let number = Int(partition.raw)
            while positions.count <= number {
                positions.append(LogIndex(.max))
                floors.append(nil)
            }
            if floors[number] == nil {
                floors[number] = applied
                positions[number] = applied
            } else if applied > positions[number] {
                positions[number] = applied
            }
        }

        func activity(
            _ roomID: String,
            _ partition: PartitionID,
            since index: LogIndex
        ) -> FeedActivity {
            if let slot = slotsByRoom[roomID],
                max(slots[slot].lastEvent, slots[slot].lastReceipt) > index
            {
                return .changed
            }
            let number = Int(partition.raw)
            guard number < floors.count, let floor = floors[number], index >= floor else {
                return .unknown
            }
            return .quiet
        }

        // MARK: Changes

        mutating func note(
            _ change: Change,
            _ partition: PartitionID,
            _ applied: LogIndex,
            _ woken: inout [Wake]
        ) {
            switch change {
            case .room(let roomID, let position):
                let slot = slot(roomID)
                slots[slot].lastEvent = max(slots[slot].lastEvent, position.index)
                ring(slot, &woken)
            case .receipts(let roomID, let index):
                let slot = slot(roomID)
                slots[slot].lastReceipt = max(slots[slot].lastReceipt, index)
                ring(slot, &woken)
            case .membership(let userID, let roomID, let membership):
                if membership != "join" { stopTyping(userID, in: roomID, &woken) }
                guard let id = subscriptionIDs[userID] else { break }
                if membership == "join" {
                    follow(id, slot(roomID))
                } else {
                    unfollow(id, roomID)
                }
            case .user(let userID):
                guard let id = subscriptionIDs[userID] else { break }
                subscriptions[id]?.accountFloor = applied
                ring(subscription: id, &woken)
            case .deactivated(let userID):
                guard let id = subscriptionIDs[userID] else { break }
                ring(subscription: id, &woken)
            case .devicesRemoved(let userID, _):
                // Whoever waits with a token that is void now must be told.
                guard let id = subscriptionIDs[userID] else { break }
                ring(subscription: id, &woken)
            case .outbox, .keyBlock, .keysDestroyed: break
            }
        }

        mutating func ring(_ slot: Int, _ woken: inout [Wake]) {
            for id in slots[slot].subscribers { ring(subscription: id, &woken) }
        }

        mutating func ring(subscription id: Int, _ woken: inout [Wake]) {
            guard subscriptions[id] != nil else { return }
            subscriptions[id]!.serial += 1
            guard !subscriptions[id]!.waiters.isEmpty else { return }
            waiterCount -= subscriptions[id]!.waiters.count
            for waiter in subscriptions[id]!.waiters { woken.append(waiter.wake) }
            subscriptions[id]!.waiters.removeAll(keepingCapacity: true)
        }

        /// Forgets rooms that nobody follows once there are too many. What was known of quiet
        /// rooms ends at the positions published so far.
        mutating func forgetRooms(above limit: Int) {
            guard slots.count > limit else { return }
            var kept: [RoomSlot] = []
            var moved: [Int: Int] = [:]
            for (number, slot) in slots.enumerated()
            where !slot.subscribers.isEmpty || !slot.typing.isEmpty {
                moved[number] = kept.count
                kept.append(slot)
            }
            slots = kept
            slotsByRoom = [:]
            for (number, slot) in kept.enumerated() { slotsByRoom[slot.roomID] = number }
            typingRooms = Set(typingRooms.compactMap { moved[$0] })
            for id in subscriptions.indices {
                guard let rooms = subscriptions[id]?.rooms else { continue }
                subscriptions[id]?.rooms = rooms.compactMap { moved[$0] }
            }
            for number in floors.indices where floors[number] != nil {
                floors[number] = positions[number]
            }
        }
    }
}
