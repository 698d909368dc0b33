import Homeserver
import Keyspace
import Primitives

/// Facts of every kind about a small world, so that they meet again and again: not all of them
/// make sense after one another, and a fold takes them all.
struct RandomFacts {
    struct Entry: Sendable {
        let facts: [Fact]
        let index: LogIndex
        let clock: HybridTimestamp
    }

    private var generator: SeededGenerator
    private var milliseconds: UInt64 = 1_700_000_000_000
    private var events: [String] = []
    private var sent: [UInt16: UInt64] = [:]

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    static func entries(_ count: UInt64, seed: UInt64) -> [Entry] {
        var facts = RandomFacts(seed: seed)
        return (1...count).map { facts.entry(at: LogIndex($0)) }
    }

    private mutating func below(_ bound: Int) -> Int { Int(generator.next() % UInt64(bound)) }
    private mutating func one<Value>(of values: [Value]) -> Value { values[below(values.count)] }
    private mutating func user() -> String { "@u\(below(4)):t" }
    private mutating func room() -> String { "!r\(below(3)):t" }
    private mutating func device() -> String { "D\(below(3))" }
    private mutating func alias() -> String { "#a\(below(3)):t" }
    private mutating func mac() -> [UInt8] { [UInt8](repeating: UInt8(below(6)), count: 32) }
    private mutating func sealed() -> [UInt8] { [UInt8(below(256)), UInt8(below(256))] }

    private mutating func entry(at index: LogIndex) -> Entry {
        milliseconds += UInt64(below(2_000))
        let facts = (0..<below(4)).map { _ in fact() } + [answer()]
        return Entry(
            facts: below(12) == 0 ? [] : facts,
            index: index,
            clock: HybridTimestamp(milliseconds: milliseconds)
        )
    }

    /// Of a command ID that some sweep comes by, soon or long expired.
    private mutating func answer() -> Fact {
        .commandAnswered(
            CommandAnswered(
                command: CommandID(high: UInt64(below(24)) << 52, low: UInt64(below(50))),
                expiresAt: milliseconds + UInt64(below(60_000)),
                answer: sealed()
            )
        )
    }

    private mutating func fact() -> Fact {
        switch below(3) {
        case 0: roomFact()
        case 1: accountFact()
        default: plumbingFact()
        }
    }

    private mutating func roomFact() -> Fact {
        let room = room()
        switch below(8) {
        case 0:
            return .roomCreated(
                RoomCreated(roomID: room, version: "11", keyID: 7, creator: user())
            )
        case 1: return .roomPublished(RoomPublished(roomID: room, isPublic: below(2) == 0))
        case 2:
            let receipt = Receipt(
                userID: user(),
                type: one(of: ["m.read", "m.read.private"]),
                thread: one(of: ["", "main"]),
                eventID: "$x",
                position: generator.next(),
                timestamp: milliseconds
            )
            return .receiptsSet(ReceiptsSet(roomID: room, receipts: [receipt]))
        default: return .eventAppended(EventAppended(roomID: room, event: event()))
        }
    }

    private mutating func event() -> StoredEvent {
        let kinds: [(String, String?, String)] = [
            ("m.room.message", nil, "{}"), ("m.room.name", "", "{}"),
            (
                "m.room.member", user(),
                #"{"membership":"\#(one(of: ["join", "invite", "leave"]))"}"#
            ),
            (
                "m.room.history_visibility", "",
                #"{"history_visibility":"\#(one(of: ["shared", "joined"]))"}"#
            ),
        ]
        let (type, stateKey, clear) = one(of: kinds)
        let redacts = !events.isEmpty && below(4) == 0 ? one(of: events) : nil
        let id = "$e\(generator.next())"
        events.append(id)
        return StoredEvent(
            eventID: id,
            type: redacts == nil ? type : "m.room.redaction",
            stateKey: redacts == nil ? stateKey : nil,
            sender: user(),
            originServerTimestamp: milliseconds,
            depth: generator.next() >> 8,
            previousEvents: ["$p"],
            authEvents: ["$a"],
            contentHash: [1],
            signature: [2],
            signingKeyID: "ed25519:1",
            clear: Array(clear.utf8),
            senderSealed: sealed(),
            senderKeyID: 4,
            relation: below(3) == 0 && !events.isEmpty
                ? Relation(kind: "m.thread", eventID: one(of: events)) : nil,
            redacts: redacts,
            contentSize: 9
        )
    }

    private mutating func accountFact() -> Fact {
        let user = user()
        switch below(13) {
        case 0:
            return .accountCreated(
                AccountCreated(
                    userID: user,
                    keyID: UInt64(below(300)),
                    createdAt: milliseconds,
                    isAdministrator: false,
                    sealedCredentials: sealed()
                )
            )
        case 1:
            return .credentialsChanged(
                CredentialsChanged(userID: user, sealedCredentials: sealed())
            )
        case 2: return .accountDeactivated(AccountDeactivated(userID: user, erased: false))
        case 3...4:
            return .deviceAdded(
                DeviceAdded(
                    userID: user,
                    deviceID: device(),
                    tokenMAC: mac(),
                    createdAt: milliseconds,
                    sealedName: sealed()
                )
            )
        case 5:
            return .deviceRenamed(
                DeviceRenamed(userID: user, deviceID: device(), sealedName: sealed())
            )
        case 6: return .devicesRemoved(DevicesRemoved(userID: user, deviceIDs: [device()]))
        case 7: return .profileSet(ProfileSet(userID: user, sealed: sealed()))
        case 8:
            return .accountDataSet(
                AccountDataSet(
                    userID: user,
                    roomID: below(2) == 0 ? "" : room(),
                    type: one(of: ["m.tag", "m.direct"]),
                    sealed: sealed()
                )
            )
        case 9:
            return .filterStored(
                FilterStored(userID: user, filterID: "f\(below(3))", sealed: sealed())
            )
        case 10:
            return .membershipNoted(
                MembershipNoted(
                    userID: user,
                    roomID: room(),
                    membership: one(of: ["join", "invite", "leave", "ban"]),
                    eventID: "$m\(below(99))",
                    sender: user,
                    roomPartition: 1,
                    position: generator.next(),
                    previous: "",
                    strippedState: [],
                    directTo: false
                )
            )
        case 11: return .roomForgotten(RoomForgotten(userID: user, roomID: room()))
        default:
            return below(2) == 0
                ? .loginTokenIssued(
                    LoginTokenIssued(userID: user, tokenMAC: mac(), expiresAt: milliseconds)
                ) : .loginTokenSpent(LoginTokenSpent(userID: user, tokenMAC: mac()))
        }
    }

    private mutating func plumbingFact() -> Fact {
        let target = UInt16(below(3))
        switch below(9) {
        case 0:
            return .aliasReserved(
                AliasReserved(
                    alias: alias(),
                    roomID: room(),
                    creator: user(),
                    expiresAt: milliseconds
                )
            )
        case 1:
            return .aliasConfirmed(
                AliasConfirmed(alias: alias(), roomID: room(), creator: user())
            )
        case 2: return .aliasRemoved(AliasRemoved(alias: alias()))
        case 3...4:
            sent[target, default: 0] += 1
            return .outboxQueued(OutboxQueued(target: target, message: sealed()))
        case 5:
            return .outboxReceived(
                OutboxReceived(source: target, sequence: generator.next() >> 8)
            )
        case 6:
            let upTo = UInt64(below(Int(sent[target, default: 0]) + 1))
            return .outboxAcknowledged(OutboxAcknowledged(target: target, upTo: upTo))
        case 7:
            return below(2) == 0
                ? .keyBlockGranted(KeyBlockGranted(first: UInt64(below(200)), count: 64))
                : .keysDestroyed(KeysDestroyed(keyIDs: [UInt64(below(20))]))
        default:
            return .keysCreated(
                KeysCreated(first: UInt64(below(20)), partition: target, wrapped: [sealed()])
            )
        }
    }
}
