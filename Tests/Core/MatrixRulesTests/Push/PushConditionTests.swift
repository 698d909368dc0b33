import MatrixModel
import MatrixRules
import Testing

@Suite("Push conditions")
struct PushConditionTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let conditions: String
        var type = "m.custom"
        var content = "{}"
        var stateKey: String?
        let matches: Bool

        init(
            _ conditions: String,
            _ content: String,
            _ matches: Bool
        ) {
            self.conditions = conditions
            self.content = content
            self.matches = matches
        }

        init(
            _ conditions: String,
            type: String = "m.custom",
            stateKey: String? = nil,
            _ matches: Bool
        ) {
            self.conditions = conditions
            self.type = type
            self.stateKey = stateKey
            self.matches = matches
        }

        var testDescription: String { "\(conditions) on \(type) \(content): \(matches)" }
    }

    private static func match(_ key: String, _ pattern: String) -> String {
        #"[{"kind":"event_match","key":"\#(key)","pattern":"\#(pattern)"}]"#
    }

    private static func isValue(_ key: String, _ value: String) -> String {
        #"[{"kind":"event_property_is","key":"\#(key)","value":\#(value)}]"#
    }

    private static func contains(_ key: String, _ value: String) -> String {
        #"[{"kind":"event_property_contains","key":"\#(key)","value":\#(value)}]"#
    }

    static let eventMatch: [Case] = [
        Case(match("content.topic", "lunc?*"), #"{"topic":"Lunch plans"}"#, true),
        Case(match("content.topic", "lunc?*"), #"{"topic":" lunch"}"#, false),
        Case(match("content.topic", "*"), #"{"topic":null}"#, false),
        Case(match("content.topic", "*"), #"{"topic":7}"#, false),
        Case(match("content.topic", "*"), "{}", false),
        Case(match("content.topic", "*"), #"{"topic":""}"#, true),
        Case(match("content.body", "cake"), #"{"body":"a cake!"}"#, true),
        Case(match("content.body", "cake"), #"{"body":"pancake"}"#, false),
        Case(match("content.body", "cake"), #"{"body":["cake"]}"#, false),
        Case(match("content.msgtype", "m.*"), #"{"msgtype":"m.text"}"#, true),
        Case(match("content.a.b", "x"), #"{"a":{"b":"x"}}"#, true),
        Case(match("content.a.b", "x"), #"{"a.b":"x"}"#, false),
        Case(match(#"content.a\\.b"#, "x"), #"{"a.b":"x"}"#, true),
        Case(match(#"content.a\\.b"#, "x"), #"{"a":{"b":"x"}}"#, false),
        Case(match(#"content.a\\\\b"#, "x"), #"{"a\\b":"x"}"#, true),
        Case(match(#"content.a\\b"#, "x"), #"{"a\\b":"x"}"#, true),
        Case(match("type", "M.CUSTOM"), true),
        Case(match("type", "m.*"), type: "m.call", true),
        Case(match("sender", "@bob:*"), true),
        Case(match("room_id", "!room:example.org"), true),
        Case(match("event_id", "$event"), true),
        Case(match("state_key", ""), stateKey: "", true),
        Case(match("state_key", ""), false),
        Case(match("state_key", "@alice:example.org"), stateKey: "@alice:example.org", true),
        Case(match("state_key", "@alice:example.org"), stateKey: "@bob:example.org", false),
        Case(match("content", "*"), #"{"a":"b"}"#, false),
        Case(match("unsigned.age", "*"), false),
        Case(
            match("content.m\\\\.relates_to.rel_type", "m.thread"),
            #"{"m.relates_to":{"rel_type":"m.thread"}}"#,
            true
        ),
    ]

    static let propertyIs: [Case] = [
        Case(isValue(#"content.m\\.federate"#, "true"), #"{"m.federate":true}"#, true),
        Case(isValue(#"content.m\\.federate"#, "true"), #"{"m.federate":"true"}"#, false),
        Case(isValue(#"content.m\\.federate"#, "true"), #"{"m.federate":1}"#, false),
        Case(isValue("content.n", "1"), #"{"n":1}"#, true),
        Case(isValue("content.n", "1"), #"{"n":true}"#, false),
        Case(isValue("content.n", "1"), #"{"n":1.0}"#, false),
        Case(isValue("content.n", "null"), #"{"n":null}"#, true),
        Case(isValue("content.n", "null"), "{}", false),
        Case(isValue("content.n", #""a""#), #"{"n":"a"}"#, true),
        Case(isValue("content.n", #""a""#), #"{"n":"A"}"#, false),
        Case(isValue("content.n", "\"\u{E9}\""), "{\"n\":\"e\u{301}\"}", false),
        Case(isValue("content.n", "[]"), #"{"n":[]}"#, false),
        Case(isValue("content.n", "{}"), #"{"n":{}}"#, false),
        Case(isValue("content.n", "1.5"), #"{"n":1.5}"#, false),
        Case(isValue("content.body", "7"), #"{"body":7}"#, true),
        Case(isValue("content.body", #""cake""#), #"{"body":"a cake"}"#, false),
        Case(isValue("content.msgtype", "null"), #"{"msgtype":null}"#, true),
        Case(isValue("type", #""m.custom""#), true),
        Case(
            isValue(#"content.m\\.mentions.room"#, "false"),
            #"{"m.mentions":{"room":false}}"#,
            true
        ),
        Case(
            isValue(#"content.m\\.relates_to.rel_type"#, #""x""#),
            #"{"m.relates_to":{"rel_type":"x"}}"#,
            true
        ),
    ]

    static let propertyContains: [Case] = [
        Case(contains("content.list", #""a""#), #"{"list":["b","a"]}"#, true),
        Case(contains("content.list", #""a""#), #"{"list":["ab","A"]}"#, false),
        Case(contains("content.list", #""a""#), #"{"list":"a"}"#, false),
        Case(contains("content.list", #""a""#), "{}", false),
        Case(contains("content.list", "1"), #"{"list":[{},[1],1.0,"1",true]}"#, false),
        Case(contains("content.list", "1"), #"{"list":[null,1]}"#, true),
        Case(contains("content.list", "null"), #"{"list":[null]}"#, true),
        Case(
            contains(#"content.m\\.mentions.user_ids"#, #""@bob:example.org""#),
            #"{"m.mentions":{"user_ids":["@bob:example.org"]}}"#,
            true
        ),
    ]

    static let malformed: [Case] = [
        Case(#"[{"kind":"org.example.unknown"}]"#, false),
        Case(#"[{"kind":"event_match","key":"type"}]"#, false),
        Case(#"[{"kind":"event_match","pattern":"*"}]"#, false),
        Case(#"[{"kind":"event_match","key":7,"pattern":"*"}]"#, false),
        Case(#"[{"kind":"event_property_is","key":"type"}]"#, false),
        Case(#"[{"kind":"event_property_contains","key":"content.a"}]"#, false),
        Case(#"[{"kind":"sender_notification_permission"}]"#, false),
        Case(#"[{"kind":"room_member_count"}]"#, false),
        Case("[]", true),
    ]

    @Test("Conditions", arguments: eventMatch + propertyIs + propertyContains + malformed)
    func condition(row: Case) throws {
        let scene = try PushScene().with(row.conditions)
        let outcome = scene.outcome(row.type, row.content, stateKey: row.stateKey)
        #expect((outcome.ruleID == "test") == row.matches)
    }

    @Test(
        "room_member_count",
        arguments: [
            ("2", 2, true), ("2", 3, false), ("==2", 2, true), ("<3", 2, true), ("<2", 2, false),
            (">1", 2, true), (">2", 2, false), ("<=2", 2, true), ("<=1", 2, false),
            (">=2", 2, true), (">=3", 2, false), ("", 2, false), ("=2", 2, false),
            ("two", 2, false), ("-2", 2, false), ("+2", 2, false), (" 2", 2, false),
            ("99999999999999999999", 2, false),
        ]
    )
    func memberCount(form: String, members: Int, matches: Bool) throws {
        var scene = try PushScene().with(#"[{"kind":"room_member_count","is":"\#(form)"}]"#)
        scene.memberCount = members
        #expect((scene.outcome("x", "{}").ruleID == "test") == matches)
    }

    @Test("All conditions must hold")
    func conjunction() throws {
        let scene = try PushScene().with(
            #"""
            [{"kind":"event_match","key":"type","pattern":"x"},{"kind":"room_member_count","is":">3"}]
            """#
        )
        #expect(scene.outcome("x", "{}").ruleID == "test")
        #expect(scene.outcome("y", "{}").ruleID == nil)
    }

    @Test("contains_display_name looks for the name as words")
    func displayName() throws {
        var scene = try PushScene().with(#"[{"kind":"contains_display_name"}]"#)
        func matches(_ body: String) -> Bool {
            scene.outcome("x", #"{"body":"\#(body)"}"#).ruleID == "test"
        }
        scene.displayName = "Alice L."
        #expect(matches("hello alice l., how are you"))
        #expect(!matches("hello malice l."))
        scene.displayName = ""
        #expect(!matches(""))
        scene.displayName = nil
        #expect(!matches("nil"))
        // As long as a pattern may be, and not a character more.
        for count in [256, 257] {
            let name = String(repeating: "é", count: count)
            scene.displayName = name
            #expect(matches("hello \(name)!") == (count == 256))
        }
    }

    @Test("sender_notification_permission asks for the key's level")
    func senderPermission() throws {
        var scene = try PushScene().with(#"[{"kind":"sender_notification_permission","key":"k"}]"#)
        func matches() -> Bool { scene.outcome("x", "{}").ruleID == "test" }
        #expect(!matches())
        scene.levels = #"{"users_default":50}"#
        #expect(matches())
        scene.levels = #"{"users_default":50,"notifications":{"k":51}}"#
        #expect(!matches())
    }

    @Test("Kinds are checked in order, and the first match decides")
    func precedence() throws {
        var scene = PushScene()
        func rule() -> String? { scene.outcome().ruleID }
        #expect(rule() == ".m.rule.message")
        try scene.rules.put(.underride, "under", json(#"{"actions":[]}"#))
        #expect(rule() == "under")
        try scene.rules.put(.sender, bob.raw, json(#"{"actions":[]}"#))
        #expect(rule() == bob.raw)
        try scene.rules.put(.room, room.raw, json(#"{"actions":[]}"#))
        #expect(rule() == room.raw)
        try scene.rules.put(.content, "word", json(#"{"pattern":"hello","actions":[]}"#))
        #expect(rule() == "word")
        try scene.rules.put(.override, "over", json(#"{"actions":[]}"#))
        #expect(rule() == "over")
        for (kind, id) in [
            (PushRuleKind.override, "over"), (.content, "word"), (.room, room.raw),
            (.sender, bob.raw), (.underride, "under"),
        ] {
            try scene.rules.setEnabled(kind, id, false)
            #expect(rule() != id)
        }
        #expect(rule() == ".m.rule.message")
    }

    @Test("Rules for other rooms and senders do not match")
    func others() throws {
        var scene = PushScene()
        try scene.rules.put(.room, "!other:example.org", json(#"{"actions":[]}"#))
        try scene.rules.put(.sender, carol.raw, json(#"{"actions":[]}"#))
        #expect(scene.outcome().ruleID == ".m.rule.message")
    }

    @Test("Tweaks are passed on, and a highlight needs a notification")
    func tweaks() throws {
        var scene = PushScene()
        func actions(_ text: String) throws -> PushOutcome {
            try scene.rules.put(.override, "t", json(#"{"actions":\#(text)}"#))
            return scene.outcome()
        }
        let full = try actions(
            #"""
            ["notify",{"set_tweak":"highlight"},{"set_tweak":"sound","value":"bing"},
             {"set_tweak":"flash","value":3}]
            """#
        )
        #expect(full.notifies && full.highlights && full.sound == "bing")
        #expect(full.tweaks.map(\.key) == ["highlight", "sound", "flash"])
        let off = try actions(#"["notify",{"set_tweak":"highlight","value":false}]"#)
        #expect(off.notifies && !off.highlights)
        let silent = try actions(#"[{"set_tweak":"highlight"}]"#)
        #expect(!silent.notifies && !silent.highlights)
        let historical = try actions(#"["dont_notify"]"#)
        #expect(!historical.notifies && historical.ruleID == "t")
        #expect(try actions(#"["notify","coalesce"]"#).notifies)
    }
}
