import Synchronization

/// Lets one task at a time through per key: for changes that read a value, edit it and write it
/// back (push rules, tags, profile fields), which would otherwise lose one of two edits.
final class KeyedGate: Sendable {
    private typealias Waiter = CheckedContinuation<Void, Never>
    private let waiters = Mutex<[String: [Waiter]]>([:])

    func withKey<Value>(_ key: String, _ body: () async throws -> Value) async throws -> Value {
        await enter(key)
        defer { leave(key) }
        return try await body()
    }

    private func enter(_ key: String) async {
        await withCheckedContinuation { continuation in
            let isFree = waiters.withLock { waiters in
                guard waiters[key] == nil else {
                    waiters[key]?.append(continuation)
                    return false
                }
                waiters[key] = []
                return true
            }
            if isFree { continuation.resume() }
        }
    }

    private func leave(_ key: String) {
        let next = waiters.withLock { waiters -> Waiter? in
            guard waiters[key]?.isEmpty == false else {
                waiters[key] = nil
                return nil
            }
            return waiters[key]?.removeFirst()
        }
        next?.resume()
    }
}
