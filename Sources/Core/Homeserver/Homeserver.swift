import Encryption
package import Keyspace
package import MatrixModel
import MatrixRules
package import Primitives

/// What became of a command.
package enum Decision: Sendable {
    /// The client's fault: nothing happened.
    case rejected(MatrixError)
    /// Decided before: the same answer, once everything up to `after` is applied.
    case repeated(CommandAnswer, after: LogIndex)
    /// To be recorded as one entry; answered when that is applied.
    case append([Fact], CommandAnswer)
    /// Depends on a row that an entry under way changes: decide again once that is applied.
    case wait(until: LogIndex)
    /// No key to give out or to seal with is on this node yet: decide again when keys arrive.
    case parked
}

/// Everything a decision needs from outside.
package struct DecisionContext: Sendable {
    /// Milliseconds since 1970.
    package var wallMilliseconds: UInt64
    /// The same on the scale of records' clocks, which never go back: what a fold will compare.
    package var recordMilliseconds: UInt64
    /// Index the entry will get if one is appended.
    package var nextIndex: LogIndex
    /// Rows up to here can be read.
    package var visible: LogIndex
    package init(
        wallMilliseconds: UInt64,
        recordMilliseconds: UInt64,
        nextIndex: LogIndex,
        visible: LogIndex
    ) {
        self.wallMilliseconds = wallMilliseconds
        self.recordMilliseconds = recordMilliseconds
        self.nextIndex = nextIndex
        self.visible = visible
    }

    /// Nothing is under way: the rows say all.
    var isQuiet: Bool { visible.next == nextIndex }
}

/// Decides the commands of one partition on its leader (architecture 2.2). Holds what is decided
/// and not yet applied beside the rows; a replica that stops leading throws it away.
package struct Homeserver<Reader: HomeserverReader, Keys: KeyReader>: Sendable {
    package let partition: PartitionID
    package let map: PartitionMap
    package let builder: EventBuilder
    let reader: Reader
    let keys: Keys
    package var random: RandomStream
    package var limits = AccountLimits()

    /// Rooms in memory, advanced by what was appended.
    var rooms: [String: RoomHead] = [:]
    /// Users and aliases that an entry under way changes.
    var busy: [String: LogIndex] = [:]
    /// Answers of commands under way.
    var answers: [CommandID: (answer: CommandAnswer, index: LogIndex)] = [:]
    /// Senders of events under way, for redactions that follow at once.
    var senders: [String: (sender: String, index: LogIndex)] = [:]
    var inbox: [PartitionID: UInt64] = [:]
    var keyRanges: [Range<UInt64>]?
    var nextKeyID: UInt64?
    private var lastKeyID: UInt64?
    private var keyIDsMistrustedBelow: UInt64?
    private var contentKeys: [UInt64: [UInt64: ContentKey]] = [:]
    private var contentKeyCount = 0
    /// Counts calls of `applied`.
    private var passes = 0

    package static var roomsMax: Int { 1_024 }
    /// Members of all rooms held.
    package static var membersMax: Int { 50_000 }
    /// Bytes that the rooms held take together, roughly.
    package static var roomBytesMax: Int { 32 << 20 }
    package static var contentKeysMax: Int { 8_192 }

    package init(
        partition: PartitionID,
        map: PartitionMap,
        builder: EventBuilder,
        reader: Reader,
        keys: Keys,
        random: RandomStream
    ) {
        self.partition = partition
        self.map = map
        self.builder = builder
        self.reader = reader
        self.keys = keys
        self.random = random
    }

    /// Decides one command. Facts it returns are taken as appended at `context.nextIndex`: the
    /// caller must propose them, or call `reset()`.
    package mutating func decide(_ command: Command, _ context: DecisionContext) throws -> Decision
    {
        if !command.isInternal, let known = try earlierAnswer(to: command, context) {
            return known
        }
        if let index = scopes(of: command.action).compactMap({ busy[$0] }).max() {
            return .wait(until: index)
        }
        let decision = try decide(command.action, context)
        guard case .append(var facts, let answer) = decision else { return decision }
        if !command.isInternal {
            facts.append(
                .commandAnswered(
                    CommandAnswered(
                        command: command.id,
                        expiresAt: context.recordMilliseconds + command.answerLifetime,
                        answer: answer.encoded
                    )
                )
            )
            answers[command.id] = (answer, context.nextIndex)
        }
        for scope in scopes(of: command.action) { busy[scope] = context.nextIndex }
        return .append(facts, answer)
    }

    private func earlierAnswer(
        to command: Command,
        _ context: DecisionContext
    ) throws -> Decision? {
        if let known = answers[command.id] {
            return .repeated(known.answer, after: known.index)
        }
        guard let stored = try reader.commandAnswer(command.id),
            stored.expiresAt >= context.recordMilliseconds
        else { return nil }
        return .repeated(try CommandAnswer(stored.answer), after: .zero)
    }

    /// Forgets what no longer lies ahead of the rows.
    package mutating func applied(upTo index: LogIndex) {
        if !answers.isEmpty { answers = answers.filter { $0.value.index > index } }
        if !busy.isEmpty { busy = busy.filter { $0.value > index } }
        if !senders.isEmpty { senders = senders.filter { $0.value.index > index } }
        passes &+= 1
        if rooms.count > Self.roomsMax || passes % 64 == 0 && isHoldingTooMuch {
            rooms = rooms.filter { $0.value.lastIndex > index }
        }
    }

    private var isHoldingTooMuch: Bool {
        rooms.values.reduce(0) { $0 + $1.members.count } > Self.membersMax
            || rooms.values.reduce(0) { $0 + $1.bytesHeld } > Self.roomBytesMax
    }

    /// Forgets everything that is not in rows: on losing the lead, or a refused proposal.
    package mutating func reset() {
        rooms = [:]
        busy = [:]
        answers = [:]
        senders = [:]
        inbox = [:]
        keyRanges = nil
        nextKeyID = nil
        lastKeyID = nil
        // What was there before a loss does not grow: a block asked for meanwhile is a new one.
        if keyIDsMistrustedBelow == 0 { keyIDsMistrustedBelow = nil }
    }

    package mutating func forgetKeys() {
        contentKeys = [:]
        contentKeyCount = 0
    }

    /// What a command reads of rows that have no overlay: such commands go one after another.
    private func scopes(of action: Command.Action) -> [String] {
        switch action {
        case .createAccount(let create): [create.userID]
        case .changePassword(let change): [change.userID]
        case .deactivate(let user, _): [user]
        case .addDevice(let add): [add.userID]
        case .renameDevice(let user, _, _): [user]
        case .removeDevices(let user, _): [user]
        case .setProfile(let set): [set.userID]
        case .storeFilter(let user, _, _): [user]
        case .forgetRoom(let user, _): [user]
        case .reserveAlias(let alias, _, _, _): [alias]
        case .removeAlias(let alias): [alias]
        case .deliver(_, _, _, .membershipNoted(let fact)): [fact.userID]
        case .deliver(_, _, _, .aliasConfirmed(let fact)): [fact.alias]
        case .issueLoginToken, .spendLoginToken: ["login tokens"]
        case .createRoom, .sendEvent, .publishRoom, .setReceipts, .setAccountData, .createKeys,
            .destroyKeys, .deliver, .acknowledgeOutbox:
            []
        case .restateKeys: ["keys restated"]
        }
    }

    private mutating func decide(
        _ action: Command.Action,
        _ context: DecisionContext
    ) throws -> Decision {
        switch action {
        case .createRoom(let create): try decide(create, context)
        case .sendEvent(let send): try decide(send, context)
        case .publishRoom(let room, let user, let isPublic):
            try publish(room, by: user, isPublic: isPublic, context)
        case .setReceipts(let room, let receipts):
            .append([.receiptsSet(ReceiptsSet(roomID: room, receipts: receipts))], .done)
        case .createAccount(let create): try decide(create, context)
        case .changePassword(let change): try decide(change)
        case .deactivate(let user, let erase): try deactivate(user, erase: erase)
        case .addDevice(let add): try decide(add, context)
        case .renameDevice(let user, let device, let name):
            try rename(device, of: user, to: name)
        case .removeDevices(let user, let devices): try remove(devices, of: user)
        case .setProfile(let set): try decide(set)
        case .setAccountData(let user, let room, let type, let content):
            try setAccountData(user, room, type, content)
        case .storeFilter(let user, let id, let content): try storeFilter(user, id, content)
        case .forgetRoom(let user, let room): try forget(room, by: user)
        case .issueLoginToken(let user, let mac, let expiresAt):
            .append(
                [
                    .loginTokenIssued(
                        LoginTokenIssued(userID: user, tokenMAC: mac, expiresAt: expiresAt)
                    )
                ],
                .done
            )
        case .spendLoginToken(let mac): try spend(mac, context)
        case .reserveAlias(let alias, let room, let creator, let confirm):
            try reserve(alias, for: room, by: creator, confirm: confirm, context)
        case .removeAlias(let alias): try removeAlias(alias)
        case .createKeys(let target, let count): try createKeys(for: target, count: count)
        case .destroyKeys(let ids):
            .append([.keysDestroyed(KeysDestroyed(keyIDs: ids))], .done)
        case .restateKeys(let epoch, let limit):
            try restateKeys(under: epoch, limit: limit, context)
        case .deliver(let source, let sequence, let after, let message):
            try deliver(message, from: source, sequence, after: after, context)
        case .acknowledgeOutbox(let target, let upTo):
            .append(
                [
                    .outboxAcknowledged(
                        OutboxAcknowledged(target: target.raw, upTo: upTo)
                    )
                ],
                .done
            )
        }
    }

    // MARK: Keys

    func userKey(_ id: UInt64) -> UserKeyLookup {
        switch keys.key(id) {
        case .found(let secret): .found(UserKey(id: KeyID(id), secret: secret))
        case .destroyed: .destroyed
        case .absent: .absent
        case .lost: .lost
        }
    }

    /// The key of a pair of room and user; nil with the reason when one of them is not there.
    mutating func contentKey(room: UInt64, user: UInt64) -> ContentKeyLookup {
        if let known = contentKeys[room]?[user] { return .found(known) }
        let roomSecret: SecretKey
        switch keys.key(room) {
        case .found(let secret): roomSecret = secret
        case .destroyed: return .destroyed
        case .absent: return .absent
        case .lost: return .lost
        }
        switch userKey(user) {
        case .destroyed: return .destroyed
        case .absent: return .absent
        case .lost: return .lost
        case .found(let userKey):
            let key = ContentKey(
                room: RoomKey(id: KeyID(room), epoch: 1, secret: roomSecret),
                user: userKey
            )
            if contentKeyCount >= Self.contentKeysMax { forgetKeys() }
            contentKeys[room, default: [:]][user] = key
            contentKeyCount += 1
            return .found(key)
        }
    }

    /// Takes the next key ID of this partition's blocks whose key was not lost, or nil when none is
    /// left.
    mutating func takeKeyID() throws -> UInt64? {
        var ranges = try keyRanges ?? reader.keyRanges()
        defer { keyRanges = ranges }
        while let first = ranges.first, let id = first.first {
            ranges[0] = id + 1..<first.upperBound
            if ranges[0].isEmpty { ranges.removeFirst() }
            lastKeyID = id
            if case .lost = keys.key(id) { continue }
            return id
        }
        return nil
    }

    /// Key IDs that can still be given out before another block is needed.
    ///
    /// Call it while the key partition has a leader here, and before asking that for a block.
    package mutating func keysLeft() throws -> UInt64 {
        _ = try keyIDsMistrusted()
        let ranges = try keyRanges ?? reader.keyRanges()
        keyRanges = ranges
        return ranges.reduce(0) { $0 + UInt64($1.count) }
    }

    /// Key IDs below this may have been given out by what was lost here: a block of them that had
    /// been granted before the loss may come again. 0 where nothing was lost.
    mutating func keyIDsMistrusted() throws -> UInt64 {
        if let keyIDsMistrustedBelow { return keyIDsMistrustedBelow }
        let found = try reader.hasLostKeyBlocks() ? keys.nextKeyID() : 0
        keyIDsMistrustedBelow = found
        return found
    }

    /// What the leader reads of its own rows.
    package var rows: Reader { reader }

    /// New blocks lie in the rows: read them again behind what was given out since.
    package mutating func keyBlockArrived() throws {
        guard let known = keyRanges else { return }
        let newest = known.last?.upperBound ?? lastKeyID.map { $0 + 1 } ?? 0
        keyRanges = known + (try reader.keyRanges().filter { $0.lowerBound >= newest })
    }

    enum UserKeyLookup {
        case found(UserKey)
        case destroyed, absent, lost
    }
    enum ContentKeyLookup {
        case found(ContentKey)
        case destroyed, absent, lost
    }
}

extension MatrixError {
    /// The record with the key of `what` was lost, and the loss accepted.
    static func keyLost(_ what: String) -> MatrixError {
        .forbidden("The key of \(what) was lost with a damaged piece of the log")
    }
}

extension Command {
    /// Work of the partitions among themselves: numbered by the outbox, or harmless to repeat.
    var isInternal: Bool {
        switch action {
        case .deliver, .acknowledgeOutbox, .createKeys, .destroyKeys, .restateKeys,
            .setReceipts:
            true
        default: false
        }
    }
}
