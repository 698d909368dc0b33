import Homeserver
import Primitives
import Testing

@Suite("Golden facts")
struct GoldenFactTests {
    private func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private func bytes(_ hex: String) -> [UInt8] {
        let digits = hex.utf8.map { UInt8($0 < 0x3A ? $0 - 0x30 : $0 - 0x57) }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    private func encode(_ fact: Fact) -> [UInt8] {
        var writer = ByteWriter()
        fact.encode(into: &writer)
        return writer.bytes
    }

    @Test("A fact is written and read as it always was", arguments: GoldenFact.all)
    func bothWays(golden: GoldenFact) throws {
        #expect(hex(encode(golden.fact)) == golden.hex)
        var reader = ByteReader(bytes(golden.hex))
        #expect(try Fact(from: &reader) == golden.fact)
        try reader.expectEnd()
    }

    /// A switch without a default: a new kind does not compile here before it has golden bytes.
    private func name(_ fact: Fact) -> String {
        switch fact {
        case .roomCreated: "roomCreated"
        case .eventAppended: "eventAppended"
        case .roomPublished: "roomPublished"
        case .receiptsSet: "receiptsSet"
        case .accountCreated: "accountCreated"
        case .credentialsChanged: "credentialsChanged"
        case .accountDeactivated: "accountDeactivated"
        case .deviceAdded: "deviceAdded"
        case .deviceRenamed: "deviceRenamed"
        case .devicesRemoved: "devicesRemoved"
        case .profileSet: "profileSet"
        case .accountDataSet: "accountDataSet"
        case .filterStored: "filterStored"
        case .membershipNoted: "membershipNoted"
        case .roomForgotten: "roomForgotten"
        case .loginTokenIssued: "loginTokenIssued"
        case .loginTokenSpent: "loginTokenSpent"
        case .aliasReserved: "aliasReserved"
        case .aliasConfirmed: "aliasConfirmed"
        case .aliasRemoved: "aliasRemoved"
        case .outboxQueued: "outboxQueued"
        case .outboxReceived: "outboxReceived"
        case .outboxAcknowledged: "outboxAcknowledged"
        case .keyBlockGranted: "keyBlockGranted"
        case .profileSpread: "profileSpread"
        case .departureAsked: "departureAsked"
        case .keysCreated: "keysCreated"
        case .keysDestroyed: "keysDestroyed"
        case .keyLogBegun: "keyLogBegun"
        case .keysRestated: "keysRestated"
        case .commandAnswered: "commandAnswered"
        }
    }

    @Test("Every kind that can be read has golden bytes")
    func complete() {
        let golden = Set(GoldenFact.all.map { bytes($0.hex)[0] })
        // Whatever a kind's number is, an empty body tells whether there is one.
        let known = (UInt8.min...UInt8.max).filter { kind in
            var reader = ByteReader([kind, 1])
            do {
                _ = try Fact(from: &reader)
                return true
            } catch {
                if case .unknownKind = error as? DecodeError { return false }
                return true
            }
        }
        #expect(golden.sorted() == known)
        #expect(Set(GoldenFact.all.map { name($0.fact) }).count == known.count)
    }

    @Test("Another version of a fact or an event is refused", arguments: GoldenFact.all)
    func versions(golden: GoldenFact) {
        var other = bytes(golden.hex)
        other[1] = 2
        var reader = ByteReader(other)
        #expect(throws: DecodeError.unknownVersion(2)) { try Fact(from: &reader) }
    }

    @Test("Every fact that is cut short is refused", arguments: GoldenFact.all)
    func short(golden: GoldenFact) {
        let whole = bytes(golden.hex)
        for count in 0..<whole.count {
            var reader = ByteReader(Array(whole[..<count]))
            #expect(throws: DecodeError.self) { try Fact(from: &reader) }
        }
    }

    @Test("An entry's body is its version, a count, and the facts one after another")
    func entry() throws {
        let removed = Fact.aliasRemoved(AliasRemoved(alias: "#n:t"))
        let forgotten = Fact.roomForgotten(RoomForgotten(userID: "@a:t", roomID: "!r:t"))
        let golden = "0102340104236e3a7428010440613a740421723a74"
        #expect(hex(EntryBody.encode([removed, forgotten])) == golden)
        #expect(try EntryBody.decode(bytes(golden)[...]) == [removed, forgotten])
    }

    @Test(
        "A command's answer is written and read as it always was",
        arguments: [
            (CommandAnswer.done, "00"), (.event("$e"), "01022465"),
            (.room("!r:t"), "020421723a74"), (.device("DEV"), "0303444556"), (.text("x"), "040178"),
        ]
    )
    func answers(answer: CommandAnswer, golden: String) throws {
        #expect(hex(answer.encoded) == golden)
        #expect(try CommandAnswer(bytes(golden)) == answer)
    }

    @Test("A record is kept as soon as one of its facts is")
    func retention() {
        let kept = Fact.aliasRemoved(AliasRemoved(alias: "#n:t"))
        let passing = Fact.loginTokenSpent(LoginTokenSpent(userID: "@a:t", tokenMAC: [1]))
        #expect(EntryBody.retention(of: [passing]) == .passing)
        #expect(EntryBody.retention(of: [passing, kept]) == .kept)
        #expect(EntryBody.retention(of: []) == .passing)
    }
}
