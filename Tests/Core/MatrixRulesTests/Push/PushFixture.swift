import MatrixModel
import MatrixRules

let room = RoomID(trusted: "!room:example.org")

func text(_ value: JSONValue) -> String { String(decoding: value.serialized(), as: UTF8.self) }

/// An event by bob in a room with alice as recipient, and what her rules make of it.
struct PushScene {
    var rules = PushRules(defaultsFor: alice)
    var memberCount = 5
    var displayName: String? = "Alice"
    var levels = "{}"

    func outcome(
        _ type: String = "m.room.message",
        _ content: String = #"{"msgtype":"m.text","body":"hello"}"#,
        stateKey: String? = nil,
        sender: UserID = bob,
        recipient: UserID = alice
    ) -> PushOutcome {
        let event = PushEvent(
            type: type,
            sender: sender,
            roomID: room,
            stateKey: stateKey,
            eventID: EventID(trusted: "$event"),
            content: json(content)
        )
        let power = RoomPower(
            create: CreateContent(version: .v11, sender: dave),
            levels: try? PowerLevels(json(levels))
        )
        return PushRuleSet(rules).evaluate(
            event,
            in: PushRoom(memberCount: memberCount, power: power),
            for: PushRecipient(recipient, displayName: displayName)
        )
    }

    /// The scene with one override rule of the given conditions added.
    func with(_ conditions: String) throws -> PushScene {
        var scene = self
        try scene.rules.put(
            .override,
            "test",
            json(#"{"conditions":\#(conditions),"actions":["notify"]}"#)
        )
        return scene
    }
}
