import Homeserver
import MatrixModel
import MatrixRules
import Primitives
import Projections
import Testing

/// What the leader keeps in memory of a room is what its rows say.
@Suite("Room heads")
struct RoomHeadTests {
    /// Everything of a head that a decision may ask, as text.
    private func facets(_ head: RoomHead) -> [String] {
        var facets = [
            "last \(head.lastEventID) at \(head.depth)", "public \(head.isPublic)",
            "version \(head.version) key \(head.keyID)", "rules \(head.joinRules)",
            "create \(head.power.map { "\($0.create)" } ?? "none")",
            "levels \(head.power?.levels.map(levels) ?? "none")",
        ]
        for (user, member) in head.members.sorted(by: { $0.key.raw < $1.key.raw }) {
            facets.append("member \(user): \(member)")
            facets.append(
                "event \(user): \(head.eventID(of: StateSlot("m.room.member", user.raw)) ?? "")"
            )
        }
        for type in ["m.room.create", "m.room.power_levels", "m.room.join_rules"] {
            facets.append("\(type) \(head.eventID(of: StateSlot(type)) ?? "none")")
        }
        for token in (0..<3).map({ "token\($0)" }) {
            let slot = StateSlot("m.room.third_party_invite", token)
            facets.append("\(token) \(head.eventID(of: slot) ?? "none")")
            let invite = head.thirdPartyInvite(token: token)
            facets.append("\(token) \(invite.map { "\($0)" } ?? "none")")
        }
        for (type, event) in head.strippedState.sorted(by: { $0.key < $1.key }) {
            facets.append("stripped \(type): \(event)")
        }
        return facets
    }

    private func levels(_ levels: PowerLevels) -> String {
        let fields = PowerLevels.Field.allCases.map { "\($0)=\(levels[$0].map { "\($0)" } ?? "-")" }
        func list<Key>(_ table: [Key: PowerLevel]) -> [String] {
            table.map { "\($0.key)=\($0.value)" }.sorted()
        }
        return
            "\(fields) \(list(levels.events)) \(list(levels.notifications)) \(list(levels.users))"
    }

    @Test(
        "After each of several hundred random events, the head read from rows is the one in memory",
        arguments: RoomVersion.allCases,
        UInt8(1)...3
    )
    func rowsAndMemory(version: RoomVersion, seed: UInt8) throws {
        var leader = try Leader(seed: seed)
        var wishes = RandomRoom(seed: UInt64(seed))
        var head: RoomHead?
        var seen: [String: Int] = [:]
        var refused = 0
        func take(_ outcome: Leader.Outcome) throws {
            #expect(outcome.facts == outcome.factsFromRows, "two leaders decide alike")
            guard let facts = outcome.facts else {
                refused += 1
                return
            }
            for fact in facts {
                switch fact {
                case .roomCreated(let fact):
                    head = RoomHead(roomID: fact.roomID, version: version, keyID: fact.keyID)
                case .eventAppended(let fact):
                    head?.advance(fact.event)
                    wishes.events.append(fact.event.eventID)
                    seen[fact.event.type, default: 0] += 1
                case .roomPublished(let fact): head?.isPublic = fact.isPublic
                default: break
                }
            }
            let memory = try #require(head)
            let rows = try #require(try leader.reader.roomHead(memory.roomID))
            try #require(facets(memory) == facets(rows))
        }
        try take(try leader.run(.createRoom(RandomRoom.creation(version))))
        let room = try #require(head).roomID
        for _ in 0..<3_000 where seen.values.reduce(0, +) < 300 {
            try take(try leader.run(wishes.next(in: room, version: version)))
        }
        #expect(seen.values.reduce(0, +) == 300)
        // Not a quiet room: every kind of event came to pass, and not every wish did.
        let kinds = [
            "m.room.message", "m.room.member", "m.room.power_levels", "m.room.join_rules",
            "m.room.name", "m.room.third_party_invite", "m.room.redaction",
        ]
        for kind in kinds { #expect(seen[kind, default: 0] > 0, "\(kind)") }
        #expect(refused > 30)
    }

    @Test("A redacted name is not shown to whoever is invited next")
    func redactedName() throws {
        var leader = try Leader(seed: 9)
        let owner = RandomRoom.users[0]
        func run(
            _ type: String,
            _ key: String?,
            _ content: String,
            redacts: String? = nil
        ) throws
            -> [Fact]
        {
            let draft = EventIntent(
                type: type,
                stateKey: key,
                content: Array(content.utf8),
                redacts: redacts
            )
            let send = SendEvent(
                roomID: RandomRoom.roomID,
                sender: owner,
                senderKeyID: RandomRoom.keyID(owner),
                draft: draft
            )
            return try #require(try leader.run(.sendEvent(send)).facts)
        }
        _ = try leader.run(.createRoom(RandomRoom.creation(.v11)))
        guard
            case .eventAppended(let named) = try run("m.room.name", "", #"{"name":"secret"}"#).first
        else {
            Issue.record("no event")
            return
        }
        let target = named.event.eventID
        _ = try run("m.room.redaction", nil, #"{"redacts":"\#(target)"}"#, redacts: target)
        let invitation = try run("m.room.member", RandomRoom.users[1], #"{"membership":"invite"}"#)
        let message = invitation.compactMap { fact -> [UInt8]? in
            guard case .outboxQueued(let queued) = fact else { return nil }
            return queued.message
        }.first
        var reader = ByteReader(try #require(message))
        guard case .membershipNoted(let note) = try Fact(from: &reader) else {
            Issue.record("no note")
            return
        }
        let name = note.strippedState.first { $0.type == "m.room.name" }
        #expect(name?.redactedBy != nil)
        #expect(name?.senderSealed == [])
    }

    @Test("Of an invitation by a third party its ID and keys are kept, not what it says beside")
    func thirdPartyInvites() throws {
        func event(_ number: Int, _ type: String, _ key: String?, _ content: String) -> StoredEvent
        {
            StoredEvent(
                eventID: "$\(number)",
                type: type,
                stateKey: key,
                sender: "@alice:test.example",
                originServerTimestamp: 0,
                depth: 1,
                previousEvents: [],
                authEvents: [],
                contentHash: [],
                signature: [],
                signingKeyID: "",
                clear: Array(content.utf8),
                senderSealed: [],
                senderKeyID: 0,
                redacts: type == "m.room.redaction" ? "$7" : nil,
                contentSize: UInt32(content.utf8.count)
            )
        }
        let type = "m.room.third_party_invite"
        let key = String(repeating: "k", count: 43)
        let rest = String(repeating: "x", count: 60_000)
        var head = RoomHead(roomID: "!a:test.example", version: .v11, keyID: 1)
        let before = head.bytesHeld
        for number in 0..<128 {
            let keys = (0..<20).map { _ in #"{"public_key":"\#(key)"}"# }.joined(separator: ",")
            let content = #"{"public_key":"\#(rest)","public_keys":[\#(keys)],"x":"\#(rest)"}"#
            head.advance(event(number, type, "k\(number)", content))
        }
        #expect(head.bytesHeld - before < 128 * 2_048)
        #expect(head.eventID(of: StateSlot(type, "k7")) == "$7")
        #expect(head.thirdPartyInvite(token: "k7")?.publicKeys.contains(key) == true)
        // Tokens are told apart by their bytes.
        head.advance(event(200, type, "e\u{301}", #"{"public_key":"\#(key)"}"#))
        #expect(head.thirdPartyInvite(token: "\u{e9}") == nil)
        let full = head.bytesHeld
        head.advance(event(201, "m.room.redaction", nil, "{}"))
        #expect(head.eventID(of: StateSlot(type, "k7")) == "$7")
        #expect(head.thirdPartyInvite(token: "k7") == nil)
        #expect(head.bytesHeld < full)
        // What takes memory is counted, so that it can be let go of.
        for number in 0..<100 {
            head.advance(
                event(300 + number, "x", String(repeating: "y", count: 250) + "\(number)", "{}")
            )
        }
        #expect(head.bytesHeld > full + 100 * 250)
    }
}
