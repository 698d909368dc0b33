import MatrixModel
import MatrixRules
import Testing

@Suite("Authorization: m.room.power_levels")
struct PowerLevelRulesTests {
    @Test(
        "Single levels must be integers",
        arguments: PowerLevels.Field.allCases,
        [#""50""#, "1.5", "1.0", "null", "true", "[50]", "{}", "9007199254740992"]
    )
    func malformedLevel(field: PowerLevels.Field, value: String) {
        for version in RoomVersion.allCases {
            let room = RoomFixture(version)
            let denial = room.powerLevels(#"{"\#(field.rawValue)":\#(value)}"#, by: alice)
            #expect(denial == .malformedPowerLevels(field.rawValue))
        }
    }

    @Test(
        "Maps must be objects of integers",
        arguments: ["events", "notifications", "users"],
        ["[]", "1", "null", #""x""#, #"{"@a:b":"50"}"#, #"{"@a:b":1.5}"#, #"{"@a:b":null}"#]
    )
    func malformedMap(property: String, value: String) {
        let room = RoomFixture(.v11)
        let denial = room.powerLevels(#"{"\#(property)":\#(value)}"#, by: alice)
        #expect(denial == .malformedPowerLevels(property))
    }

    @Test("Keys of users are user IDs", arguments: ["alice", "@alice", "", "!a:b", "@a:b c"])
    func malformedUser(key: String) {
        let room = RoomFixture(.v11)
        let denial = room.powerLevels(#"{"users":{"\#(key)":0}}"#, by: alice)
        #expect(denial == .malformedPowerLevels("users"))
    }

    @Test("The shape is checked for the first power levels too")
    func firstIsChecked() {
        var room = RoomFixture(.v11)
        room.levels = nil
        #expect(room.powerLevels(#"{"ban":"1"}"#, by: alice) == .malformedPowerLevels("ban"))
        // What is in range and well-formed passes, however high.
        #expect(room.powerLevels(#"{"ban":1000,"users":{"@a:b":500}}"#, by: alice) == nil)
        #expect(room.powerLevels("{}", by: alice) == nil)
        // Without the event, bob is nobody and state needs 50.
        #expect(room.powerLevels("{}", by: bob) == .insufficientPower(needed: 50, has: 0))
    }

    @Test("In version 12 no creator is listed, in 11 they may be")
    func creatorListed() {
        var room = RoomFixture(.v12, additionalCreators: [carol])
        for creator in [alice, carol] {
            let content = #"{"users":{"\#(creator)":100}}"#
            #expect(room.powerLevels(content, by: alice) == .creatorInPowerLevels)
        }
        #expect(room.powerLevels(#"{"users":{"\#(bob)":100}}"#, by: alice) == nil)
        room.levels = nil
        let content = #"{"users":{"\#(alice)":100}}"#
        #expect(room.powerLevels(content, by: alice) == .creatorInPowerLevels)
        #expect(RoomFixture(.v11).powerLevels(content, by: alice) == nil)
    }

    struct Change: Sendable, CustomTestStringConvertible {
        let from: String
        let to: String
        /// The property the denial names, or nil when the change is allowed.
        let denied: String?
        init(_ from: String, _ to: String, _ denied: String?) {
            self.from = from
            self.to = to
            self.denied = denied
        }
        var testDescription: String { "\(from) → \(to)" }
    }

    /// Changes by bob, who has 50 unless the content says otherwise. `B` stands for bob's entry.
    static let changes: [Change] =
        PowerLevels.Field.allCases.flatMap { field -> [Change] in
            let key = field.rawValue
            // bob must keep the power to send state at all.
            return [
                Change(#"{B}"#, #"{B,"\#(key)":50}"#, nil),
                Change(#"{B}"#, #"{B,"\#(key)":51}"#, key),
                Change(#"{B,"\#(key)":50}"#, #"{B,"\#(key)":0}"#, nil),
                Change(#"{B,"\#(key)":50}"#, #"{B}"#, nil),
                Change(#"{B,"\#(key)":0}"#, #"{B,"\#(key)":51}"#, key),
            ]
                + (field == .stateDefault
                    ? []
                    : [
                        Change(#"{B,"\#(key)":51}"#, #"{B,"\#(key)":51}"#, nil),
                        Change(#"{B,"\#(key)":51}"#, #"{B,"\#(key)":50}"#, key),
                        Change(#"{B,"\#(key)":51}"#, #"{B}"#, key),
                    ])
        }
        + ["events", "notifications"].flatMap { map in
            [
                Change(#"{B}"#, #"{B,"\#(map)":{"x":50}}"#, nil),
                Change(#"{B}"#, #"{B,"\#(map)":{"x":51}}"#, "\(map).x"),
                Change(#"{B,"\#(map)":{"x":50}}"#, #"{B,"\#(map)":{"x":0}}"#, nil),
                Change(#"{B,"\#(map)":{"x":50}}"#, #"{B,"\#(map)":{"x":51}}"#, "\(map).x"),
                Change(#"{B,"\#(map)":{"x":50}}"#, #"{B}"#, nil),
                Change(#"{B,"\#(map)":{"x":51}}"#, #"{B,"\#(map)":{"x":50}}"#, "\(map).x"),
                Change(#"{B,"\#(map)":{"x":51}}"#, #"{B}"#, "\(map).x"),
                Change(#"{B,"\#(map)":{"x":51}}"#, #"{B,"\#(map)":{"x":51,"y":1}}"#, nil),
            ]
        }
        + [
            // Adding and changing others.
            Change(#"{"users":{B}}"#, #"{"users":{B,C:50}}"#, nil),
            Change(#"{"users":{B}}"#, #"{"users":{B,C:51}}"#, "users.\(carol)"),
            Change(#"{"users":{B,C:49}}"#, #"{"users":{B,C:50}}"#, nil),
            Change(#"{"users":{B,C:49}}"#, #"{"users":{B,C:51}}"#, "users.\(carol)"),
            Change(#"{"users":{B,C:49}}"#, #"{"users":{B}}"#, nil),
            Change(#"{"users":{B,C:50}}"#, #"{"users":{B,C:49}}"#, "users.\(carol)"),
            Change(#"{"users":{B,C:50}}"#, #"{"users":{B}}"#, "users.\(carol)"),
            Change(#"{"users":{B,C:50}}"#, #"{"users":{B,C:50}}"#, nil),
            Change(#"{"users":{B,C:99}}"#, #"{"users":{B,C:98}}"#, "users.\(carol)"),
            // Oneself.
            Change(#"{"users":{B}}"#, #"{"users":{b:49}}"#, nil),
            Change(#"{"users":{B}}"#, #"{"users":{b:51}}"#, "users.\(bob)"),
            Change(#"{"users":{B}}"#, #"{"users":{}}"#, nil),
            Change(#"{"users":{B}}"#, #"{}"#, nil),
        ]

    @Test("Changes of levels, both versions", arguments: changes, RoomVersion.allCases)
    func change(row: Change, version: RoomVersion) throws {
        func content(_ text: String) -> String {
            let inUsers = text.contains("users\":{")
            var text = text
            let own = "\"\(bob)\":50"
            for (short, long) in [
                ("B", inUsers ? own : "\"users\":{\(own)}"), ("C:", "\"\(carol)\":"),
                ("b:", "\"\(bob)\":"),
            ] {
                text = replacing(text, short, long)
            }
            return text
        }
        var room = RoomFixture(version)
        room.levels = try PowerLevels(json(content(row.from)))
        let denial = room.powerLevels(content(row.to), by: bob)
        #expect(denial == row.denied.map { .powerLevelChange($0) })
    }

    /// Replaces `short` where it stands right after `{` or `,`.
    private func replacing(_ text: String, _ short: String, _ long: String) -> String {
        var result = ""
        var rest = text[...]
        while let first = rest.first {
            if rest.hasPrefix(short), result.last == "{" || result.last == "," {
                result += long
                rest = rest.dropFirst(short.count)
            } else {
                result.append(first)
                rest = rest.dropFirst()
            }
        }
        return result
    }

    @Test("A v12 creator may set anything, and a level of one's own reaches no creator")
    func creatorsSetAnything() throws {
        var room = RoomFixture(.v12)
        room.levels = try PowerLevels(json(#"{"ban":9007199254740991,"users":{"@z:b":900}}"#))
        #expect(room.powerLevels(#"{"ban":9007199254740990}"#, by: alice) == nil)
    }

    @Test("Decoding tells absent from default and skips what it does not know")
    func decoding() throws {
        let levels = try PowerLevels(
            json(#"{"ban":50,"x":"y","users":{"@a:b":-3},"events":{"m.x":1},"historical":"1"}"#)
        )
        #expect(levels.ban == 50 && levels.kick == nil)
        #expect(levels.users == [UserID(trusted: "@a:b"): -3])
        #expect(levels.events == ["m.x": 1])
        #expect(throws: AuthorizationDenial.malformedPowerLevels("content")) {
            try PowerLevels(json("[]"))
        }
        #expect(throws: AuthorizationDenial.malformedPowerLevels("content")) {
            try PowerLevels(nil)
        }
    }
}
