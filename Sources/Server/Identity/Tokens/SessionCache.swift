package import Encryption
package import Primitives
import Synchronization

/// Who a request comes from.
package struct Session: Sendable, Hashable {
    package let userID: String
    package let deviceID: String
    /// The user's key: what they send is sealed under it.
    package let keyID: UInt64
    package let isAdministrator: Bool
    /// The account's partition.
    package let partition: PartitionID

    package init(
        userID: String,
        deviceID: String,
        keyID: UInt64,
        isAdministrator: Bool,
        partition: PartitionID
    ) {
        self.userID = userID
        self.deviceID = deviceID
        self.keyID = keyID
        self.isAdministrator = isAdministrator
        self.partition = partition
    }
}

/// Sessions by the MAC of their token. Bounded by two generations: when the young one is full it
/// becomes the old one, and what was not used since its turn is forgotten.
///
/// Filling goes "listen, then look": take `generation`, read the rows, hand it back to `insert`;
/// a device that was removed in between is then not remembered.
package final class SessionCache: Sendable {
    private struct Generation: Sendable {
        var sessions: [Digest: Session] = [:]
        var byUser: [String: [Digest]] = [:]

        mutating func insert(_ mac: Digest, _ session: Session) {
            guard sessions.updateValue(session, forKey: mac) == nil else { return }
            byUser[session.userID, default: []].append(mac)
        }

        mutating func remove(_ user: String, _ matches: (Session) -> Bool) {
            guard let macs = byUser.removeValue(forKey: user) else { return }
            let kept = macs.filter { mac in
                guard let session = sessions[mac] else { return false }
                guard matches(session) else { return true }
                sessions[mac] = nil
                return false
            }
            if !kept.isEmpty { byUser[user] = kept }
        }
    }

    private struct State: Sendable {
        var young = Generation()
        var old = Generation()
        var generation: UInt64 = 0
    }

    private let state = Mutex(State())
    private let sessionsMax: Int

    /// - Parameter sessionsMax: sessions kept, about 200 bytes each.
    package init(sessionsMax: Int = 100_000) { self.sessionsMax = max(2, sessionsMax) }

    /// Rises with every removal.
    package var generation: UInt64 { state.withLock { $0.generation } }

    package func session(of mac: Digest) -> Session? {
        state.withLock { state in
            if let found = state.young.sessions[mac] { return found }
            guard let found = state.old.sessions[mac] else { return nil }
            add(mac, found, to: &state)
            return found
        }
    }

    /// Remembers a session unless something was removed since `generation` was read.
    package func insert(_ session: Session, for mac: Digest, generation: UInt64) {
        state.withLock { state in
            guard state.generation == generation else { return }
            add(mac, session, to: &state)
        }
    }

    private func add(_ mac: Digest, _ session: Session, to state: inout State) {
        if state.young.sessions.count >= sessionsMax / 2 {
            state.old = state.young
            state.young = Generation()
        }
        state.young.insert(mac, session)
    }

    package func remove(_ user: String, devices: [String]) {
        remove(user) { devices.contains($0.deviceID) }
    }

    package func remove(_ user: String) {
        remove(user) { _ in true }
    }

    private func remove(_ user: String, _ matches: (Session) -> Bool) {
        state.withLock { state in
            state.generation += 1
            state.young.remove(user, matches)
            state.old.remove(user, matches)
        }
    }

    package var count: Int { state.withLock { $0.young.sessions.count + $0.old.sessions.count } }
}
