import Gateway
import MatrixModel
import Testing

@Suite("Accounts")
struct AccountEndpointTests {
    private func register(
        _ server: TestServer,
        _ body: String,
        query: String = ""
    ) async throws -> TestResponse {
        try await server.ask("POST", "/_matrix/client/v3/register\(query)", body)
    }

    @Test("Registration asks first, and takes an answer with or without its session")
    func interactive() async throws {
        try await TestServer.run { server in
            let asked = try await register(
                server,
                #"{"username":"alice","password":"long-enough"}"#
            ).expect(401)
            #expect(asked["flows"] == [["stages": ["m.login.dummy"]]])
            let session = try #require(asked["session"]?.string)
            try await register(
                server,
                #"""
                {"username":"alice","password":"long-enough","inhibit_login":true,
                "auth":{"type":"m.login.dummy","session":"\#(session)"}}
                """#
            ).expect(200)
            try await register(
                server,
                #"{"username":"alice","password":"long-enough"}"#
            ).expect(400, "M_USER_IN_USE")
            try await register(
                server,
                #"{"username":"bob","password":"long-enough","auth":{"type":"m.login.dummy","session":"x"}}"#
            ).expect(401)
            try await register(
                server,
                #"{"username":"UPPER","password":"long-enough","auth":{"type":"m.login.dummy"}}"#
            ).expect(400, "M_INVALID_USERNAME")
            try await register(
                server,
                #"{"username":"bob","password":"short","auth":{"type":"m.login.dummy"}}"#
            ).expect(400, "M_WEAK_PASSWORD")
            try await register(server, "{}", query: "?kind=guest")
                .expect(403, "M_GUEST_ACCESS_FORBIDDEN")
            try await server.ask(
                "GET",
                "/_matrix/client/v3/register/available?username=alice"
            ).expect(400, "M_USER_IN_USE")
            try await server.ask(
                "GET",
                "/_matrix/client/v3/register/available?username=carol"
            ).expect(200)
        }
    }

    @Test("Registration by token wants the token; closed registration wants nothing")
    func tokenRegistration() async throws {
        try await TestServer.run {
            $0.registration = .token("tea")
        } _: { server in
            let asked = try await register(
                server,
                #"{"username":"alice","password":"long-enough"}"#
            ).expect(401)
            #expect(asked["flows"] == [["stages": ["m.login.registration_token"]]])
            let auth = #"{"type":"m.login.registration_token","token":"#
            try await register(
                server,
                #"{"username":"alice","password":"long-enough","auth":\#(auth)"no"}}"#
            ).expect(401, "M_UNAUTHORIZED")
            try await register(
                server,
                #"{"username":"alice","password":"long-enough","auth":\#(auth)"tea"}}"#
            ).expect(200)
            let path = "/_matrix/client/v1/register/m.login.registration_token/validity?token="
            #expect(try await server.ask("GET", path + "tea").expect(200)["valid"] == true)
            #expect(try await server.ask("GET", path + "no").expect(200)["valid"] == false)
        }
        try await TestServer.run {
            $0.registration = .closed
        } _: { server in
            try await register(
                server,
                #"{"username":"alice","password":"long-enough","auth":{"type":"m.login.dummy"}}"#
            ).expect(403, "M_FORBIDDEN")
        }
    }

    @Test("A new password logs the other devices out")
    func changePassword() async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            func login(_ password: String) async throws -> TestResponse {
                try await server.ask(
                    "POST",
                    "/_matrix/client/r0/login",
                    #"{"type":"m.login.password","user":"@alice:test.example","password":"\#(password)"}"#
                )
            }
            let other = TestUser(
                server: server,
                id: alice.id,
                token: try await login("secret-alice").expect(200)["access_token"]?.string ?? ""
            )
            let asked = try await alice.ask(
                "POST",
                "/account/password",
                #"{"new_password":"another-one"}"#
            ).expect(401)
            let session = asked["session"]?.string ?? ""
            func auth(_ password: String) -> String {
                #"""
                {"type":"m.login.password","session":"\#(session)","password":"\#(password)",
                "identifier":{"type":"m.id.user","user":"alice"}}
                """#
            }
            try await alice.ask(
                "POST",
                "/account/password",
                #"{"new_password":"another-one","auth":\#(auth("wrong"))}"#
            ).expect(401, "M_FORBIDDEN")
            try await alice.post(
                "/account/password",
                #"{"new_password":"another-one","auth":\#(auth("secret-alice"))}"#
            )
            _ = try await alice.get("/account/whoami")
            try await other.ask("GET", "/account/whoami").expect(401, "M_UNKNOWN_TOKEN")
            try await login("secret-alice").expect(403, "M_FORBIDDEN")
            try await login("another-one").expect(200)
        }
    }

    @Test(
        "A deactivated account is out of its rooms and cannot come back",
        arguments: [true, false]
    )
    func deactivate(erase: Bool) async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            let bob = try await server.user("bob")
            let room = try await alice.createRoom(#"{"preset":"public_chat"}"#)
            try await bob.post("/join/\(room)")
            try await bob.say("hello", in: room)
            try await bob.post(
                "/account/deactivate",
                #"""
                {"erase":\#(erase),"auth":{"type":"m.login.password","password":"secret-bob",
                "identifier":{"type":"m.id.user","user":"\#(bob.id)"}}}
                """#
            )
            try await bob.ask("GET", "/account/whoami").expect(401, "M_UNKNOWN_TOKEN")
            try await server.ask(
                "POST",
                "/_matrix/client/v3/login",
                #"{"type":"m.login.password","user":"bob","password":"secret-bob"}"#
            ).expect(403)
            let member = try await alice.get("/rooms/\(room)/state/m.room.member/\(bob.id)")
            #expect(member["membership"] == "leave")
            let page = try await alice.get("/rooms/\(room)/messages?dir=b")
            let said = page["chunk"]?.elements?.first { $0["type"]?.string == "m.room.message" }
            #expect((said?["content"]?["body"] == nil) == erase)
        }
    }

    @Test("Devices are listed, renamed and deleted with the password")
    func devices() async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            let login = try await server.ask(
                "POST",
                "/_matrix/client/v3/login",
                #"{"type":"m.login.password","user":"alice","password":"secret-alice","device_id":"POT"}"#
            ).expect(200)
            #expect(login["device_id"] == "POT")
            try await alice.put("/devices/POT", #"{"display_name":"Kettle"}"#)
            #expect(try await alice.get("/devices/POT")["display_name"] == "Kettle")
            #expect(try await alice.get("/devices")["devices"]?.elements?.count == 2)
            let asked = try await alice.ask("POST", "/delete_devices", #"{"devices":["POT"]}"#)
                .expect(401)
            let session = asked["session"]?.string ?? ""
            try await alice.post(
                "/delete_devices",
                #"""
                {"devices":["POT"],"auth":{"type":"m.login.password","session":"\#(session)",
                "user":"alice","password":"secret-alice"}}
                """#
            )
            try await alice.ask("GET", "/devices/POT").expect(404, "M_NOT_FOUND")
            try await alice.ask("PUT", "/devices/POT", #"{"display_name":"x"}"#)
                .expect(404, "M_NOT_FOUND")
        }
    }

    @Test("A login token logs in once")
    func loginToken() async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            let path = "/_matrix/client/v1/login/get_token"
            try await server.ask("POST", path, token: alice.token).expect(401)
            let answer = try await server.ask(
                "POST",
                path,
                #"{"auth":{"type":"m.login.password","user":"alice","password":"secret-alice"}}"#,
                token: alice.token
            ).expect(200)
            let token = try #require(answer["login_token"]?.string)
            let login = #"{"type":"m.login.token","token":"\#(token)"}"#
            let first = try await server.ask("POST", "/_matrix/client/v3/login", login).expect(200)
            #expect(first["user_id"]?.string == alice.id)
            try await server.ask("POST", "/_matrix/client/v3/login", login)
                .expect(403, "M_FORBIDDEN")
        }
    }

    @Test("Wrong passwords run out, and the answer says for how long")
    func rateLimit() async throws {
        try await TestServer.run {
            $0.rates.failedLogin = GatewaySettings.Rate(perSecond: 0.001, burst: 3)
        } _: { server in
            _ = try await server.user("alice")
            for expected in [403, 403, 403, 429] {
                let answer = try await server.ask(
                    "POST",
                    "/_matrix/client/v3/login",
                    #"{"type":"m.login.password","user":"alice","password":"wrong"}"#
                )
                answer.expect(expected)
                guard expected == 429 else { continue }
                #expect(answer.errorCode == "M_LIMIT_EXCEEDED")
                #expect(answer.head.contains("Retry-After: "))
                #expect(answer.json["retry_after_ms"]?.integer ?? 0 > 0)
            }
        }
    }

    @Test("A profile is shown, changed, and reaches the rooms")
    func profile() async throws {
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            let room = try await alice.createRoom()
            #expect(try await alice.get("/profile/\(alice.id)")["displayname"] == "alice")
            try await alice.put("/profile/\(alice.id)/displayname", #"{"displayname":"Al"}"#)
            try await alice.put("/profile/\(alice.id)/avatar_url", #"{"avatar_url":"mxc://a/b"}"#)
            #expect(
                try await alice.get("/profile/%40alice%3Atest.example")
                    == ["avatar_url": "mxc://a/b", "displayname": "Al"]
            )
            #expect(
                try await alice.get("/profile/\(alice.id)/displayname") == ["displayname": "Al"]
            )
            let member = try await alice.get("/rooms/\(room)/state/m.room.member/\(alice.id)")
            #expect(member["displayname"] == "Al")
            try await alice.ask("GET", "/profile/@nobody:test.example").expect(404, "M_NOT_FOUND")
            try await alice.ask("GET", "/profile/\(alice.id)/other").expect(404, "M_NOT_FOUND")
            try await alice.ask("PUT", "/profile/@bob:test.example/displayname", "{}")
                .expect(403, "M_FORBIDDEN")
        }
    }
}
