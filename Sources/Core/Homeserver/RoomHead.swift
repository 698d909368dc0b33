package import MatrixModel
package import MatrixRules
package import Primitives

/// A room as the leader sees it when it decides: its state including what was appended and is not
/// applied yet. Loaded from rows, then advanced event by event.
package struct RoomHead: AuthorizationState, Sendable {
    package struct Member: Sendable, Hashable {
        package var membership: Membership
        package var eventID: String
    }

    package let roomID: String
    package let version: RoomVersion
    package let keyID: UInt64
    package private(set) var power: RoomPower?
    package private(set) var joinRules = JoinRules.absent
    package private(set) var members: [UserID: Member] = [:]
    /// The state that `auth_events` may name, members apart.
    private var authEvents: [StateSlot: StoredEvent] = [:]
    private var thirdPartyInvites: [StateSlot: KnownInvite] = [:]
    /// What an invitation shows of the room, as sealed as it is there.
    package private(set) var strippedState: [String: StoredEvent] = [:]
    package private(set) var lastEventID = ""
    package private(set) var depth: UInt64 = 0
    package private(set) var eventCount = 0
    package var isPublic = false
    /// Bytes of content of each current state event, members apart, and of all of them.
    private var stateSizes: [StateSlot: Int] = [:]
    private var stateBytes = 0
    /// What the keys of `stateSizes` take in memory.
    private var slotBytes = 0
    private var create: CreateContent?
    /// The entry that changed it last: its rows are behind until that one is applied.
    package var lastIndex: LogIndex = .zero

    /// Bytes of content up to which an event is shown with an invitation: each invitation of a room
    /// carries a copy of them all.
    package static let strippedBytesMax = 8 << 10

    package static let strippedTypes: Set<String> = [
        "m.room.create", "m.room.name", "m.room.avatar", "m.room.topic", "m.room.join_rules",
        "m.room.canonical_alias", "m.room.encryption",
    ]

    /// Most state events that are current at once, members apart, and most bytes of their content:
    /// all of it is told to whoever comes in, and kept here.
    package static let stateEntriesMax = 5_000
    package static let stateBytesMax = 8 << 20
    /// Longest content of a member event, of which a room may have any number.
    package static let memberBytesMax = 8 << 10

    package init(roomID: String, version: RoomVersion, keyID: UInt64) {
        self.roomID = roomID
        self.version = version
        self.keyID = keyID
    }

    /// From rows: the current state events in any order, and the end of the timeline.
    package init(
        roomID: String,
        version: RoomVersion,
        keyID: UInt64,
        state: [StoredEvent],
        lastEventID: String,
        depth: UInt64,
        isPublic: Bool
    ) {
        self.init(roomID: roomID, version: version, keyID: keyID)
        for event in state where event.type == "m.room.create" { note(event) }
        for event in state where event.type != "m.room.create" { note(event) }
        self.lastEventID = lastEventID
        self.depth = depth
        self.isPublic = isPublic
        // A room that is stored is past its first events.
        eventCount = 2
    }

    package var ancestry: AuthorizableEvent.Ancestry {
        switch eventCount {
        case 0: .none
        case 1: .createOnly
        default: .more
        }
    }

    package func membership(of user: UserID) -> Membership {
        members[user]?.membership ?? .leave
    }

    package func thirdPartyInvite(token: String) -> ThirdPartyInvite? {
        thirdPartyInvites[StateSlot(Self.thirdPartyType, token)]?.invite
    }

    private static let thirdPartyType = "m.room.third_party_invite"

    /// Of these a room may have thousands, so no more is kept of one than is asked of it.
    private struct KnownInvite: Sendable {
        let eventID: String
        /// Nil for one without a key.
        var invite: ThirdPartyInvite?
    }

    /// Roughly what the head holds in memory, in bytes.
    package var bytesHeld: Int {
        func size(_ event: StoredEvent) -> Int {
            event.clear.count + event.senderSealed.count + 512
        }
        let invites = thirdPartyInvites.values.reduce(0) { sum, known in
            sum + 256 + (known.invite?.publicKeys.reduce(0) { $0 + 64 + $1.utf8.count } ?? 0)
        }
        return members.count * 192 + slotBytes + invites
            + authEvents.values.reduce(0) { $0 + size($1) }
            + strippedState.values.reduce(0) { $0 + size($1) }
    }

    /// The ID of the state event with this key, if it is of a kind that authorization reads.
    package func eventID(of key: StateSlot) -> String? {
        key.type == "m.room.member"
            ? members[UserID(trusted: key.key)]?.eventID
            : authEvents[key]?.eventID ?? thirdPartyInvites[key]?.eventID
    }

    /// Why the room takes no such state event for want of space; nil when it does. What is there
    /// may always be replaced by less.
    package func stateRefusal(_ type: String, _ key: String, bytes: Int) -> MatrixError? {
        if type == "m.room.member" {
            guard bytes > Self.memberBytesMax else { return nil }
            return .tooLarge("A member event's content has at most \(Self.memberBytesMax) bytes")
        }
        let before = stateSizes[StateSlot(type, key)]
        if before == nil, stateSizes.count >= Self.stateEntriesMax {
            return .tooLarge("A room has at most \(Self.stateEntriesMax) state events")
        }
        guard bytes <= before ?? 0 || stateBytes - (before ?? 0) + bytes <= Self.stateBytesMax
        else {
            return .tooLarge("A room's state has at most \(Self.stateBytesMax) bytes")
        }
        return nil
    }

    /// Moves the head past an event that was just appended.
    package mutating func advance(_ event: StoredEvent) {
        note(event)
        if let target = event.redacts { redact(target, by: event.eventID) }
        lastEventID = event.eventID
        depth = event.depth
        eventCount += 1
    }

    /// Strips a current state event, as its row is stripped. Members keep what counts here.
    private mutating func redact(_ target: String, by reason: String) {
        for (type, event) in strippedState
        where event.eventID == target && event.redactedBy == nil {
            strippedState[type] = event.redacted(by: reason, in: version)
        }
        for (slot, event) in authEvents
        where event.eventID == target && event.redactedBy == nil && slot.type != "m.room.create" {
            note(event.redacted(by: reason, in: version))
        }
        // Nothing of its content outlives a redaction.
        for (slot, known) in thirdPartyInvites where known.eventID == target {
            thirdPartyInvites[slot]?.invite = nil
            let rest = ContentParts.emptyObject.count
            stateBytes += rest - (stateSizes.updateValue(rest, forKey: slot) ?? 0)
        }
    }

    private mutating func note(_ event: StoredEvent) {
        guard let stateKey = event.stateKey else { return }
        if event.type != "m.room.member" {
            let size = event.clear.count + event.senderSealed.count
            let before = stateSizes.updateValue(size, forKey: StateSlot(event.type, stateKey))
            stateBytes += size - (before ?? 0)
            if before == nil { slotBytes += event.type.utf8.count + stateKey.utf8.count + 96 }
        }
        if stateKey.isEmpty, Self.strippedTypes.contains(event.type) {
            let isFit = event.clear.count + event.senderSealed.count <= Self.strippedBytesMax
            strippedState[event.type] = isFit ? event : nil
        }
        switch event.type {
        case "m.room.member":
            let content = try? JSONDocument(parsing: event.clear)
            let word = content?.root["membership"]?.string ?? "leave"
            members[UserID(trusted: stateKey)] = Member(
                membership: Membership(word) ?? .leave,
                eventID: event.eventID
            )
        case "m.room.create":
            let content = try? JSONDocument(parsing: event.clear)
            create = try? CreateContent(content?.root, sender: UserID(trusted: event.sender))
            authEvents[StateSlot(event.type)] = event
            power = create.map { RoomPower(create: $0, levels: nil) }
        case "m.room.power_levels" where stateKey.isEmpty:
            let content = try? JSONDocument(parsing: event.clear)
            authEvents[StateSlot(event.type)] = event
            if let create, let levels = try? PowerLevels(content?.root) {
                power = RoomPower(create: create, levels: levels)
            }
        case "m.room.join_rules" where stateKey.isEmpty:
            let content = try? JSONDocument(parsing: event.clear)
            authEvents[StateSlot(event.type)] = event
            joinRules = JoinRules(content?.root)
        case "m.room.third_party_invite":
            var known = KnownInvite(eventID: event.eventID)
            if let content = try? JSONDocument(parsing: event.clear),
                content.root["public_key"] != nil || content.root["public_keys"] != nil
            {
                known.invite = ThirdPartyInvite(
                    sender: UserID(trusted: event.sender),
                    content: content.root
                )
            }
            thirdPartyInvites[StateSlot(event.type, stateKey)] = known
        default: break
        }
    }
}
