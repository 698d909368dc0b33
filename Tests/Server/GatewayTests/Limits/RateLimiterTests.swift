import Gateway
import Testing

@Suite("Rate limits")
struct RateLimiterTests {
    private func limiter(_ perSecond: Double, _ burst: Double, buckets: Int = 100) -> RateLimiter {
        var rates = GatewaySettings.Rates.lifted
        rates.message = GatewaySettings.Rate(perSecond: perSecond, burst: burst)
        return RateLimiter(rates, bucketsMax: buckets)
    }

    @Test("A bucket gives its burst, then says how long to wait, and fills again")
    func bucket() {
        let limiter = limiter(2, 3)
        for _ in 0..<3 { #expect(limiter.take(.message, "a", now: 1_000) == nil) }
        #expect(limiter.take(.message, "a", now: 1_000) == 500)
        #expect(limiter.take(.message, "b", now: 1_000) == nil)
        #expect(limiter.take(.message, "a", now: 1_250) == 250)
        #expect(limiter.take(.message, "a", now: 1_500) == nil)
        #expect(limiter.take(.message, "a", now: 1_000_000) == nil)
    }

    @Test("What is given back can be taken again, and never more than the burst")
    func givingBack() {
        let limiter = limiter(0.001, 2)
        limiter.giveBack(.message, "a")
        for _ in 0..<2 { #expect(limiter.take(.message, "a", now: 0) == nil) }
        #expect(limiter.take(.message, "a", now: 0) != nil)
        limiter.giveBack(.message, "a")
        #expect(limiter.take(.message, "a", now: 0) == nil)
        for _ in 0..<5 { limiter.giveBack(.message, "a") }
        for _ in 0..<2 { #expect(limiter.take(.message, "a", now: 0) == nil) }
        #expect(limiter.take(.message, "a", now: 0) != nil)
    }

    @Test("A clock that goes back gives nothing away and breaks nothing")
    func clock() {
        let limiter = limiter(1, 1)
        #expect(limiter.take(.message, "a", now: 10_000) == nil)
        #expect(limiter.take(.message, "a", now: 0) == 1_000)
        #expect(limiter.take(.message, "a", now: 11_000) == nil)
    }

    @Test("A cost above the burst is granted by a full bucket and paid back")
    func cost() {
        let limiter = limiter(1, 10)
        #expect(limiter.take(.message, "a", cost: 30, now: 0) == nil)
        #expect(limiter.take(.message, "a", now: 0) == 21_000)
    }

    @Test("Nothing comes of a burst of zero, and no wait is too long to tell")
    func never() {
        let none = limiter(0, 0)
        for now: UInt64 in [0, 1_000, 1_000_000_000] {
            for cost in [0.5, 1, 100] {
                #expect(none.take(.message, "a", cost: cost, now: now) ?? 0 > 0)
            }
        }
        for rate in [0, 1e-300, 1e-9] {
            let slow = limiter(rate, 1)
            #expect(slow.take(.message, "a", cost: 1e12, now: 0) == nil)
            #expect(slow.take(.message, "a", now: 1) ?? 0 > 86_400_000)
        }
    }

    @Test("Lifted limits limit nothing, and full buckets are forgotten")
    func lifted() {
        let limiter = limiter(1_000, 1, buckets: 10)
        for round in 0..<1_000 {
            #expect(limiter.take(.join, "a", now: 0) == nil)
            #expect(limiter.take(.message, "user \(round)", now: UInt64(round)) == nil)
        }
    }

    @Test("Names and avatars have a limit of their own, for each is an event in every room")
    func profiles() async throws {
        try await TestServer.run {
            $0.rates.profile = GatewaySettings.Rate(perSecond: 0.001, burst: 4)
        } _: { server in
            let alice = try await server.user("alice")
            var answers: [Int] = []
            for number in 0..<6 {
                let path = number % 2 == 0 ? "displayname" : "avatar_url"
                answers.append(
                    try await alice.ask(
                        "PUT",
                        "/profile/\(alice.id)/\(path)",
                        #"{"\#(path)":"mxc://test.example/\#(number)"}"#
                    ).status
                )
            }
            #expect(answers == [200, 200, 200, 200, 429, 429])
            _ = try await alice.get("/profile/\(alice.id)")
        }
    }

    @Test("Joining and inviting cost the same by a state event", arguments: ["join", "invite"])
    func memberEvents(membership: String) async throws {
        try await TestServer.run {
            let rate = GatewaySettings.Rate(perSecond: 0.001, burst: 4)
            if membership == "join" { $0.rates.join = rate } else { $0.rates.invite = rate }
        } _: { server in
            let alice = try await server.user("alice")
            let bob = try await server.user("bob")
            let room = try await alice.createRoom(#"{"preset":"public_chat"}"#)
            let (who, target) = membership == "join" ? (bob, bob) : (alice, bob)
            var answers: [Int] = []
            for _ in 0..<6 {
                answers.append(
                    try await who.ask(
                        "PUT",
                        "/rooms/\(room)/state/m.room.member/\(target.id)",
                        #"{"membership":"\#(membership)"}"#
                    ).status
                )
            }
            #expect(answers == [200, 200, 200, 200, 429, 429])
            try await bob.post("/rooms/\(room)/leave")
        }
    }
}
