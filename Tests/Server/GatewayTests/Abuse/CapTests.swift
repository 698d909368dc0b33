import Gateway
import Homeserver
import MatrixModel
import Testing

/// What one user may make the server keep, hold or do has an end.
@Suite("Caps")
struct CapTests {
    private func text(_ count: Int) -> String { String(repeating: "a", count: count) }

    @Test("Account data ends at 8 MiB; what is there may shrink, and others are not concerned")
    func accountData() async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            let bob = try await server.user("bob")
            let path = "/user/\(alice.id)/account_data/"
            let item = #"{"x":"\#(text(65_000))"}"#
            var count = 0
            while true {
                let answer = try await alice.ask("PUT", path + "item\(count)", item)
                if answer.status != 200 {
                    answer.expect(403, "M_USER_LIMIT_EXCEEDED")
                    #expect(answer.json["info_uri"]?.string != nil)
                    break
                }
                count += 1
                try #require(count < 200)
            }
            #expect((120...130).contains(count))
            try await alice.put(path + "item0", item)
            try await alice.put(path + "item0", "{}")
            try await alice.put(path + "small", "{}")
            try await bob.put("/user/\(bob.id)/account_data/item", item)
            try await alice.get("/sync?timeout=0")
        }
    }

    @Test("A room's state ends at 8 MiB; what is there may be replaced by less")
    func roomState() async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            let room = try await alice.createRoom()
            let content = #"{"x":"\#(text(60_000))"}"#
            var count = 0
            while true {
                let answer = try await alice.ask("PUT", "/rooms/\(room)/state/x/\(count)", content)
                if answer.status != 200 {
                    answer.expect(413, "M_TOO_LARGE")
                    break
                }
                count += 1
                try #require(count < 200)
            }
            #expect((135...140).contains(count))
            try await alice.put("/rooms/\(room)/state/x/0", "{}")
            try await alice.put("/rooms/\(room)/state/x/last", content)
            try await alice.say("still here", in: room)
        }
    }

    @Test("A room has 5,000 state events, members apart")
    func stateEntries() {
        func event(_ type: String, _ key: String) -> StoredEvent {
            StoredEvent(
                eventID: "$\(key)",
                type: type,
                stateKey: key,
                sender: "@alice:test.example",
                originServerTimestamp: 0,
                depth: 1,
                previousEvents: [],
                authEvents: [],
                contentHash: [],
                signature: [],
                signingKeyID: "",
                clear: Array("{}".utf8),
                senderSealed: [],
                senderKeyID: 0,
                contentSize: 2
            )
        }
        var head = RoomHead(roomID: "!a:test.example", version: .v11, keyID: 1)
        for number in 0..<RoomHead.stateEntriesMax {
            #expect(head.stateRefusal("x", "\(number)", bytes: 2) == nil)
            head.advance(event("x", "\(number)"))
            head.advance(event("m.room.member", "@\(number):test.example"))
        }
        #expect(head.stateRefusal("x", "one more", bytes: 2)?.code == .tooLarge)
        #expect(head.stateRefusal("x", "0", bytes: 100) == nil)
        #expect(head.stateRefusal("m.room.member", "@new:test.example", bytes: 2) == nil)
    }

    @Test("A member event has 8 KiB of content", arguments: [8_192, 8_193])
    func memberEvents(count: Int) async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            let room = try await alice.createRoom()
            let frame = #"{"membership":"join","x":""}"#.utf8.count
            let content = #"{"membership":"join","x":"\#(text(count - frame))"}"#
            try await alice.ask("PUT", "/rooms/\(room)/state/m.room.member/\(alice.id)", content)
                .expect(count <= 8_192 ? 200 : 413)
        }
    }

    @Test("Invitations carry no copy of a topic that is longer than any that is meant to be read")
    func strippedState() async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            let bob = try await server.user("bob")
            let room = try await alice.createRoom(#"{"name":"Tea","topic":"\#(text(60_000))"}"#)
            try await alice.post("/rooms/\(room)/invite", #"{"user_id":"\#(bob.id)"}"#)
            let answer = try await bob.ask("GET", "/sync?timeout=0")
            let state = answer.expect(200)["rooms"]?["invite"]?[room]?["invite_state"]
            let types = state?["events"]?.elements?.compactMap { $0["type"]?.string } ?? []
            #expect(types.contains("m.room.name"))
            #expect(!types.contains("m.room.topic"))
            #expect(answer.body.count < 10_000)
        }
    }

    @Test("Pages of large events end at 2 MiB, and the next ones bring the rest")
    func pages() async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            let room = try await alice.createRoom()
            let body = text(60_000)
            for number in 0..<80 {
                try await alice.say(body, in: room, transaction: "\(number)")
            }
            var events: [String] = []
            var from: String?
            repeat {
                let answer = try await alice.ask(
                    "GET",
                    "/rooms/\(room)/messages?dir=b&limit=1000" + (from.map { "&from=\($0)" } ?? "")
                )
                let page = answer.expect(200)
                #expect(answer.body.count < 2_300_000)
                let chunk = page["chunk"]?.elements ?? []
                events += chunk.filter { $0["type"]?.string == "m.room.message" }
                    .compactMap { $0["event_id"]?.string }
                from = page["end"]?.string
            } while from != nil
            #expect(events.count == 80)
            #expect(Set(events).count == 80)

            let filter = "%7B%22room%22:%7B%22timeline%22:%7B%22limit%22:1000%7D%7D%7D"
            let answer = try await alice.ask("GET", "/sync?timeout=0&filter=\(filter)")
            let timeline = answer.expect(200)["rooms"]?["join"]?[room]?["timeline"]
            #expect(answer.body.count < 2_300_000)
            #expect(timeline?["limited"]?.bool == true)
        }
    }

    @Test("Rooms and invitations may be set to none in a day")
    func none() async throws {
        try await TestServer.run({
            $0.rates.roomsPerDay = .init(perSecond: 0, burst: 0)
            $0.rates.invitesPerDay = .init(perSecond: 0, burst: 0)
        }) { server in
            let alice = try await server.user("alice")
            let bob = try await server.user("bob")
            for _ in 0..<3 {
                try await alice.ask("POST", "/createRoom", "{}")
                    .expect(403, "M_USER_LIMIT_EXCEEDED")
                try await alice.ask(
                    "POST",
                    "/rooms/!any:test.example/invite",
                    #"{"user_id":"\#(bob.id)"}"#
                ).expect(403, "M_USER_LIMIT_EXCEEDED")
            }
        }
    }

    @Test("Push rules have 128 KiB together, and a rule's body 64 KiB")
    func pushRules() async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            let rule = "/pushrules/global/override/"
            try await alice.ask("PUT", rule + "big", #"{"actions":[],"x":"\#(text(65_600))"}"#)
                .expect(413, "M_TOO_LARGE")
            let condition =
                #"{"kind":"event_match","key":"content.body","pattern":"\#(text(250))"}"#
            let body =
                #"{"actions":[],"conditions":["#
                + Array(repeating: condition, count: 32).joined(separator: ",") + "]}"
            var count = 0
            while true {
                let answer = try await alice.ask("PUT", rule + "r\(count)", body)
                if answer.status != 200 {
                    answer.expect(403, "M_USER_LIMIT_EXCEEDED")
                    break
                }
                count += 1
                try #require(count < 100)
            }
            #expect((10...13).contains(count))
            try await alice.get("/sync?timeout=0")
        }
    }

    @Test("Tags have the size of other account data together")
    func tags() async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            let room = try await alice.createRoom()
            let tags = "/user/\(alice.id)/rooms/\(room)/tags/"
            let large = #"{"x":"\#(text(40_000))"}"#
            try await alice.put(tags + "a", large)
            try await alice.ask("PUT", tags + "b", large).expect(413, "M_TOO_LARGE")
            try await alice.put(tags + "b", "{}")
        }
    }

    @Test("Many rules over many long messages end before they hold up the server")
    func unreadWork() async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            let bob = try await server.user("bob")
            let room = try await alice.createRoom(#"{"preset":"public_chat"}"#)
            try await bob.post("/rooms/\(room)/join")
            for number in 0..<400 {
                try await bob.put(
                    "/pushrules/global/content/r\(number)",
                    #"{"actions":["notify"],"pattern":"nothing\#(number)"}"#
                )
            }
            for number in 0..<20 {
                try await alice.say(text(50_000), in: room, transaction: "\(number)")
            }
            try await alice.say("short", in: room, transaction: "last")
            let answer = try await bob.get("/sync?timeout=0")
            let unread = answer["rooms"]?["join"]?[room]?["unread_notifications"]
            let count = try #require(unread?["notification_count"]?.integer)
            // The newest count first, the rest not at all.
            #expect((1...5).contains(count))
        }
    }
}
