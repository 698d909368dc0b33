internal import CCipher

/// The cost of one Argon2id hash (RFC 9106).
package struct PasswordCost: Equatable, Sendable {
    package let passes: UInt32
    package let memoryKiB: UInt32
    package let lanes: UInt32

    package init(passes: UInt32, memoryKiB: UInt32, lanes: UInt32) {
        self.passes = passes
        self.memoryKiB = memoryKiB
        self.lanes = lanes
    }

    /// 2 passes over 19 MiB, one lane: OWASP's minimum, about 30 ms.
    package static let user = PasswordCost(passes: 2, memoryKiB: 19_456, lanes: 1)
    /// 3 passes over 64 MiB, one lane, for owners and administrators.
    package static let administrator = PasswordCost(passes: 3, memoryKiB: 65_536, lanes: 1)

    /// What a stored hash may ask for; more would let a tampered row stop the server.
    var isSane: Bool {
        (1...16).contains(passes) && (8...1_048_576).contains(memoryKiB)
            && (1...16).contains(lanes) && memoryKiB >= 8 * lanes
    }
}

/// A server-wide secret that a stolen table of hashes is worthless without.
package struct Pepper: Sendable {
    package let id: UInt32
    package let secret: SecretKey
    package init(id: UInt32, secret: SecretKey) {
        self.id = id
        self.secret = secret
    }
}

/// Hashes and checks passwords with Argon2id.
///
/// Text form: `$argon2id$v=19$m=19456,t=2,p=1[,keyid=7]$salt$tag`, salt and tag in base64
/// without padding; with a `keyid` the tag is HMAC-SHA-256(pepper, tag). Each call holds
/// `memoryKiB` and one core for tens of milliseconds: never on an event loop.
package enum PasswordHash {
    package static let saltCount = 16
    package static let tagCount = 32

    /// The raw 32-byte tag, or nil where libargon2 refuses (no memory left).
    package static func rawTag(
        _ password: [UInt8],
        salt: [UInt8],
        cost: PasswordCost
    ) -> [UInt8]? {
        var out = [UInt8](repeating: 0, count: tagCount)
        let code = warbler_argon2id(
            cost.passes,
            cost.memoryKiB,
            cost.lanes,
            password,
            password.count,
            salt,
            salt.count,
            &out,
            out.count
        )
        return code == 0 ? out : nil
    }

    /// `salt` must be 16 fresh random bytes. Nil where there is no memory left.
    package static func hash(
        _ password: [UInt8],
        salt: [UInt8],
        cost: PasswordCost = .user,
        pepper: Pepper? = nil
    ) -> String? {
        precondition(salt.count == saltCount, "a password's salt has 16 bytes")
        guard var tag = rawTag(password, salt: salt, cost: cost) else { return nil }
        if let pepper { tag = Cipher.hmacSHA256(key: pepper.secret, tag) }
        let keyID = pepper.map { ",keyid=\($0.id)" } ?? ""
        return "$argon2id$v=19$m=\(cost.memoryKiB),t=\(cost.passes),p=\(cost.lanes)\(keyID)"
            + "$\(encodeBase64(salt))$\(encodeBase64(tag))"
    }

    package enum Verdict: Equatable, Sendable {
        /// Right. `stale`: the cost or pepper is not today's, so hash again and store that.
        case right(stale: Bool)
        case wrong
        /// The stored text is not one of ours, or it names a pepper that is not at hand.
        case unreadable(String)
        /// No memory left for the computation.
        case failed
    }

    package static func verify(
        _ password: [UInt8],
        against text: String,
        cost: PasswordCost = .user,
        peppers: [Pepper] = []
    ) -> Verdict {
        guard let stored = StoredHash(text) else { return .unreadable("not an Argon2id hash") }
        guard var tag = rawTag(password, salt: stored.salt, cost: stored.cost) else {
            return .failed
        }
        if let id = stored.pepper {
            guard let pepper = peppers.first(where: { $0.id == id }) else {
                return .unreadable("pepper \(id) is not at hand")
            }
            tag = Cipher.hmacSHA256(key: pepper.secret, tag)
        }
        guard Cipher.constantTimeEquals(tag, stored.tag) else { return .wrong }
        return .right(stale: stored.cost != cost || stored.pepper != peppers.last?.id)
    }
}

/// The parsed text form.
private struct StoredHash {
    var cost: PasswordCost
    var pepper: UInt32?
    var salt: [UInt8]
    var tag: [UInt8]

    init?(_ text: String) {
        let fields = text.split(separator: "$", omittingEmptySubsequences: false)
        guard fields.count == 6, fields[0].isEmpty, fields[1] == "argon2id", fields[2] == "v=19"
        else { return nil }
        var numbers: [Substring: UInt32] = [:]
        for parameter in fields[3].split(separator: ",", omittingEmptySubsequences: false) {
            let pair = parameter.split(separator: "=", omittingEmptySubsequences: false)
            guard pair.count == 2, let value = UInt32(pair[1]), numbers[pair[0]] == nil else {
                return nil
            }
            numbers[pair[0]] = value
        }
        let pepper = numbers.removeValue(forKey: "keyid")
        guard numbers.count == 3, let memory = numbers["m"], let passes = numbers["t"],
            let lanes = numbers["p"], let salt = decodeBase64(fields[4]),
            let tag = decodeBase64(fields[5]), salt.count >= 8, salt.count <= 64,
            tag.count == PasswordHash.tagCount
        else { return nil }
        cost = PasswordCost(passes: passes, memoryKiB: memory, lanes: lanes)
        guard cost.isSane else { return nil }
        self.pepper = pepper
        self.salt = salt
        self.tag = tag
    }
}
