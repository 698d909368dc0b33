import Homeserver
import MatrixModel
import MatrixRules
import Primitives

/// What people may want of a room, much of it not allowed.
struct RandomRoom {
    static let roomID = "!room:t.example"
    static let users = (0..<6).map { "@u\($0):t.example" }

    private var generator: SeededGenerator
    /// Events that may be redacted.
    var events: [String] = []

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    private mutating func below(_ bound: Int) -> Int { Int(generator.next() % UInt64(bound)) }
    private mutating func one<Value>(of values: [Value]) -> Value { values[below(values.count)] }

    static func keyID(_ user: String) -> UInt64 {
        1_000 + UInt64(users.firstIndex(of: user) ?? users.count)
    }

    static func member(_ user: String) -> Member {
        Member(userID: user, keyID: keyID(user), displayName: "\(user)", avatarURL: nil)
    }

    static func creation(_ version: RoomVersion) -> CreateRoom {
        let create = #"{"room_version":"\#(version.rawValue)"}"#
        return CreateRoom(
            creator: member(users[0]),
            version: version,
            roomID: version.roomIDIsCreateHash ? nil : roomID,
            events: [
                EventIntent(type: "m.room.create", stateKey: "", content: Array(create.utf8)),
                EventIntent(
                    type: "m.room.member",
                    stateKey: users[0],
                    content: Array(#"{"displayname":"U","membership":"join"}"#.utf8),
                    subject: member(users[0])
                ),
            ],
            isPublic: false,
            alias: nil,
            isDirect: false
        )
    }

    /// The next wish of somebody.
    mutating func next(in room: String, version: RoomVersion) -> Command.Action {
        // The creator most often: others may do little.
        let sender = below(2) == 0 ? Self.users[0] : one(of: Self.users)
        switch below(14) {
        case 0...1: return send(room, sender, "m.room.message", nil, #"{"body":"x"}"#)
        case 2...5: return membership(room, sender)
        case 6: return send(room, sender, "m.room.power_levels", "", powerLevels(version))
        case 7:
            let rule = one(of: ["public", "invite", "knock", "restricted"])
            let allow =
                #"[{"room_id":"!other:t.example","type":"m.room_membership"}]"#
            let content = #"{"allow":\#(allow),"join_rule":"\#(rule)"}"#
            return send(room, sender, "m.room.join_rules", "", content)
        case 8...9:
            let type = one(of: RoomHead.strippedTypes.subtracting(Self.ruled).sorted())
            return send(room, sender, type, "", #"{"name":"n\#(below(100))"}"#)
        case 10:
            let content = one(of: [#"{"public_key":"k\#(below(9))"}"#, "{}"])
            return send(room, sender, "m.room.third_party_invite", "token\(below(3))", content)
        case 11...12:
            guard !events.isEmpty else { return send(room, sender, "x", "k", "{}") }
            let target = one(of: events)
            return send(
                room,
                sender,
                "m.room.redaction",
                nil,
                #"{"redacts":"\#(target)"}"#,
                redacts: target
            )
        default:
            return .publishRoom(roomID: room, userID: sender, isPublic: below(2) == 0)
        }
    }

    private static let ruled: Set<String> = ["m.room.create", "m.room.join_rules"]

    private mutating func membership(_ room: String, _ sender: String) -> Command.Action {
        let target = below(2) == 0 ? sender : one(of: Self.users)
        // The creator stays: nobody could do much in a room without one.
        let own = target == Self.users[0] ? ["join"] : ["join", "leave", "knock"]
        let word = one(of: target == sender ? own : ["invite", "leave", "ban"])
        return send(
            room,
            sender,
            "m.room.member",
            target,
            #"{"displayname":"d\#(below(9))","membership":"\#(word)"}"#,
            subject: Self.member(target)
        )
    }

    private mutating func powerLevels(_ version: RoomVersion) -> String {
        // Creators of version 12 stand above all levels and are not listed.
        var users = version.creatorsAreAboveLevels ? [] : [#""\#(Self.users[0])":100"#]
        for user in Self.users.dropFirst() where below(3) == 0 {
            users.append(#""\#(user)":\#(one(of: [0, 25, 50]))"#)
        }
        let levels = [
            #""ban":\#(one(of: [25, 50]))"#, #""events":{"m.room.name":\#(below(51))}"#,
            #""invite":\#(one(of: [0, 50]))"#, #""notifications":{"room":\#(below(51))}"#,
            #""redact":\#(one(of: [0, 50]))"#, #""state_default":\#(one(of: [25, 50]))"#,
            #""users":{\#(users.sorted().joined(separator: ","))}"#,
        ]
        return "{\(levels.joined(separator: ","))}"
    }

    private func send(
        _ room: String,
        _ sender: String,
        _ type: String,
        _ stateKey: String?,
        _ content: String,
        redacts: String? = nil,
        subject: Member? = nil
    ) -> Command.Action {
        .sendEvent(
            SendEvent(
                roomID: room,
                sender: sender,
                senderKeyID: Self.keyID(sender),
                draft: EventIntent(
                    type: type,
                    stateKey: stateKey,
                    content: Array(content.utf8),
                    redacts: redacts,
                    subject: subject
                )
            )
        )
    }
}
