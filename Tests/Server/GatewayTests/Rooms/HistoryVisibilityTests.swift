import Gateway
import MatrixModel
import Testing

/// Setting × membership then × membership now × endpoint, through HTTP.
@Suite("Who may read what")
struct HistoryVisibilityTests {
    typealias Row = VisibilityTable.Row

    /// The people of all rows, and a room for each.
    private struct House: Sendable {
        let alice: TestUser
        let bob: TestUser
        let carol: TestUser
    }

    /// A room as one row describes it, at its end.
    private struct Room: Sendable {
        let id: String
        let event: String
        let last: String
    }

    private func house(_ server: TestServer) async throws -> House {
        try await House(
            alice: server.user("alice"),
            bob: server.user("bob"),
            carol: server.user("carol")
        )
    }

    private func take(_ steps: [VisibilityTable.Step], _ room: String, _ house: House) async throws
    {
        let him = #"{"user_id":"\#(house.bob.id)"}"#
        for step in steps {
            switch step {
            case .invite: try await house.alice.post("/rooms/\(room)/invite", him)
            case .join: try await house.bob.post("/rooms/\(room)/join")
            case .leave: try await house.bob.post("/rooms/\(room)/leave")
            case .kick: try await house.alice.post("/rooms/\(room)/kick", him)
            case .ban: try await house.alice.post("/rooms/\(room)/ban", him)
            case .unban: try await house.alice.post("/rooms/\(room)/unban", him)
            }
        }
    }

    private func play(_ row: Row, _ house: House) async throws -> Room {
        let id = try await house.alice.createRoom(
            #"""
            {"preset":"public_chat","topic":"0","initial_state":[{"type":"m.room.history_visibility",
            "state_key":"","content":{"history_visibility":"\#(row.setting)"}}]}
            """#
        )
        try await take(row.before, id, house)
        let event = try await house.alice.say("then", in: id, transaction: "then")
        try await house.alice.put("/rooms/\(id)/state/m.room.topic", #"{"topic":"1"}"#)
        try await take(row.after, id, house)
        try await house.alice.put("/rooms/\(id)/state/m.room.topic", #"{"topic":"2"}"#)
        try await house.carol.post("/rooms/\(id)/join")
        let last = try await house.alice.say("last", in: id, transaction: "last")
        return Room(id: id, event: event, last: last)
    }

    @Test(
        "Every endpoint shows what the table says and no more",
        arguments: VisibilityTable.settings
    )
    func table(setting: String) async throws {
        let rows = VisibilityTable.rows(setting)
        #expect(rows.count == 33)
        try await TestServer.run { settings in
            settings.deadlineMilliseconds = 10_000
        } _: { server in
            let house = try await house(server)
            for row in rows {
                let room = try await play(row, house)
                try await checkEvents(row, room, house.bob)
                try await checkPages(row, room, house.bob)
                try await checkState(row, room, house)
                try await checkSync(row, room, house.bob)
            }
        }
    }

    // MARK: Endpoints

    private func checkEvents(_ row: Row, _ room: Room, _ bob: TestUser) async throws {
        for (id, isShown) in [(room.event, row.showsEvent), (room.last, row.showsLast)] {
            let event = try await bob.ask("GET", "/rooms/\(room.id)/event/\(id)")
            #expect(event.status == (isShown ? 200 : 404), "\(row): event, \(event.text)")
            let context = try await bob.ask("GET", "/rooms/\(room.id)/context/\(id)?limit=100")
            #expect(context.status == (isShown ? 200 : 404), "\(row): context, \(context.text)")
            guard isShown else { continue }
            #expect(event.json["content"]?["body"] != nil, "\(row)")
            let around =
                (context.json["events_before"]?.elements ?? [])
                + (context.json["events_after"]?.elements ?? [])
            let ids = Set(around.compactMap { $0["event_id"]?.string } + [id])
            #expect(ids.contains(room.event) == row.showsEvent, "\(row): around")
            #expect(ids.contains(room.last) == row.showsLast, "\(row): around")
        }
    }

    private func checkPages(_ row: Row, _ room: Room, _ bob: TestUser) async throws {
        for direction in ["b", "f"] {
            let page = try await bob.ask(
                "GET",
                "/rooms/\(room.id)/messages?dir=\(direction)&limit=100"
            )
            #expect(page.status == (row.mayAsk ? 200 : 403), "\(row): messages, \(page.text)")
            guard row.mayAsk else { continue }
            let events = page.json["chunk"]?.elements ?? []
            let ids = events.compactMap { $0["event_id"]?.string }
            #expect(ids.contains(room.event) == row.showsEvent, "\(row): messages")
            #expect(ids.contains(room.last) == row.showsLast, "\(row): messages")
            // Whoever is out sees how they went, and nothing after it.
            guard direction == "b", !row.isIn, !row.showsLast, row.setting != "world_readable",
                row.steps.suffix(2).first?.then == .joined
            else { continue }
            #expect(events.first?["state_key"]?.string == bob.id, "\(row): the end")
        }
    }

    private func checkState(_ row: Row, _ room: Room, _ house: House) async throws {
        let bob = house.bob
        let whole = try await bob.ask("GET", "/rooms/\(room.id)/state")
        #expect(whole.status == (row.mayAsk ? 200 : 403), "\(row): state, \(whole.text)")
        let topic = try await bob.ask("GET", "/rooms/\(room.id)/state/m.room.topic")
        #expect(topic.status == (row.mayAsk ? 200 : 403), "\(row): topic, \(topic.text)")
        let keyed = try await bob.ask(
            "GET",
            "/rooms/\(room.id)/state/m.room.member/\(house.carol.id)"
        )
        let members = try await bob.ask("GET", "/rooms/\(room.id)/members")
        #expect(members.status == (row.mayAsk ? 200 : 403), "\(row): members, \(members.text)")
        if row.mayAsk {
            let seen = whole.json.elements?.first { $0["type"]?.string == "m.room.topic" }
            #expect(seen?["content"]?["topic"]?.string == "\(row.topic)", "\(row): state")
            #expect(topic.json["topic"]?.string == "\(row.topic)", "\(row): topic")
            let names = members.json["chunk"]?.elements?.compactMap { $0["state_key"]?.string }
            #expect(names?.contains(house.carol.id) == (row.topic == 2), "\(row): members")
            #expect(keyed.status == (row.topic == 2 ? 200 : 404), "\(row): a member")
        } else {
            #expect(keyed.status == 403, "\(row): a member")
        }
        let joined = try await bob.ask("GET", "/rooms/\(room.id)/joined_members")
        #expect(joined.status == (row.isIn ? 200 : 403), "\(row): joined members")
    }

    private func checkSync(_ row: Row, _ room: Room, _ bob: TestUser) async throws {
        let filter =
            #"{"room":{"rooms":["\#(room.id)"],"include_leave":true,"timeline":{"limit":100}}}"#
        let id = try #require(
            try await bob.post("/user/\(bob.id)/filter", filter)["filter_id"]?.string
        )
        let rooms = try await bob.get("/sync?filter=\(id)")["rooms"]
        let joined = rooms?["join"]?[room.id]
        let left = rooms?["leave"]?[room.id]
        #expect((joined != nil) == row.isIn, "\(row): sync")
        #expect((rooms?["invite"]?[room.id] != nil) == (row.membership == .invited), "\(row): sync")
        let isOut = row.membership == .left || row.membership == .banned
        if row.wasEverIn { #expect((left != nil) == isOut, "\(row): sync") }
        guard let section = joined ?? left else { return }
        let events = section["timeline"]?["events"]?.elements ?? []
        let ids = events.compactMap { $0["event_id"]?.string }
        let isInTime = row.isIn || row.wasEverIn && row.leavesAfterEvent
        #expect(ids.contains(room.event) == (row.showsEvent && isInTime), "\(row): sync")
        #expect(ids.contains(room.last) == row.isIn, "\(row): sync")
    }

    // MARK: What the table leaves out

    @Test("An event is judged by the setting it was sent under")
    func judgedAtTheEvent() async throws {
        try await TestServer.run { server in
            let house = try await house(server)
            let room = try await house.alice.createRoom(#"{"preset":"public_chat"}"#)
            var shown: [String] = []
            var topics: [String] = []
            for setting in ["joined", "shared", "invited", "world_readable", "joined"] {
                try await house.alice.put(
                    "/rooms/\(room)/state/m.room.history_visibility",
                    #"{"history_visibility":"\#(setting)"}"#
                )
                let event = try await house.alice.say(
                    setting,
                    in: room,
                    transaction: "t\(shown.count) \(setting)".replacing(" ", with: "-")
                )
                if VisibilityTable.shows(setting, .never, joinsLater: true) { shown.append(event) }
                let topic = try await house.alice.put(
                    "/rooms/\(room)/state/m.room.topic",
                    #"{"topic":"\#(setting)"}"#
                )
                topics.append(topic["event_id"]?.string ?? "")
            }
            try await house.bob.post("/rooms/\(room)/join")
            let page = try await house.bob.get("/rooms/\(room)/messages?dir=f&limit=100")
            let seen = page["chunk"]?.elements?.filter { $0["type"]?.string == "m.room.message" }
            #expect(seen?.compactMap { $0["event_id"]?.string } == shown)
            // A world-readable moment is readable for who never came in, even afterwards.
            let open = try #require(shown.last)
            #expect(
                try await house.carol.ask("GET", "/rooms/\(room)/event/\(open)").status == 200
            )
            try await house.carol.ask("GET", "/rooms/\(room)/messages").expect(403, "M_FORBIDDEN")
            // What it replaced was said to the invited only.
            let topic = try await house.carol.get("/rooms/\(room)/event/\(topics[3])")
            #expect(topic["content"]?["topic"] == "world_readable")
            #expect(topic["unsigned"]?["prev_content"] == nil)
            #expect(topic["unsigned"]?["replaces_state"] == nil)
        }
    }

    @Test("Nobody reads without an account, and guests get none")
    func guests() async throws {
        try await TestServer.run { server in
            let house = try await house(server)
            let room = try await house.alice.createRoom(
                #"""
                {"preset":"public_chat","initial_state":[{"type":"m.room.history_visibility",
                "state_key":"","content":{"history_visibility":"world_readable"}},
                {"type":"m.room.guest_access","state_key":"","content":{"guest_access":"can_join"}}]}
                """#
            )
            let event = try await house.alice.say("open", in: room)
            let paths = [
                "event/\(event)", "context/\(event)", "messages", "state", "state/m.room.topic",
                "members", "joined_members",
            ]
            for path in paths {
                try await server.ask("GET", "/_matrix/client/v3/rooms/\(room)/\(path)")
                    .expect(401, "M_MISSING_TOKEN")
            }
            try await server.ask("POST", "/_matrix/client/v3/register?kind=guest", "{}")
                .expect(403, "M_GUEST_ACCESS_FORBIDDEN")
        }
    }
}
