import Encryption
import Identity
import Primitives
import Testing

@Suite("Tokens")
struct TokenTests {
    @Test("A token says which partition to ask", arguments: [1, 9, 61, 62, 64, 3_843, 4_095])
    func partition(raw: Int) {
        let partition = PartitionID(UInt16(raw))
        let token = AccessToken.mint(.access, partition, secret: randomBytes(32))
        #expect(AccessToken.partition(of: token) == partition)
        #expect(AccessToken.partition(of: token, .login) == nil)
    }

    @Test(
        "What is no token is told at once",
        arguments: [
            "", "wbt", "wbt__", "wbt_1_", "wbt_1_short",
            "syt_1_" + String(repeating: "A", count: 43),
            "wbt_zzzz_" + String(repeating: "A", count: 43),
            "wbt_zzz_" + String(repeating: "A", count: 43),
            "wbt_1_" + String(repeating: "!", count: 43),
            "wbt_é_" + String(repeating: "A", count: 43),
        ]
    )
    func malformed(text: String) {
        #expect(AccessToken.partition(of: text) == nil)
    }

    @Test("An interactive session holds for its purpose, its user and half an hour")
    func interactive() {
        let sessions = InteractiveSessions(key: SecretKey([UInt8](repeating: 1, count: 32)))
        let other = InteractiveSessions(key: SecretKey([UInt8](repeating: 2, count: 32)))
        let text = sessions.begin("password", subject: "@a:b", now: 1_000, nonce: randomBytes(8))
        func holds(
            _ sessions: InteractiveSessions,
            _ text: String,
            _ purpose: String,
            _ subject: String,
            _ now: UInt64
        ) -> Bool {
            sessions.isValid(text, purpose, subject: subject, now: now)
        }
        #expect(holds(sessions, text, "password", "@a:b", 1_000))
        #expect(holds(sessions, text, "password", "@a:b", 1_000 + InteractiveSessions.lifetime))
        #expect(!holds(sessions, text, "password", "@a:b", 1_001 + InteractiveSessions.lifetime))
        #expect(!holds(sessions, text, "deactivate", "@a:b", 1_000))
        #expect(!holds(sessions, text, "password", "@c:d", 1_000))
        #expect(!holds(other, text, "password", "@a:b", 1_000))
        #expect(!holds(sessions, "", "password", "@a:b", 1_000))
        #expect(!holds(sessions, String(text.dropLast()), "password", "@a:b", 1_000))
    }

    private func session(_ user: String, _ device: String) -> Session {
        Session(
            userID: user,
            deviceID: device,
            keyID: 1,
            isAdministrator: false,
            partition: PartitionID(1)
        )
    }

    @Test("A removed device is forgotten, also when it is remembered too late")
    func cache() {
        let cache = SessionCache(sessionsMax: 8)
        let mac = Digest(of: [1])
        let before = cache.generation
        cache.insert(session("@a:b", "ONE"), for: mac, generation: before)
        cache.insert(session("@a:b", "TWO"), for: Digest(of: [2]), generation: before)
        #expect(cache.session(of: mac)?.deviceID == "ONE")
        cache.remove("@a:b", devices: ["ONE"])
        #expect(cache.session(of: mac) == nil)
        #expect(cache.session(of: Digest(of: [2])) != nil)
        cache.insert(session("@a:b", "ONE"), for: mac, generation: before)
        #expect(cache.session(of: mac) == nil)
        cache.remove("@a:b")
        #expect(cache.count == 0)
    }

    @Test("The cache keeps what is used and stays within its bound")
    func bounded() {
        let cache = SessionCache(sessionsMax: 8)
        let used = Digest(of: [0])
        cache.insert(session("@used:b", "D"), for: used, generation: 0)
        for byte in 1..<UInt8.max {
            cache.insert(session("@u\(byte):b", "D"), for: Digest(of: [byte]), generation: 0)
            #expect(cache.session(of: used) != nil)
            #expect(cache.count <= 9)
        }
    }
}
