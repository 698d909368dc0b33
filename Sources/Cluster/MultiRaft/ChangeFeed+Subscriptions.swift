package import Primitives
import Synchronization

/// One user's place in the feed. Good until the user was idle for `ChangeFeed.idleLimit`.
package struct FeedSubscription: Sendable, Hashable {
    let id: Int
    let generation: UInt32
}

/// What `listen` found.
package struct FeedListening: Sendable {
    package let subscription: FeedSubscription
    /// Counts what happened to the user; `wait` wants it back.
    package let serial: UInt64
    /// The subscription was made just now: tell it the user's rooms with `follow`.
    package let isNew: Bool
    /// From this index of the account's partition on nothing of the account changed; nil for
    /// unknown.
    package let accountFloor: LogIndex?
    let positions: [LogIndex]

    /// Up to where a partition was published at this moment: an answer reaches up to there, and
    /// whatever comes after it rings. No bound for a partition never published.
    package func bound(_ partition: PartitionID) -> LogIndex {
        let number = Int(partition.raw)
        return number < positions.count ? positions[number] : LogIndex(.max)
    }
}

/// One registered wait, to be given up again.
package struct FeedWaiter: Sendable, Hashable {
    let subscription: FeedSubscription
    let serial: UInt64
}

extension ChangeFeed {
    struct Subscription {
        let userID: String
        let generation: UInt32
        var rooms: [Int] = []
        var serial: UInt64 = 0
        var accountFloor: LogIndex?
        var lastUsed: UInt64
        var waiters: [Waiter] = []
        var isFollowed = false
    }

    struct Waiter {
        let serial: UInt64
        let wake: Wake
    }

    /// Makes or finds the user's subscription. From now on nothing of the user goes unnoticed.
    /// - Parameters:
    ///   - account: the partition of the user's account.
    ///   - now: milliseconds, of the clock that `sweep` gets too.
    package func listen(userID: String, account: PartitionID, now: UInt64) -> FeedListening {
        state.withLock { state in
            let id = state.subscription(of: userID, account, now)
            return FeedListening(
                subscription: FeedSubscription(
                    id: id,
                    generation: state.subscriptions[id]!.generation
                ),
                serial: state.subscriptions[id]!.serial,
                isNew: !state.subscriptions[id]!.isFollowed,
                accountFloor: state.subscriptions[id]!.accountFloor,
                positions: state.positions
            )
        }
    }

    /// The rooms the user was in when the caller looked, after `listen`; then listen again, for
    /// what happened in them meanwhile rang nothing. Joins that the feed heard of meanwhile stay;
    /// a leave it heard of may be undone, which wakes once too often.
    package func follow(_ subscription: FeedSubscription, rooms: some Sequence<String>) {
        state.withLock { state in
            guard state.isAlive(subscription) else { return }
            let known = Set(state.subscriptions[subscription.id]!.rooms)
            for room in rooms {
                let slot = state.slot(room)
                if !known.contains(slot) { state.append(subscription.id, slot) }
            }
            state.subscriptions[subscription.id]!.isFollowed = true
        }
    }

    /// Waits for the next thing that happens to the user; `wake` is called at most once, with
    /// others, through the feed's hand-over. Nil when something happened since `serial`, or the
    /// subscription is gone: look again.
    package func wait(
        _ subscription: FeedSubscription,
        after serial: UInt64,
        now: UInt64,
        _ wake: @escaping Wake
    ) -> FeedWaiter? {
        state.withLock { state in
            guard state.isAlive(subscription),
                state.subscriptions[subscription.id]!.serial == serial
            else { return nil }
            state.waiterSerial += 1
            state.waiterCount += 1
            state.subscriptions[subscription.id]!.lastUsed = now
            state.subscriptions[subscription.id]!.waiters.append(
                Waiter(serial: state.waiterSerial, wake: wake)
            )
            return FeedWaiter(subscription: subscription, serial: state.waiterSerial)
        }
    }

    /// Takes a wait back. False when it was woken already.
    @discardableResult
    package func giveUp(_ waiter: FeedWaiter) -> Bool {
        state.withLock { state in
            let id = waiter.subscription.id
            guard state.isAlive(waiter.subscription),
                let place = state.subscriptions[id]!.waiters.firstIndex(where: {
                    $0.serial == waiter.serial
                })
            else { return false }
            state.subscriptions[id]!.waiters.swapAt(
                place,
                state.subscriptions[id]!.waiters.count - 1
            )
            state.subscriptions[id]!.waiters.removeLast()
            state.waiterCount -= 1
            return true
        }
    }

    /// What time alone changes: who stopped typing without saying so, and subscriptions nobody
    /// used. Cheap when there is nothing to do; call it about once a second.
    package func sweep(now: UInt64) {
        let wakes = state.withLock { state -> [Wake] in
            var woken: [Wake] = []
            for slot in Array(state.typingRooms) { state.expireTyping(slot, now, &woken) }
            if now >= state.lastSweep + 30_000 {
                state.lastSweep = now
                state.dropIdle(now)
            }
            return woken
        }
        deliver(wakes)
    }
}

extension ChangeFeed.State {
    func isAlive(_ subscription: FeedSubscription) -> Bool {
        subscriptions[subscription.id]?.generation == subscription.generation
    }

    mutating func subscription(
        of userID: String,
        _ account: PartitionID,
        _ now: UInt64
    ) -> Int {
        if let known = subscriptionIDs[userID] {
            subscriptions[known]!.lastUsed = now
            return known
        }
        generation &+= 1
        let made = ChangeFeed.Subscription(
            userID: userID,
            generation: generation,
            accountFloor: published(account),
            lastUsed: now
        )
        let id: Int
        if let free = freeSubscriptions.popLast() {
            id = free
            subscriptions[id] = made
        } else {
            id = subscriptions.count
            subscriptions.append(made)
        }
        subscriptionIDs[userID] = id
        return id
    }

    mutating func follow(_ id: Int, _ slot: Int) {
        guard subscriptions[id]?.rooms.contains(slot) == false else { return }
        append(id, slot)
    }

    mutating func append(_ id: Int, _ slot: Int) {
        subscriptions[id]!.rooms.append(slot)
        slots[slot].subscribers.append(id)
    }

    mutating func unfollow(_ id: Int, _ roomID: String) {
        guard let slot = slotsByRoom[roomID],
            let place = subscriptions[id]?.rooms.firstIndex(of: slot)
        else { return }
        subscriptions[id]!.rooms.remove(at: place)
        removeSubscriber(id, from: slot)
    }

    private mutating func removeSubscriber(_ id: Int, from slot: Int) {
        guard let place = slots[slot].subscribers.firstIndex(of: id) else { return }
        slots[slot].subscribers.swapAt(place, slots[slot].subscribers.count - 1)
        slots[slot].subscribers.removeLast()
    }

    mutating func dropIdle(_ now: UInt64) {
        for id in subscriptions.indices {
            guard let subscription = subscriptions[id], subscription.waiters.isEmpty,
                subscription.lastUsed + ChangeFeed.idleLimit < now
            else { continue }
            for slot in subscription.rooms { removeSubscriber(id, from: slot) }
            subscriptionIDs[subscription.userID] = nil
            subscriptions[id] = nil
            freeSubscriptions.append(id)
        }
    }
}
