import Encryption
import Keyspace
import MatrixModel
import MatrixRules
import Primitives

extension Homeserver {
    /// Tries until the create event's hash falls into this partition: 1 in `map.count` does.
    private static var saltTriesPerPartition: Int { 40 }

    mutating func decide(_ create: CreateRoom, _ context: DecisionContext) throws -> Decision {
        guard let first = create.events.first, first.type == "m.room.create" else {
            return .rejected(.badJSON("A room begins with its create event"))
        }
        guard create.events.count < StreamPosition.eventsPerEntryMax else {
            return .rejected(.invalidParam("Too many events for one room creation"))
        }
        var salt: [UInt8]?
        let roomID: String
        if let minted = create.roomID {
            roomID = minted
        } else {
            do throws(EventError) {
                guard let found = try findRoomID(first, create, context) else {
                    return .rejected(MatrixError(.unknown, "No room ID found, try again"))
                }
                (roomID, salt) = found
            } catch {
                return .rejected(MatrixError(error))
            }
        }
        guard try head(roomID) == nil else {
            return .rejected(MatrixError(.roomInUse, "The room exists already"))
        }
        guard let keyID = try takeKeyID() else { return .parked }
        if case .absent = keys.key(keyID) { return .parked }
        var head = RoomHead(roomID: roomID, version: create.version, keyID: keyID)
        var author = EventAuthor(
            sender: create.creator.userID,
            senderKeyID: create.creator.keyID
        )
        author.isDirect = create.isDirect
        var facts: [Fact] = [
            .roomCreated(
                RoomCreated(
                    roomID: roomID,
                    version: create.version.rawValue,
                    keyID: keyID,
                    creator: create.creator.userID
                )
            )
        ]
        for (ordinal, draft) in create.events.enumerated() {
            let made = try append(
                draft,
                by: author,
                to: &head,
                ordinal: ordinal,
                context,
                salt: ordinal == 0 ? salt : nil
            )
            switch made {
            case .failure(let refusal):
                rooms[roomID] = nil
                return refusal.decision
            case .success(let more): facts += more
            }
        }
        if create.isPublic {
            facts.append(.roomPublished(RoomPublished(roomID: roomID, isPublic: true)))
            head.isPublic = true
        }
        if let alias = create.alias {
            let message = Fact.aliasConfirmed(
                AliasConfirmed(alias: alias, roomID: roomID, creator: create.creator.userID)
            )
            facts.append(queue(message, for: map.partition(of: alias)))
        }
        head.lastIndex = context.nextIndex
        rooms[roomID] = head
        return .append(facts, .room(roomID))
    }

    /// A salt for the create event whose hash, the room ID, belongs to this partition.
    private mutating func findRoomID(
        _ draft: EventIntent,
        _ create: CreateRoom,
        _ context: DecisionContext
    ) throws(EventError) -> (String, [UInt8])? {
        let event = MatrixModel.EventDraft(
            roomID: nil,
            type: draft.type,
            stateKey: draft.stateKey,
            sender: UserID(trusted: create.creator.userID),
            originServerTimestamp: Int64(context.wallMilliseconds),
            depth: 1,
            prevEvents: [],
            authEvents: [],
            content: draft.content
        )
        for _ in 0..<map.count * Self.saltTriesPerPartition {
            let salt = random.bytes(PDU.saltCount)
            let id = try EventBuilder.eventID(of: event, version: create.version, salt: salt)
            let roomID = RoomID(create: id).raw
            if map.partition(of: roomID) == partition { return (roomID, salt) }
        }
        return nil
    }
}
