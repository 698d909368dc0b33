import Synchronization

/// Who is typing: this node's memory only, never logged.
///
/// A token has no place for typing in the log's sense, so it carries a mark: this run's epoch and
/// the serial of the latest change seen. Every change of a room's set takes the next serial; a
/// sync tells the sets whose serial is above its mark, so a change between two polls of a device
/// is told once and none is lost. A mark of another run or node says nothing: then every set that
/// is not empty is told.
package struct TypingNews: Sendable, Equatable {
    package struct Room: Sendable, Equatable {
        package let roomID: String
        /// Sorted; empty when the last one stopped.
        package let userIDs: [String]
    }
    package let rooms: [Room]
    /// The serial to carry on with.
    package let serial: UInt64
}

extension ChangeFeed {
    struct TypingUser {
        let userID: String
        /// Milliseconds since 1970.
        var until: UInt64
    }

    /// Somebody types in a room until a moment, or stopped (nil). Times in milliseconds.
    package func setTyping(roomID: String, userID: String, until: UInt64?, now: UInt64) {
        let wakes = state.withLock { state -> [Wake] in
            var woken: [Wake] = []
            let slot = state.slot(roomID)
            state.expireTyping(slot, now, &woken)
            let place = state.slots[slot].typing.firstIndex { $0.userID == userID }
            switch (place, until) {
            case (let place?, let until?) where until > now:
                state.slots[slot].typing[place].until = until
                return woken
            case (nil, let until?) where until > now:
                state.slots[slot].typing.append(TypingUser(userID: userID, until: until))
            case (let place?, _): state.slots[slot].typing.remove(at: place)
            default: return woken
            }
            state.noteTyping(slot, &woken)
            return woken
        }
        deliver(wakes)
    }

    /// Who types in a room now, sorted.
    package func typing(in roomID: String, now: UInt64) -> [String] {
        state.withLock { state in
            guard let slot = state.slotsByRoom[roomID] else { return [] }
            return state.slots[slot].typingUsers(now)
        }
    }

    /// The typing sets of the user's rooms that changed since a mark. What ran out by `now` is
    /// taken out first: nobody waits for a timer to learn it.
    package func typingNews(
        _ subscription: FeedSubscription,
        sinceEpoch epoch: UInt32,
        serial: UInt64,
        now: UInt64
    ) -> TypingNews {
        let (news, wakes) = state.withLock { state -> (TypingNews, [Wake]) in
            var woken: [Wake] = []
            let isKnown = epoch == self.epoch && serial <= state.typingSerial
            guard state.isAlive(subscription),
                !state.typingRooms.isEmpty || isKnown && serial < state.typingSerial
            else { return (TypingNews(rooms: [], serial: state.typingSerial), []) }
            var rooms: [TypingNews.Room] = []
            for slot in state.subscriptions[subscription.id]!.rooms {
                guard state.slots[slot].typingSerial > 0 else { continue }
                state.expireTyping(slot, now, &woken)
                let users = state.slots[slot].typingUsers(now)
                if isKnown ? state.slots[slot].typingSerial > serial : !users.isEmpty {
                    rooms.append(.init(roomID: state.slots[slot].roomID, userIDs: users))
                }
            }
            return (TypingNews(rooms: rooms, serial: state.typingSerial), woken)
        }
        deliver(wakes)
        return news
    }
}

extension ChangeFeed.RoomSlot {
    func typingUsers(_ now: UInt64) -> [String] {
        typing.filter { $0.until > now }.map(\.userID).sorted()
    }
}

extension ChangeFeed.State {
    mutating func noteTyping(_ slot: Int, _ woken: inout [ChangeFeed.Wake]) {
        typingSerial += 1
        slots[slot].typingSerial = typingSerial
        if slots[slot].typing.isEmpty {
            typingRooms.remove(slot)
        } else {
            typingRooms.insert(slot)
        }
        ring(slot, &woken)
    }

    /// Who is no longer in a room types there no longer.
    mutating func stopTyping(
        _ userID: String,
        in roomID: String,
        _ woken: inout [ChangeFeed.Wake]
    ) {
        guard let slot = slotsByRoom[roomID],
            let place = slots[slot].typing.firstIndex(where: { $0.userID == userID })
        else { return }
        slots[slot].typing.remove(at: place)
        noteTyping(slot, &woken)
    }

    mutating func expireTyping(_ slot: Int, _ now: UInt64, _ woken: inout [ChangeFeed.Wake]) {
        let before = slots[slot].typing.count
        guard before > 0 else { return }
        slots[slot].typing.removeAll { $0.until <= now }
        if slots[slot].typing.count != before { noteTyping(slot, &woken) }
    }
}
