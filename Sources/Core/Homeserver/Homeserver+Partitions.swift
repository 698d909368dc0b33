import Encryption
import Keyspace
import MatrixModel
import MatrixRules
import Primitives

extension Homeserver {
    /// How long an alias is held for a room that is being created, in milliseconds.
    package static var reservationMilliseconds: UInt64 { 60_000 }

    mutating func reserve(
        _ alias: String,
        for room: String,
        by creator: String,
        confirm: Bool,
        _ context: DecisionContext
    ) throws -> Decision {
        if let known = try reader.alias(alias),
            known.isConfirmed || known.expiresAt > context.wallMilliseconds,
            known.roomID != room || known.isConfirmed
        {
            return .rejected(
                MatrixError(
                    confirm ? .unknown : .roomInUse,
                    "The alias is taken",
                    status: confirm ? 409 : 400
                )
            )
        }
        if confirm {
            return .append(
                [.aliasConfirmed(AliasConfirmed(alias: alias, roomID: room, creator: creator))],
                .done
            )
        }
        return .append(
            [
                .aliasReserved(
                    AliasReserved(
                        alias: alias,
                        roomID: room,
                        creator: creator,
                        expiresAt: context.wallMilliseconds + Self.reservationMilliseconds
                    )
                )
            ],
            .done
        )
    }

    /// Also frees an alias that is only reserved.
    mutating func removeAlias(_ alias: String) throws -> Decision {
        guard try reader.alias(alias) != nil else {
            return .rejected(.notFound("There is no such alias"))
        }
        return .append([.aliasRemoved(AliasRemoved(alias: alias))], .done)
    }

    /// Draws a block of keys, durable here before the partition it is for hears of it.
    mutating func createKeys(for target: PartitionID, count: Int) throws -> Decision {
        let first = try nextKeyID ?? reader.nextKeyID()
        guard let wrapped = wrapNewKeys(first: first, count: count) else { return .parked }
        nextKeyID = first + UInt64(count)
        var facts: [Fact] = [
            .keysCreated(KeysCreated(first: first, partition: target.raw, wrapped: wrapped))
        ]
        if target != partition {
            let grant = Fact.keyBlockGranted(
                KeyBlockGranted(first: first, count: UInt64(count))
            )
            facts.append(queue(grant, for: target))
        }
        return .append(facts, .text(String(first)))
    }

    private mutating func wrapNewKeys(first: UInt64, count: Int) -> [[UInt8]]? {
        guard let wrapper = keys.wrapper else { return nil }
        return (0..<UInt64(count)).map { offset in
            KeyWrap.wrap(
                SecretKey(random.bytes(SecretKey.count)),
                as: WrappedHeader(
                    kind: .room,
                    id: KeyID(first + offset),
                    keyEpoch: 1,
                    wrapEpoch: wrapper.epoch
                ),
                with: wrapper.key,
                nonce: random.bytes(12)
            )
        }
    }

    /// A message of another partition's outbox: in order, each once. Numbers may have gaps: where
    /// this partition lost what it had acknowledged, or the source what it had queued, and the
    /// loss was accepted, the two go on from the next message there is.
    mutating func deliver(
        _ message: Fact,
        from source: PartitionID,
        _ sequence: UInt64,
        after previous: UInt64?,
        _ context: DecisionContext
    ) throws -> Decision {
        let last = try inbox[source] ?? reader.inboxSequence(from: source)
        guard sequence > last else { return .repeated(.done, after: .zero) }
        guard previous.map({ last >= $0 }) ?? true else {
            return .rejected(MatrixError(.unknown, "A message before this one is missing"))
        }
        var facts: [Fact] = [
            .outboxReceived(OutboxReceived(source: source.raw, sequence: sequence))
        ]
        switch message {
        case .profileSpread(let fact):
            switch try spread(fact, context) {
            case .success(let more): facts += more
            case .failure(.parked): return .parked
            case .failure(.rejected): break  // No longer a member: nothing to show.
            }
        case .departureAsked(let fact):
            switch try depart(fact, context) {
            case .success(let more): facts += more
            case .failure(.parked): return .parked
            case .failure(.rejected): break
            }
        case .aliasConfirmed(let fact):
            if try mayConfirm(fact, context) { facts.append(message) }
        case .keyBlockGranted(let fact):
            if try fact.first >= keyIDsMistrusted() { facts.append(message) }
        case .membershipNoted, .aliasRemoved:
            facts.append(message)
        default:
            // Another kind would be a bug of the sender; it must not block the rest.
            break
        }
        inbox[source] = sequence
        return .append(facts, .done)
    }

    /// Whether a room that was created with an alias may have it. A confirmation that comes after
    /// its reservation has lapsed may find another owner, or another's reservation: what these were
    /// promised holds, and the room does without.
    private func mayConfirm(_ fact: AliasConfirmed, _ context: DecisionContext) throws -> Bool {
        guard let known = try reader.alias(fact.alias) else { return true }
        if known.isConfirmed { return known.roomID == fact.roomID }
        // The reservation may name a placeholder for the room, so its creator tells whose it is.
        return known.creator == fact.creator || known.expiresAt <= context.wallMilliseconds
    }

    private mutating func spread(
        _ fact: ProfileSpread,
        _ context: DecisionContext
    ) throws -> Result<[Fact], Refusal> {
        guard let head = try head(fact.roomID),
            head.membership(of: UserID(trusted: fact.userID)) == .join
        else { return .success([]) }
        let key: UserKey
        switch userKey(fact.userKeyID) {
        case .destroyed, .lost: return .success([])
        case .absent: return .failure(.parked)
        case .found(let found): key = found
        }
        let bytes = try ItemSealer.open(fact.sealedProfile, for: .profile(fact.userID), with: key)
        let profile = try Profile(bytes)
        var content = JSONWriter()
        content.beginObject()
        profile.write(into: &content)
        content.member("membership", "join")
        content.endObject()
        return try member(
            fact.userID,
            keyID: fact.userKeyID,
            content: content.finish(),
            in: head,
            context
        )
    }

    private mutating func depart(
        _ fact: DepartureAsked,
        _ context: DecisionContext
    ) throws -> Result<[Fact], Refusal> {
        guard let head = try head(fact.roomID) else { return .success([]) }
        switch head.membership(of: UserID(trusted: fact.userID)) {
        case .leave, .ban: return .success([])
        case .join, .invite, .knock: break
        }
        return try member(
            fact.userID,
            keyID: fact.userKeyID,
            content: Array(#"{"membership":"leave"}"#.utf8),
            in: head,
            context
        )
    }

    private mutating func member(
        _ user: String,
        keyID: UInt64,
        content: [UInt8],
        in head: RoomHead,
        _ context: DecisionContext
    ) throws -> Result<[Fact], Refusal> {
        var head = head
        let draft = EventIntent(type: "m.room.member", stateKey: user, content: content)
        let made = try append(
            draft,
            by: EventAuthor(sender: user, senderKeyID: keyID),
            to: &head,
            ordinal: 0,
            context
        )
        if case .success = made {
            head.lastIndex = context.nextIndex
            rooms[head.roomID] = head
        }
        return made
    }
}
