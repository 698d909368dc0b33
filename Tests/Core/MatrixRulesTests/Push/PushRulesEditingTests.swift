import MatrixModel
import MatrixRules
import Testing

@Suite("Editing push rules")
struct PushRulesEditingTests {
    private let silent = #"{"actions":[]}"#

    private func ids(_ rules: PushRules, _ kind: PushRuleKind = .override) -> [String] {
        rules[kind].filter { !$0.isDefault }.map(\.id)
    }

    @Test("A new rule is enabled and the most important of the user's")
    func added() throws {
        var rules = PushRules(defaultsFor: alice)
        try rules.put(.override, "a", json(silent))
        try rules.put(.override, "b", json(silent))
        #expect(
            rules[.override].map(\.id).prefix(4) == [
                ".m.rule.master", "b", "a", ".m.rule.suppress_notices",
            ]
        )
        #expect(rules.rule(.override, "a")?.isEnabled == true)
        #expect(rules.rule(.override, "a")?.isDefault == false)
        #expect(rules.ownRuleCount == 2)
        try rules.put(.room, "!x:y", json(silent))
        #expect(rules[.room].map(\.id) == ["!x:y"])
    }

    @Test("before and after place a rule next to another of the user's")
    func placed() throws {
        var rules = PushRules(defaultsFor: alice)
        for id in ["c", "b", "a"] { try rules.put(.override, id, json(silent)) }
        try rules.put(.override, "x", json(silent), before: "b")
        #expect(ids(rules) == ["a", "x", "b", "c"])
        try rules.put(.override, "y", json(silent), after: "c")
        #expect(ids(rules) == ["a", "x", "b", "c", "y"])
        // Both: before wins.
        try rules.put(.override, "z", json(silent), before: "a", after: "c")
        #expect(ids(rules) == ["z", "a", "x", "b", "c", "y"])
        // Moving one that exists.
        try rules.put(.override, "z", json(silent), after: "y")
        #expect(ids(rules) == ["a", "x", "b", "c", "y", "z"])
        try rules.put(.override, "y", json(silent), before: "a")
        #expect(ids(rules) == ["y", "a", "x", "b", "c", "z"])
        try rules.put(.override, "a", json(silent), before: "a")
        #expect(ids(rules) == ["y", "a", "x", "b", "c", "z"])
        #expect(rules[.override].last?.id == ".m.rule.suppress_edits")
    }

    @Test("A rule cannot stand next to one of the server's or none at all")
    func misplaced() {
        var rules = PushRules(defaultsFor: alice)
        for other in [".m.rule.master", ".m.rule.reaction", "ghost"] {
            #expect(throws: PushRuleError.relativeRuleNotFound(other)) {
                try rules.put(.override, "a", json(silent), before: other)
            }
            #expect(throws: PushRuleError.relativeRuleNotFound(other)) {
                try rules.put(.override, "a", json(silent), after: other)
            }
        }
        #expect(rules == PushRules(defaultsFor: alice))
    }

    @Test("Replacing a rule keeps its place and its switch")
    func replaced() throws {
        var rules = PushRules(defaultsFor: alice)
        for id in ["b", "a"] { try rules.put(.override, id, json(silent)) }
        try rules.setEnabled(.override, "b", false)
        try rules.put(.override, "b", json(#"{"actions":["notify"]}"#))
        #expect(ids(rules) == ["a", "b"])
        #expect(rules.rule(.override, "b")?.isEnabled == false)
        #expect(rules.rule(.override, "b")?.actions == ["notify"])
    }

    @Test(
        "IDs that are reserved, empty, too long or hold slashes are refused",
        arguments: [".m.rule.mine", ".", "", "a/b", "a\\b", String(repeating: "x", count: 256)]
    )
    func badID(id: String) {
        var rules = PushRules(defaultsFor: alice)
        #expect(throws: PushRuleError.invalidRuleID) {
            try rules.put(.override, id, json(silent))
        }
    }

    @Test(
        "Bodies of the wrong shape are refused",
        arguments: [
            (PushRuleKind.override, "{}", "actions"),
            (.override, #"{"actions":"notify"}"#, "actions"),
            (.override, #"{"actions":["dance"]}"#, "actions"),
            (.override, #"{"actions":[7]}"#, "actions"),
            (.override, #"{"actions":[{"set_tweak":1}]}"#, "actions"),
            (.override, #"{"actions":[],"conditions":{}}"#, "conditions"),
            (.override, #"{"actions":[],"conditions":[{}]}"#, "conditions"),
            (.override, #"{"actions":[],"conditions":["x"]}"#, "conditions"),
            (
                .underride, #"{"actions":[],"conditions":[{"kind":"event_match","pattern":1}]}"#,
                "pattern"
            ),
            (.content, #"{"actions":[]}"#, "pattern"),
            (.content, #"{"actions":[],"pattern":7}"#, "pattern"),
            (.override, "[]", "actions"),
        ]
    )
    func badBody(kind: PushRuleKind, body: String, part: String) {
        var rules = PushRules(defaultsFor: alice)
        #expect(throws: PushRuleError.malformed(part)) { try rules.put(kind, "a", json(body)) }
    }

    @Test("Patterns, parts and rules are counted")
    func limits() throws {
        var rules = PushRules(defaultsFor: alice)
        let longest = String(repeating: "ä", count: Glob.lengthMax)
        try rules.put(.content, "fits", json(#"{"actions":[],"pattern":"\#(longest)"}"#))
        #expect(throws: PushRuleError.malformed("pattern")) {
            try rules.put(.content, "long", json(#"{"actions":[],"pattern":"\#(longest)x"}"#))
        }
        let many = Array(repeating: #""notify""#, count: PushRules.partsMax + 1)
            .joined(separator: ",")
        #expect(throws: PushRuleError.malformed("actions")) {
            try rules.put(.override, "many", json(#"{"actions":[\#(many)]}"#))
        }
        for number in 1..<PushRules.ownRulesMax {
            try rules.put(.room, "!\(number):b", json(silent))
        }
        #expect(throws: PushRuleError.tooManyRules(limit: PushRules.ownRulesMax)) {
            try rules.put(.sender, "@one:more", json(silent))
        }
        try rules.put(.room, "!1:b", json(silent))
    }

    @Test("Removing")
    func removed() throws {
        var rules = PushRules(defaultsFor: alice)
        try rules.put(.sender, bob.raw, json(silent))
        #expect(throws: PushRuleError.notFound) { try rules.remove(.room, bob.raw) }
        try rules.remove(.sender, bob.raw)
        #expect(throws: PushRuleError.notFound) { try rules.remove(.sender, bob.raw) }
        #expect(throws: PushRuleError.invalidRuleID) {
            try rules.remove(.override, ".m.rule.master")
        }
        #expect(rules == PushRules(defaultsFor: alice))
    }

    @Test("The server's rules can be switched and given other actions")
    func defaultsChanged() throws {
        var rules = PushRules(defaultsFor: alice)
        try rules.setEnabled(.underride, ".m.rule.message", false)
        try rules.setActions(.underride, ".m.rule.call", json(#"["dont_notify"]"#))
        #expect(rules.rule(.underride, ".m.rule.message")?.isEnabled == false)
        #expect(rules.rule(.underride, ".m.rule.call")?.actions == [])
        #expect(throws: PushRuleError.notFound) { try rules.setEnabled(.override, "ghost", true) }
        #expect(throws: PushRuleError.notFound) {
            try rules.setActions(.override, "ghost", json("[]"))
        }
        #expect(throws: PushRuleError.malformed("actions")) {
            try rules.setActions(.underride, ".m.rule.call", json(#"{"notify":true}"#))
        }
    }

    @Test("What is stored is only what differs, and reading it back changes nothing")
    func roundTrip() throws {
        var rules = PushRules(defaultsFor: alice)
        #expect(text(rules.stored) == "{}")
        try rules.put(
            .override,
            "a",
            json(
                #"{"conditions":[{"kind":"room_member_count","is":"<9"}],"actions":["notify"]}"#
            )
        )
        try rules.put(.override, "b", json(silent))
        try rules.put(.content, "w", json(#"{"pattern":"cake*","actions":["notify"]}"#))
        try rules.put(.room, room.raw, json(silent))
        try rules.setEnabled(.room, room.raw, false)
        try rules.setEnabled(.override, ".m.rule.master", true)
        try rules.setActions(.underride, ".m.rule.message", json("[]"))
        let stored = text(rules.stored)
        #expect(stored.contains(#"{"rule_id":".m.rule.master","enabled":true}"#))
        #expect(stored.contains(#"{"rule_id":".m.rule.message","actions":[]}"#))
        #expect(!stored.contains("reaction"))
        #expect(PushRules(user: alice, stored: json(stored)) == rules)
        // The whole content works as well.
        #expect(PushRules(user: alice, stored: json(text(rules.content))) == rules)
    }

    @Test("Damaged stored rules are skipped, the rest counts")
    func damaged() {
        let stored = json(
            #"""
            {"override":[{"rule_id":"a"},{"rule_id":7,"actions":[]},3,
             {"rule_id":"b","actions":["notify"],"enabled":false},{"rule_id":"b","actions":[]},
             {"rule_id":".m.rule.gone","enabled":false},
             {"rule_id":".m.rule.reaction","enabled":"x","actions":7}],
             "content":[{"rule_id":"c","actions":[]}],"room":{},"sender":null}
            """#
        )
        let rules = PushRules(user: alice, stored: stored)
        #expect(ids(rules) == ["b"])
        #expect(rules.rule(.override, "b")?.isEnabled == false)
        #expect(rules[.content].isEmpty)
        #expect(
            rules.rule(.override, ".m.rule.reaction")
                == PushRules(defaultsFor: alice).rule(.override, ".m.rule.reaction")
        )
        #expect(PushRules(user: alice, stored: nil) == PushRules(defaultsFor: alice))
        #expect(PushRules(user: alice, stored: json("7")) == PushRules(defaultsFor: alice))
    }

    @Test("Rules are shown with what their kind has")
    func shapes() throws {
        var rules = PushRules(defaultsFor: alice)
        let body = json(#"{"actions":["notify"],"pattern":"p","conditions":[]}"#)
        for kind in PushRuleKind.allCases { try rules.put(kind, "x", body) }
        func keys(_ kind: PushRuleKind) -> [String] {
            rules.rule(kind, "x")?.json(as: kind).members?.map(\.key) ?? []
        }
        #expect(keys(.override) == ["rule_id", "default", "enabled", "conditions", "actions"])
        #expect(keys(.underride) == keys(.override))
        #expect(keys(.content) == ["rule_id", "default", "enabled", "pattern", "actions"])
        #expect(keys(.room) == ["rule_id", "default", "enabled", "actions"])
        #expect(keys(.sender) == keys(.room))
    }

    @Test("Every refusal has a sentence")
    func sentences() {
        #expect("\(PushRuleError.relativeRuleNotFound("x"))" == "before/after rule not found: x")
        for error in [
            PushRuleError.notFound, .invalidRuleID, .malformed("a"), .tooManyRules(limit: 5),
        ] {
            #expect(!error.description.isEmpty)
        }
    }
}
