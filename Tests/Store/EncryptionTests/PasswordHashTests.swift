import Encryption
import Testing

private let cheap = PasswordCost(passes: 2, memoryKiB: 256, lanes: 1)
private let salt = counting(from: 1, 16)
private let password = Array("correct horse".utf8)

@Suite("Passwords")
struct PasswordHashTests {
    @Test("Argon2id gives the value of the reference implementation's own test")
    func reference() {
        let tag = PasswordHash.rawTag(
            Array("password".utf8),
            salt: Array("somesalt".utf8),
            cost: cheap
        )
        #expect(tag == hex("9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe"))
    }

    @Test("The right password fits, another does not")
    func verify() throws {
        let text = try #require(PasswordHash.hash(password, salt: salt, cost: cheap))
        #expect(text.hasPrefix("$argon2id$v=19$m=256,t=2,p=1$"))
        #expect(PasswordHash.verify(password, against: text, cost: cheap) == .right(stale: false))
        #expect(PasswordHash.verify(password, against: text) == .right(stale: true))
        #expect(
            PasswordHash.verify(Array("correct horsf".utf8), against: text, cost: cheap) == .wrong
        )
        #expect(PasswordHash.verify([], against: text, cost: cheap) == .wrong)
    }

    @Test("A peppered hash needs its pepper, and an old pepper is stale")
    func pepper() throws {
        let old = Pepper(id: 1, secret: SecretKey(counting(from: 3, 32)))
        let new = Pepper(id: 2, secret: SecretKey(counting(from: 4, 32)))
        let text = try #require(
            PasswordHash.hash(password, salt: salt, cost: cheap, pepper: old)
        )
        func verdict(_ peppers: [Pepper]) -> PasswordHash.Verdict {
            PasswordHash.verify(password, against: text, cost: cheap, peppers: peppers)
        }
        #expect(verdict([old]) == .right(stale: false))
        #expect(verdict([old, new]) == .right(stale: true))
        #expect(verdict([new]) == .unreadable("pepper 1 is not at hand"))
        let wrong = Pepper(id: 1, secret: new.secret)
        #expect(verdict([wrong]) == .wrong)
    }

    @Test(
        "Text that is no hash of ours is unreadable, whatever cost it claims",
        arguments: [
            "", "$", "plain", "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$AAAA",
            "$argon2id$v=16$m=256,t=2,p=1$c29tZXNhbHQ$AAAA",
            "$argon2id$v=19$m=256,t=2$c29tZXNhbHQ$AAAA",
            "$argon2id$v=19$m=4294967295,t=2,p=1$c29tZXNhbHRzYWx0$"
                + "nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            "$argon2id$v=19$m=256,m=256,t=2,p=1$c29tZXNhbHQ$AAAA",
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ=$AAAA",
        ]
    )
    func unreadable(text: String) {
        #expect(
            PasswordHash.verify(password, against: text)
                == .unreadable("not an Argon2id hash")
        )
    }
}
