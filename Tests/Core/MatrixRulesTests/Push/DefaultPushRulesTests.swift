import MatrixModel
import MatrixRules
import Testing

@Suite("Default push rules")
struct DefaultPushRulesTests {
    @Test("The rules of the specification, in its order")
    func order() {
        let rules = PushRules(defaultsFor: alice)
        #expect(
            rules[.override].map(\.id) == [
                ".m.rule.master", ".m.rule.suppress_notices", ".m.rule.invite_for_me",
                ".m.rule.member_event", ".m.rule.is_user_mention", ".m.rule.is_room_mention",
                ".m.rule.tombstone", ".m.rule.reaction", ".m.rule.room.server_acl",
                ".m.rule.suppress_edits",
            ]
        )
        #expect(rules[.content].isEmpty && rules[.room].isEmpty && rules[.sender].isEmpty)
        #expect(
            rules[.underride].map(\.id) == [
                ".m.rule.call", ".m.rule.encrypted_room_one_to_one", ".m.rule.room_one_to_one",
                ".m.rule.message", ".m.rule.encrypted",
            ]
        )
        for kind in PushRuleKind.allCases {
            for rule in rules[kind] {
                #expect(rule.isDefault)
                #expect(rule.isEnabled == (rule.id != ".m.rule.master"))
            }
        }
    }

    @Test("The content of m.push_rules")
    func content() {
        let content = PushRules(defaultsFor: alice).content
        let override = content["global"]?["override"]?.elements ?? []
        #expect(
            text(override[0])
                == #"{"rule_id":".m.rule.master","default":true,"enabled":false,"#
                + #""conditions":[],"actions":[]}"#
        )
        #expect(
            text(override[4])
                == #"{"rule_id":".m.rule.is_user_mention","default":true,"enabled":true,"#
                + #""conditions":[{"kind":"event_property_contains","#
                + #""key":"content.m\\.mentions.user_ids","value":"@alice:example.org"}],"#
                + #""actions":["notify",{"set_tweak":"sound","value":"default"},"#
                + #"{"set_tweak":"highlight"}]}"#
        )
        let kinds = content["global"]?.members?.map(\.key)
        #expect(kinds == ["override", "content", "room", "sender", "underride"])
    }

    @Test("Rules that guess at mentions come only when asked for")
    func legacy() {
        let rules = PushRules(defaultsFor: alice, legacyMentions: true)
        #expect(rules.rule(.override, ".m.rule.contains_display_name") != nil)
        #expect(rules.rule(.override, ".m.rule.roomnotif") != nil)
        #expect(rules.rule(.content, ".m.rule.contains_user_name")?.pattern == "alice")
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var type = "m.room.message"
        var content = #"{"msgtype":"m.text","body":"hello"}"#
        var stateKey: String?
        var members = 5
        var levels = "{}"
        /// The rule that decides, without its prefix.
        var rule: String?
        var notifies = false
        var highlights = false
        var sound: String?
        var testDescription: String { name }
    }

    static let cases: [Case] = [
        Case(name: "a message in a group", rule: "message", notifies: true),
        Case(
            name: "a message between two",
            members: 2,
            rule: "room_one_to_one",
            notifies: true,
            sound: "default"
        ),
        Case(
            name: "an encrypted event in a group",
            type: "m.room.encrypted",
            content: "{}",
            rule: "encrypted",
            notifies: true
        ),
        Case(
            name: "an encrypted event between two",
            type: "m.room.encrypted",
            content: "{}",
            members: 2,
            rule: "encrypted_room_one_to_one",
            notifies: true,
            sound: "default"
        ),
        Case(
            name: "a call",
            type: "m.call.invite",
            content: "{}",
            rule: "call",
            notifies: true,
            sound: "ring"
        ),
        Case(
            name: "a notice",
            content: #"{"msgtype":"m.notice","body":"beep"}"#,
            members: 2,
            rule: "suppress_notices"
        ),
        Case(
            name: "an invitation for oneself",
            type: "m.room.member",
            content: #"{"membership":"invite"}"#,
            stateKey: alice.raw,
            rule: "invite_for_me",
            notifies: true,
            sound: "default"
        ),
        Case(
            name: "an invitation for another",
            type: "m.room.member",
            content: #"{"membership":"invite"}"#,
            stateKey: carol.raw,
            rule: "member_event"
        ),
        Case(
            name: "one's own removal",
            type: "m.room.member",
            content: #"{"membership":"leave"}"#,
            stateKey: alice.raw,
            rule: "member_event"
        ),
        Case(
            name: "a mention",
            content: #"{"body":"hi","m.mentions":{"user_ids":["\#(alice)"]}}"#,
            rule: "is_user_mention",
            notifies: true,
            highlights: true,
            sound: "default"
        ),
        Case(
            name: "a mention among others",
            content: #"{"m.mentions":{"user_ids":[1,"\#(bob)","\#(alice)"]}}"#,
            rule: "is_user_mention",
            notifies: true,
            highlights: true,
            sound: "default"
        ),
        Case(
            name: "a mention of another",
            content: #"{"m.mentions":{"user_ids":["\#(carol)"]}}"#,
            rule: "message",
            notifies: true
        ),
        Case(
            name: "a mention that is no list",
            content: #"{"m.mentions":{"user_ids":"\#(alice)"}}"#,
            rule: "message",
            notifies: true
        ),
        Case(
            name: "a mention of the room by somebody who may",
            content: #"{"m.mentions":{"room":true}}"#,
            levels: #"{"users":{"\#(bob)":50}}"#,
            rule: "is_room_mention",
            notifies: true,
            highlights: true
        ),
        Case(
            name: "a mention of the room by somebody who may not",
            content: #"{"m.mentions":{"room":true}}"#,
            rule: "message",
            notifies: true
        ),
        Case(
            name: "a mention of the room where everybody may",
            content: #"{"m.mentions":{"room":true}}"#,
            levels: #"{"notifications":{"room":0}}"#,
            rule: "is_room_mention",
            notifies: true,
            highlights: true
        ),
        Case(
            name: "a mention of the room that is no boolean",
            content: #"{"m.mentions":{"room":1}}"#,
            levels: #"{"notifications":{"room":0}}"#,
            rule: "message",
            notifies: true
        ),
        Case(
            name: "one's name in the text is no mention any more",
            content: #"{"msgtype":"m.text","body":"Alice: hello alice"}"#,
            rule: "message",
            notifies: true
        ),
        Case(
            name: "a tombstone",
            type: "m.room.tombstone",
            content: "{}",
            stateKey: "",
            rule: "tombstone",
            notifies: true,
            highlights: true
        ),
        Case(
            name: "a tombstone with a state key",
            type: "m.room.tombstone",
            content: "{}",
            stateKey: "x",
            rule: nil
        ),
        Case(
            name: "a tombstone that is no state",
            type: "m.room.tombstone",
            content: "{}",
            rule: nil
        ),
        Case(name: "a reaction", type: "m.reaction", content: "{}", rule: "reaction"),
        Case(
            name: "a server ACL",
            type: "m.room.server_acl",
            content: "{}",
            stateKey: "",
            rule: "room.server_acl"
        ),
        Case(
            name: "an edit",
            content: #"{"body":"* hello","m.relates_to":{"rel_type":"m.replace"}}"#,
            rule: "suppress_edits"
        ),
        Case(
            name: "a reply in a thread",
            content: #"{"body":"hello","m.relates_to":{"rel_type":"m.thread"}}"#,
            rule: "message",
            notifies: true
        ),
        Case(name: "a topic", type: "m.room.topic", content: "{}", stateKey: "", rule: nil),
        Case(name: "a sticker", type: "m.sticker", content: "{}", rule: nil),
    ]

    @Test("What each default rule makes of events", arguments: cases)
    func evaluate(row: Case) {
        let scene = PushScene(memberCount: row.members, levels: row.levels)
        let outcome = scene.outcome(row.type, row.content, stateKey: row.stateKey)
        #expect(outcome.ruleID == row.rule.map { ".m.rule.\($0)" })
        #expect(outcome.notifies == row.notifies)
        #expect(outcome.highlights == row.highlights)
        #expect(outcome.sound == row.sound)
        // The copy shared by all users says the same.
        let event = PushEvent(
            type: row.type,
            sender: bob,
            roomID: room,
            stateKey: row.stateKey,
            content: json(row.content)
        )
        let power = RoomPower(
            create: CreateContent(version: .v11, sender: dave),
            levels: try? PowerLevels(json(row.levels))
        )
        let shared = PushRuleSet.defaults.evaluate(
            event,
            in: PushRoom(memberCount: row.members, power: power),
            for: PushRecipient(alice)
        )
        #expect(shared == outcome)
    }

    @Test("Nobody is notified of their own events")
    func ownEvents() {
        #expect(PushScene().outcome(sender: alice) == .nothing)
    }

    @Test("The master switch silences everything, the user's own rules included")
    func master() throws {
        var scene = try PushScene().with("[]")
        #expect(scene.outcome().notifies)
        try scene.rules.setEnabled(.override, ".m.rule.master", true)
        #expect(scene.outcome() == PushScene.silentByMaster)
        #expect(scene.rules[.override].map(\.id).prefix(2) == [".m.rule.master", "test"])
    }

    @Test("Guessed mentions count only in events without m.mentions")
    func legacyOutcomes() {
        let rules = PushRules(defaultsFor: alice, legacyMentions: true)
        var scene = PushScene(rules: rules)
        func rule(_ content: String) -> String? { scene.outcome("m.room.message", content).ruleID }
        #expect(rule(#"{"body":"hi Alice!"}"#) == ".m.rule.contains_display_name")
        #expect(rule(#"{"body":"hi Alice!","m.mentions":{}}"#) == ".m.rule.message")
        #expect(rule(#"{"body":"hi Alicent"}"#) == ".m.rule.message")
        #expect(rule(#"{"body":"look @room"}"#) == ".m.rule.message")
        scene.levels = #"{"notifications":{"room":0}}"#
        #expect(rule(#"{"body":"look @room"}"#) == ".m.rule.roomnotif")
        #expect(rule(#"{"body":"look @room","m.mentions":{}}"#) == ".m.rule.message")
        scene.displayName = "A*"
        #expect(rule(#"{"body":"hi Abc"}"#) == ".m.rule.message")
        #expect(rule(#"{"body":"hi a*"}"#) == ".m.rule.contains_display_name")
        scene.displayName = nil
        #expect(rule(#"{"body":"hi alice"}"#) == ".m.rule.contains_user_name")
        #expect(rule(#"{"body":"hi alice","m.mentions":{}}"#) == ".m.rule.message")
    }
}

extension PushScene {
    /// The outcome of a rule without actions.
    static var silentByMaster: PushOutcome {
        var scene = PushScene()
        try? scene.rules.setEnabled(.override, ".m.rule.master", true)
        let outcome = scene.outcome()
        return outcome.ruleID == ".m.rule.master" && !outcome.notifies ? outcome : .nothing
    }
}
