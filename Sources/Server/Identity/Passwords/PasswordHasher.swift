package import Encryption
import MatrixModel

/// Hashes and checks passwords on two threads of their own, in a short queue. Each hash takes tens
/// of milliseconds and megabytes: more at once would be an attack that pays for itself.
package final class PasswordHasher: Sendable {
    /// The queue is full: try again in a moment.
    package struct Overloaded: Error {}
    /// libargon2 got no memory.
    package struct Failed: Error {}

    private let pool: WorkerPool
    private let cost: PasswordCost
    private let pepper: Pepper
    /// Checked in place of the hash of an account that does not exist: an answer takes equally
    /// long, whoever is asked for.
    private let decoy: String
    private let random: @Sendable (Int) -> [UInt8]

    /// - Parameters:
    ///   - waitingMax: passwords that may wait for a thread; more are refused.
    ///   - random: fresh random bytes.
    package init(
        threads: Int = 2,
        waitingMax: Int = 64,
        cost: PasswordCost = .user,
        pepper: SecretKey,
        random: @escaping @Sendable (Int) -> [UInt8]
    ) {
        pool = WorkerPool(threads: threads, waitingMax: waitingMax)
        self.cost = cost
        self.pepper = Pepper(id: 1, secret: pepper)
        self.random = random
        let salt = random(PasswordHash.saltCount)
        let tag = random(PasswordHash.tagCount)
        decoy = Self.decoy(cost: cost, salt: salt, tag: tag)
    }

    /// The text to store for a password.
    package func hash(_ password: String) async throws -> String {
        let salt = random(PasswordHash.saltCount)
        let made = try await run { [cost, pepper] in
            PasswordHash.hash(Array(password.utf8), salt: salt, cost: cost, pepper: pepper)
        }
        guard let made else { throw Failed() }
        return made
    }

    /// Whether the password is right. `stored` is nil where there is no account to check it
    /// against: takes as long, and is always wrong.
    package func isRight(_ password: String, against stored: String?) async throws -> Bool {
        let text = stored ?? decoy
        let verdict = try await run { [cost, pepper] in
            PasswordHash.verify(
                Array(password.utf8),
                against: text,
                cost: cost,
                peppers: [pepper]
            )
        }
        switch verdict {
        case .right: return stored != nil
        case .wrong, .unreadable: return false
        case .failed: throw Failed()
        }
    }

    package func stop() { pool.stop() }

    private func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async throws -> Value
    {
        try await withCheckedThrowingContinuation { continuation in
            let isTaken = pool.submit { continuation.resume(returning: body()) }
            if !isTaken { continuation.resume(throwing: Overloaded()) }
        }
    }

    /// A hash nobody has the password of: no need to compute one.
    private static func decoy(cost: PasswordCost, salt: [UInt8], tag: [UInt8]) -> String {
        "$argon2id$v=19$m=\(cost.memoryKiB),t=\(cost.passes),p=\(cost.lanes)"
            + "$\(Base64.encode(salt))$\(Base64.encode(tag))"
    }
}
