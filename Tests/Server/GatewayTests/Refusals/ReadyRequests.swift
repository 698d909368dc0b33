import HTTPService
import MatrixModel
import Testing

/// People and a room of their own for one request, so that no request spoils another's ground.
struct Scene: Sendable {
    let server: TestServer
    /// Sends the request, unless it says otherwise. Made the room.
    let alice: TestUser
    /// Not in the room.
    let bob: TestUser
    /// Public.
    let room: String
    let number: Int

    init(_ server: TestServer, number: Int) async throws {
        self.server = server
        self.number = number
        alice = try await server.user("alice\(number)")
        bob = try await server.user("bob\(number)")
        room = try await alice.createRoom(#"{"preset":"public_chat"}"#)
    }

    var him: String { #"{"user_id":"\#(bob.id)"}"# }

    /// Proves that it is the caller, where that is asked for.
    func auth(_ user: TestUser) -> String {
        let name = user.id.dropFirst().prefix { $0 != ":" }
        let login =
            #""type":"m.login.password","identifier":{"type":"m.id.user","user":"\#(name)"}"#
        return #""auth":{\#(login),"password":"secret-\#(name)"}"#
    }

    func device(of user: TestUser) async throws -> String {
        try await user.get("/account/whoami")["device_id"]?.string ?? ""
    }

    /// A second device of the caller.
    func login() async throws -> String {
        let name = alice.id.dropFirst().prefix { $0 != ":" }
        return try await server.ask(
            "POST",
            "/_matrix/client/v3/login",
            #"{"type":"m.login.password","user":"\#(name)","password":"secret-\#(name)"}"#
        ).expect(200)["device_id"]?.string ?? ""
    }
}

/// A request that works on a server that takes commands on, prepared as far as it can be.
struct ReadyRequest: Sendable {
    /// What stands in the places of the path.
    var places: [String: String] = [:]
    var body: String? = "{}"
    /// Nil: the scene's alice.
    var caller: TestUser?

    func path(_ template: String) -> String {
        places.reduce(template) { $0.replacing("{\($1.key)}", with: $1.value) }
    }
}

/// One prepared request for each endpoint that is no GET, by method and path below the prefix.
enum ReadyRequests {
    typealias Make = @Sendable (Scene) async throws -> ReadyRequest

    static let all: [String: Make] =
        sessions.merging(accounts, uniquingKeysWith: twice)
        .merging(rooms, uniquingKeysWith: twice)
        .merging(timelines, uniquingKeysWith: twice)
        .merging(directory, uniquingKeysWith: twice)
        .merging(userData, uniquingKeysWith: twice)

    private static func twice(_: Make, _: Make) -> Make { fatalError("one endpoint, one request") }

    /// Endpoints that change nothing that is kept, and why they may answer 200 all the same.
    static let unlogged: [String: String] = [
        "PUT /rooms/{roomId}/typing/{userId}": "typing lives in the feed and is promised to nobody",
        "PUT /presence/{userId}/status": "presence is taken and not kept",
        "POST /publicRooms": "a search: it reads",
    ]

    private static let sessions: [String: Make] = [
        "POST /login": { scene in
            let name = "alice\(scene.number)"
            return ReadyRequest(
                body: #"{"type":"m.login.password","user":"\#(name)","password":"secret-\#(name)"}"#
            )
        },
        "POST /login/get_token": { ReadyRequest(body: "{\($0.auth($0.alice))}") },
        "POST /logout": { _ in ReadyRequest() },
        "POST /logout/all": { _ in ReadyRequest() },
    ]

    private static let accounts: [String: Make] = [
        "POST /register": { scene in
            let auth = #""auth":{"type":"m.login.dummy"}"#
            return ReadyRequest(
                body: #"{"username":"new\#(scene.number)","password":"long-enough",\#(auth)}"#
            )
        },
        "POST /account/password": {
            ReadyRequest(body: #"{"new_password":"another-one",\#($0.auth($0.alice))}"#)
        },
        "POST /account/deactivate": { ReadyRequest(body: "{\($0.auth($0.alice))}") },
        "PUT /devices/{deviceId}": { scene in
            ReadyRequest(
                places: ["deviceId": try await scene.device(of: scene.alice)],
                body: #"{"display_name":"Pot"}"#
            )
        },
        "DELETE /devices/{deviceId}": { scene in
            ReadyRequest(
                places: ["deviceId": try await scene.login()],
                body: "{\(scene.auth(scene.alice))}"
            )
        },
        "POST /delete_devices": { scene in
            let device = try await scene.login()
            return ReadyRequest(body: #"{"devices":["\#(device)"],\#(scene.auth(scene.alice))}"#)
        },
        "PUT /profile/{userId}/displayname": {
            ReadyRequest(places: ["userId": $0.alice.id], body: #"{"displayname":"Other"}"#)
        },
        "PUT /profile/{userId}/avatar_url": {
            ReadyRequest(places: ["userId": $0.alice.id], body: #"{"avatar_url":"mxc://a/b"}"#)
        },
        "PUT /presence/{userId}/status": {
            ReadyRequest(places: ["userId": $0.alice.id], body: #"{"presence":"online"}"#)
        },
    ]

    private static let rooms: [String: Make] = [
        "POST /createRoom": { scene in
            ReadyRequest(
                body: #"{"room_alias_name":"new\#(scene.number)","invite":["\#(scene.bob.id)"]}"#
            )
        },
        "POST /join/{roomIdOrAlias}": {
            ReadyRequest(places: ["roomIdOrAlias": $0.room], caller: $0.bob)
        },
        "POST /rooms/{roomId}/join": { ReadyRequest(places: ["roomId": $0.room], caller: $0.bob) },
        "POST /rooms/{roomId}/leave": { ReadyRequest(places: ["roomId": $0.room]) },
        "POST /rooms/{roomId}/invite": {
            ReadyRequest(places: ["roomId": $0.room], body: $0.him)
        },
        "POST /rooms/{roomId}/kick": { scene in
            try await scene.bob.post("/join/\(scene.room)")
            return ReadyRequest(places: ["roomId": scene.room], body: scene.him)
        },
        "POST /rooms/{roomId}/ban": { ReadyRequest(places: ["roomId": $0.room], body: $0.him) },
        "POST /rooms/{roomId}/unban": { scene in
            try await scene.alice.post("/rooms/\(scene.room)/ban", scene.him)
            return ReadyRequest(places: ["roomId": scene.room], body: scene.him)
        },
        "POST /knock/{roomIdOrAlias}": { scene in
            try await scene.alice.put(
                "/rooms/\(scene.room)/state/m.room.join_rules",
                #"{"join_rule":"knock"}"#
            )
            return ReadyRequest(places: ["roomIdOrAlias": scene.room], caller: scene.bob)
        },
        "POST /rooms/{roomId}/forget": { scene in
            try await scene.alice.post("/rooms/\(scene.room)/leave")
            return ReadyRequest(places: ["roomId": scene.room])
        },
    ]

    private static let timelines: [String: Make] = [
        "PUT /rooms/{roomId}/send/{eventType}/{txnId}": {
            ReadyRequest(
                places: ["roomId": $0.room, "eventType": "m.room.message", "txnId": "t"],
                body: #"{"msgtype":"m.text","body":"hello"}"#
            )
        },
        "PUT /rooms/{roomId}/redact/{eventId}/{txnId}": { scene in
            let event = try await scene.alice.say("regret", in: scene.room)
            return ReadyRequest(places: ["roomId": scene.room, "eventId": event, "txnId": "r"])
        },
        "PUT /rooms/{roomId}/state/{eventType}": {
            ReadyRequest(
                places: ["roomId": $0.room, "eventType": "m.room.topic"],
                body: #"{"topic":"tea"}"#
            )
        },
        "PUT /rooms/{roomId}/state/{eventType}/{stateKey}": {
            ReadyRequest(
                places: ["roomId": $0.room, "eventType": "org.x", "stateKey": "k"],
                body: #"{"a":1}"#
            )
        },
        "PUT /rooms/{roomId}/typing/{userId}": {
            ReadyRequest(
                places: ["roomId": $0.room, "userId": $0.alice.id],
                body: #"{"typing":true,"timeout":1000}"#
            )
        },
        "POST /rooms/{roomId}/receipt/{receiptType}/{eventId}": { scene in
            let event = try await scene.alice.say("read", in: scene.room)
            return ReadyRequest(
                places: ["roomId": scene.room, "receiptType": "m.read", "eventId": event]
            )
        },
        "POST /rooms/{roomId}/read_markers": { scene in
            let event = try await scene.alice.say("read", in: scene.room)
            return ReadyRequest(
                places: ["roomId": scene.room],
                body: #"{"m.fully_read":"\#(event)","m.read":"\#(event)"}"#
            )
        },
    ]

    private static let directory: [String: Make] = [
        "PUT /directory/room/{roomAlias}": { scene in
            ReadyRequest(
                places: ["roomAlias": "%23put\(scene.number):\(TestServer.name)"],
                body: #"{"room_id":"\#(scene.room)"}"#
            )
        },
        "DELETE /directory/room/{roomAlias}": { scene in
            let alias = "%23gone\(scene.number):\(TestServer.name)"
            try await scene.alice.put(
                "/directory/room/\(alias)",
                #"{"room_id":"\#(scene.room)"}"#
            )
            return ReadyRequest(places: ["roomAlias": alias], body: nil)
        },
        "PUT /directory/list/room/{roomId}": {
            ReadyRequest(places: ["roomId": $0.room], body: #"{"visibility":"public"}"#)
        },
        "POST /publicRooms": { _ in ReadyRequest() },
    ]

    private static let userData: [String: Make] = [
        "PUT /user/{userId}/account_data/{type}": {
            ReadyRequest(places: ["userId": $0.alice.id, "type": "m.direct"], body: #"{"a":1}"#)
        },
        "PUT /user/{userId}/rooms/{roomId}/account_data/{type}": {
            ReadyRequest(
                places: ["userId": $0.alice.id, "roomId": $0.room, "type": "org.x"],
                body: #"{"a":1}"#
            )
        },
        "PUT /user/{userId}/rooms/{roomId}/tags/{tag}": {
            ReadyRequest(places: ["userId": $0.alice.id, "roomId": $0.room, "tag": "u.x"])
        },
        "DELETE /user/{userId}/rooms/{roomId}/tags/{tag}": { scene in
            let path = "/user/\(scene.alice.id)/rooms/\(scene.room)/tags/u.x"
            try await scene.alice.put(path, "{}")
            return ReadyRequest(
                places: ["userId": scene.alice.id, "roomId": scene.room, "tag": "u.x"],
                body: nil
            )
        },
        "POST /user/{userId}/filter": {
            ReadyRequest(
                places: ["userId": $0.alice.id],
                body: #"{"room":{"timeline":{"limit":7}}}"#
            )
        },
        "PUT /pushrules/global/{kind}/{ruleId}": { _ in
            ReadyRequest(
                places: ["kind": "content", "ruleId": "tea"],
                body: #"{"pattern":"tea","actions":["notify"]}"#
            )
        },
        "DELETE /pushrules/global/{kind}/{ruleId}": { scene in
            try await scene.alice.put(
                "/pushrules/global/content/tea",
                #"{"pattern":"tea","actions":["notify"]}"#
            )
            return ReadyRequest(places: ["kind": "content", "ruleId": "tea"], body: nil)
        },
        "PUT /pushrules/global/{kind}/{ruleId}/enabled": { _ in
            ReadyRequest(
                places: ["kind": "override", "ruleId": ".m.rule.master"],
                body: #"{"enabled":true}"#
            )
        },
        "PUT /pushrules/global/{kind}/{ruleId}/actions": { _ in
            ReadyRequest(
                places: ["kind": "override", "ruleId": ".m.rule.master"],
                body: #"{"actions":["notify"]}"#
            )
        },
    ]
}
