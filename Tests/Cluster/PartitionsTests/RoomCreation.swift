import Homeserver
import KeyValue
import Keyspace
import MatrixModel
import MatrixRules
import Partitions
import Primitives
import Projections
import Testing

/// The longest flow across partitions: an alias is reserved, a room begins, its members' accounts
/// and the alias are told.
struct RoomCreation {
    static let alias = "#tea:t.example"
    static let alice = "@alice:t.example"
    static let bob = "@bob:t.example"

    let version: RoomVersion
    /// Where the room's partition is free to find an ID, it is this one.
    let partition: PartitionID
    let roomID: String?
    let reserve: Command
    let create: Command

    init(_ version: RoomVersion, on host: TestHost) throws {
        self.version = version
        let name = "!room:t.example"
        roomID = version.roomIDIsCreateHash ? nil : name
        partition = version.roomIDIsCreateHash ? host.map.all[1] : host.map.partition(of: name)
        reserve = Command(
            id: CommandID(high: 1, low: 1),
            answerLifetime: Command.mintedLifetime,
            action: .reserveAlias(
                alias: Self.alias,
                roomID: roomID ?? "!later",
                creator: Self.alice,
                confirm: false
            )
        )
        let (alice, bob) = (try Self.member(Self.alice, host), try Self.member(Self.bob, host))
        create = Command(
            id: CommandID(high: 2, low: 2),
            answerLifetime: Command.mintedLifetime,
            action: .createRoom(
                CreateRoom(
                    creator: alice,
                    version: version,
                    roomID: roomID,
                    events: Self.events(version, alice, bob),
                    isPublic: true,
                    alias: Self.alias,
                    isDirect: false
                )
            )
        )
    }

    static let types = [
        "m.room.create", "m.room.member", "m.room.join_rules", "m.room.name", "m.room.member",
    ]

    private static func events(
        _ version: RoomVersion,
        _ alice: Member,
        _ bob: Member
    ) -> [EventIntent] {
        func event(
            _ type: String,
            _ key: String,
            _ text: String,
            _ of: Member? = nil
        )
            -> EventIntent
        {
            EventIntent(type: type, stateKey: key, content: Array(text.utf8), subject: of)
        }
        return [
            event("m.room.create", "", #"{"room_version":"\#(version.rawValue)"}"#),
            event("m.room.member", alice.userID, #"{"membership":"join"}"#, alice),
            event("m.room.join_rules", "", #"{"join_rule":"invite"}"#),
            event("m.room.name", "", #"{"name":"Tea"}"#),
            event("m.room.member", bob.userID, #"{"membership":"invite"}"#, bob),
        ]
    }

    static func account(_ user: String, on host: inout TestHost) throws {
        let command = Command(
            id: CommandID(high: 3, low: UInt64(user.utf8.count)),
            answerLifetime: Command.mintedLifetime,
            action: .createAccount(
                CreateAccount(
                    userID: user,
                    passwordHash: "$hash",
                    isAdministrator: false,
                    device: nil
                )
            )
        )
        let outcome = try host.perform(command, in: host.map.partition(of: user))
        guard case .answered = outcome else {
            Issue.record("no account: \(outcome)")
            return
        }
    }

    static func member(_ user: String, _ host: TestHost) throws -> Member {
        let account = try #require(try host.home(of: user).account(user))
        return Member(userID: user, keyID: account.keyID, displayName: nil, avatarURL: nil)
    }

    // MARK: What is to be seen

    /// What readers of all partitions see of the room.
    struct Sight: Equatable {
        var rooms: [String] = []
        var types: [String] = []
        var joined: UInt32 = 0
        var invited: UInt32 = 0
        var published: [String] = []
        var memberships: [String] = []
        /// Of events that bob's invitation shows.
        var stripped: [String] = []
        /// What the alias points to.
        var alias: String?
    }

    static func sight(_ host: TestHost) throws -> Sight {
        var sight = Sight()
        for partition in host.map.all {
            let reader = host.reader(partition)
            try reader.scan(prefix: reader.keys.roomByIDPrefix) { key, _ in
                sight.rooms.append(
                    String(decoding: key[reader.keys.roomByIDPrefix.count...], as: UTF8.self)
                )
                return true
            }
            sight.published += try reader.publicRooms()
        }
        for roomID in sight.rooms {
            let reader = host.home(of: roomID)
            guard let room = try reader.room(roomID), let head = try reader.head(room) else {
                continue
            }
            sight.joined += head.joined
            sight.invited += head.invited
            try reader.timeline(of: room, from: .zero, to: .end, reverse: false) {
                sight.types.append($0.event.type)
                return true
            }
        }
        for user in [alice, bob] {
            for (roomID, row) in try host.home(of: user).memberships(user) {
                sight.memberships.append(
                    "\(user) \(row.membership) after '\(row.previous)' \(roomID)"
                )
                sight.stripped += row.strippedState.map(\.type)
            }
        }
        if let row = try host.home(of: alias).alias(alias), row.isConfirmed {
            sight.alias = row.roomID
        }
        return sight
    }

    static func complete(_ roomID: String) -> Sight {
        Sight(
            rooms: [roomID],
            types: types,
            joined: 1,
            invited: 1,
            published: [roomID],
            memberships: ["\(alice) join after '' \(roomID)", "\(bob) invite after '' \(roomID)"],
            stripped: ["m.room.create", "m.room.join_rules", "m.room.name", "m.room.member"],
            alias: roomID
        )
    }
}
