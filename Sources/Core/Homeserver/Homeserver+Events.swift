import Encryption
import Keyspace
import MatrixModel
import MatrixRules
import Primitives

extension Homeserver {
    /// The room's head in memory, or from its rows.
    mutating func head(_ roomID: String) throws -> RoomHead? {
        if let known = rooms[roomID] { return known }
        guard let loaded = try reader.roomHead(roomID) else { return nil }
        rooms[roomID] = loaded
        return loaded
    }

    mutating func decide(_ send: SendEvent, _ context: DecisionContext) throws -> Decision {
        guard var head = try head(send.roomID) else {
            let isJoin = send.draft.type == "m.room.member"
            return .rejected(
                isJoin
                    ? .notFound("The room does not exist")
                    : .forbidden("You are not joined to this room")
            )
        }
        switch try check(send, head) {
        case .refused(let error): return .rejected(error)
        case .nothingToDo: return .repeated(.room(send.roomID), after: head.lastIndex)
        case .allowed: break
        }
        // The head is taken out while it changes: a copy in the table would double it.
        rooms[send.roomID] = nil
        var author = EventAuthor(
            sender: send.sender,
            senderKeyID: send.senderKeyID,
            deviceID: send.deviceID,
            transactionID: send.transactionID
        )
        author.isDirect = send.isDirect
        let made = try append(send.draft, by: author, to: &head, ordinal: 0, context)
        switch made {
        case .failure(let refusal):
            rooms[send.roomID] = head
            return refusal.decision
        case .success(let facts):
            head.lastIndex = context.nextIndex
            rooms[send.roomID] = head
            return .append(
                facts,
                send.answersRoom ? .room(send.roomID) : .event(head.lastEventID)
            )
        }
    }

    enum Check {
        case allowed, nothingToDo
        case refused(MatrixError)
    }

    private func check(_ send: SendEvent, _ head: RoomHead) throws -> Check {
        if let target = send.draft.redacts {
            guard
                let author = try senders[target]?.sender
                    ?? reader.eventSender(target, in: head.roomID)
            else { return .refused(.notFound("The event to redact is not in this room")) }
            guard
                head.power?.permitsRedaction(
                    by: UserID(trusted: send.sender),
                    of: UserID(trusted: author)
                ) == true
            else { return .refused(.forbidden("You may not redact this event")) }
        }
        guard send.draft.type == "m.room.member", let target = send.draft.stateKey else {
            return .allowed
        }
        let now = head.membership(of: UserID(trusted: target))
        if !send.requiredMemberships.isEmpty, !send.requiredMemberships.contains(now) {
            return .refused(.forbidden("The user is not in a state that allows this: \(now.word)"))
        }
        if send.answersRoom, target == send.sender, now == .join,
            membership(send.draft.content) == .join
        {
            return .nothingToDo
        }
        return .allowed
    }

    private func membership(_ content: [UInt8]) -> Membership? {
        (try? JSONDocument(parsing: content))?.root["membership"]?.string.flatMap { Membership($0) }
    }

    /// Why an event of a command was not made.
    enum Refusal: Error {
        case rejected(MatrixError)
        case parked
        var decision: Decision {
            switch self {
            case .rejected(let error): .rejected(error)
            case .parked: .parked
            }
        }
    }

    /// Who sends, and by which device.
    struct EventAuthor {
        var sender: String
        var senderKeyID: UInt64
        var deviceID: String?
        var transactionID: String?
        var isDirect = false
    }

    /// Authorizes, builds, signs and seals one event, moves the head past it, and returns its
    /// facts: the event, and for a member event the note to the member's account.
    mutating func append(
        _ draft: EventIntent,
        by author: EventAuthor,
        to head: inout RoomHead,
        ordinal: Int,
        _ context: DecisionContext,
        salt givenSalt: [UInt8]? = nil
    ) throws -> Result<[Fact], Refusal> {
        let sender = UserID(trusted: author.sender)
        if let stateKey = draft.stateKey,
            let refusal = head.stateRefusal(draft.type, stateKey, bytes: draft.content.count)
        {
            return .failure(.rejected(refusal))
        }
        let content: JSONView?
        switch draft.type {
        case "m.room.create", "m.room.member", "m.room.power_levels":
            do throws(JSONError) {
                content = try JSONDocument(parsing: draft.content).root
            } catch {
                return .failure(.rejected(MatrixError(error)))
            }
        default: content = nil
        }
        let namesRoom = head.version.roomIDIsCreateHash && draft.type == "m.room.create"
        let authorizable = AuthorizableEvent(
            type: draft.type,
            stateKey: draft.stateKey,
            sender: sender,
            content: content,
            ancestry: head.ancestry,
            roomID: namesRoom ? nil : head.roomID
        )
        if let denial = authorize(authorizable, in: head.version, state: head).denial {
            return .failure(.rejected(.forbidden(denial.description)))
        }
        let authEvents = authEventSlots(for: authorizable, in: head.version)
            .compactMap { head.eventID(of: $0) }
        let salt = givenSalt ?? random.bytes(PDU.saltCount)
        let pdu: PDU
        do throws(EventError) {
            pdu = try builder.build(
                MatrixModel.EventDraft(
                    roomID: namesRoom ? nil : RoomID(trusted: head.roomID),
                    type: draft.type,
                    stateKey: draft.stateKey,
                    sender: sender,
                    originServerTimestamp: Int64(context.wallMilliseconds),
                    depth: Int64(head.depth) + 1,
                    prevEvents: head.lastEventID.isEmpty
                        ? [] : [EventID(trusted: head.lastEventID)],
                    authEvents: authEvents.map { EventID(trusted: $0) },
                    content: draft.content
                ),
                version: head.version,
                salt: salt
            )
        } catch {
            return .failure(.rejected(MatrixError(error)))
        }
        let event: StoredEvent
        switch seal(pdu, draft, author, head) {
        case .failure(let refusal): return .failure(refusal)
        case .success(let sealed): event = sealed
        }
        head.advance(event)
        senders[event.eventID] = (author.sender, context.nextIndex)
        var facts: [Fact] = [.eventAppended(EventAppended(roomID: head.roomID, event: event))]
        if event.type == "m.room.member", let member = event.stateKey, isLocal(member) {
            let position = StreamPosition(context.nextIndex, ordinal)
            facts.append(note(event, member, in: head, at: position, author.isDirect))
        }
        return .success(facts)
    }

    func isLocal(_ userID: String) -> Bool {
        UserID(trusted: userID).serverName == builder.server.raw
    }

    private func note(
        _ event: StoredEvent,
        _ member: String,
        in head: RoomHead,
        at position: StreamPosition,
        _ isDirect: Bool
    ) -> Fact {
        let membership = head.membership(of: UserID(trusted: member))
        var stripped: [StoredEvent] = []
        if membership == .invite || membership == .knock {
            stripped = head.strippedState.sorted { $0.key < $1.key }.map(\.value) + [event]
        }
        let message = Fact.membershipNoted(
            MembershipNoted(
                userID: member,
                roomID: head.roomID,
                membership: membership.word,
                eventID: event.eventID,
                sender: event.sender,
                roomPartition: partition.raw,
                position: position.raw,
                previous: "",
                strippedState: stripped,
                directTo: isDirect
            )
        )
        return queue(message, for: map.partition(of: member))
    }

    func queue(_ message: Fact, for target: PartitionID) -> Fact {
        var writer = ByteWriter(reserving: 256)
        message.encode(into: &writer)
        return .outboxQueued(OutboxQueued(target: target.raw, message: writer.bytes))
    }

    private mutating func seal(
        _ pdu: PDU,
        _ draft: EventIntent,
        _ author: EventAuthor,
        _ head: RoomHead
    ) -> Result<StoredEvent, Refusal> {
        let parts = ContentParts(
            type: pdu.type,
            sender: author.sender,
            stateKey: pdu.stateKey,
            content: pdu.content
        )
        var senderSealed: [UInt8] = []
        switch contentKey(room: head.keyID, user: author.senderKeyID) {
        case .absent: return .failure(.parked)
        case .lost:
            if case .lost = keys.key(head.keyID) {
                return .failure(.rejected(.keyLost("this room")))
            }
            // A departure says nothing that would have to be sealed.
            guard parts.sender == ContentParts.emptyObject else {
                return .failure(.rejected(.keyLost("this account")))
            }
        case .destroyed:
            if case .destroyed = keys.key(head.keyID) {
                return .failure(.rejected(.forbidden("This room was erased")))
            }
        // The sender was erased: what stays is what redaction keeps.
        case .found(let key):
            senderSealed = ContentSealer.seal(
                pdu.salt + parts.sender,
                for: ContentBinding(
                    room: pdu.roomID.raw,
                    event: pdu.eventID.raw,
                    type: pdu.type,
                    schema: SealedSchema.sender
                ),
                with: key
            )
        }
        var subjectSealed: [UInt8] = []
        if !parts.subject.isEmpty, let subject = draft.subject {
            switch contentKey(room: head.keyID, user: subject.keyID) {
            case .absent: return .failure(.parked)
            case .destroyed, .lost: break
            case .found(let key):
                subjectSealed = ContentSealer.seal(
                    parts.subject,
                    for: ContentBinding(
                        room: pdu.roomID.raw,
                        event: pdu.eventID.raw,
                        type: pdu.type,
                        schema: SealedSchema.subject
                    ),
                    with: key
                )
            }
        }
        return .success(
            StoredEvent(
                eventID: pdu.eventID.raw,
                type: pdu.type,
                stateKey: pdu.stateKey,
                sender: pdu.sender.raw,
                originServerTimestamp: UInt64(pdu.originServerTimestamp),
                depth: UInt64(pdu.depth),
                previousEvents: pdu.prevEvents.map(\.raw),
                authEvents: pdu.authEvents.map(\.raw),
                contentHash: pdu.contentHash,
                signature: pdu.signatures.first?.bytes ?? [],
                signingKeyID: pdu.signatures.first?.keyID ?? "",
                clear: parts.clear,
                senderSealed: senderSealed,
                senderKeyID: author.senderKeyID,
                subjectSealed: subjectSealed,
                subjectKeyID: draft.subject?.keyID ?? 0,
                relation: draft.relation,
                redacts: draft.redacts,
                device: author.deviceID,
                transactionID: author.transactionID,
                contentSize: UInt32(pdu.content.count)
            )
        )
    }

    mutating func publish(
        _ roomID: String,
        by user: String,
        isPublic: Bool,
        _ context: DecisionContext
    ) throws -> Decision {
        guard var head = try head(roomID) else {
            return .rejected(.notFound("The room does not exist"))
        }
        let userID = UserID(trusted: user)
        guard head.membership(of: userID) == .join,
            head.power?.permits(userID, sending: "m.room.canonical_alias", isState: true) == true
        else { return .rejected(.forbidden("You may not change this room's directory entry")) }
        head.isPublic = isPublic
        head.lastIndex = context.nextIndex
        rooms[roomID] = head
        return .append([.roomPublished(RoomPublished(roomID: roomID, isPublic: isPublic))], .done)
    }
}
