package import Encryption
package import Homeserver
package import KeyValue
import Primitives
import Projections
import Synchronization

/// Room, user and server keys in memory on this node, over the rows of its replica of the key
/// partition (architecture 2.6).
package final class KeyDirectory<Store: KeyValueReader>: KeyReader, Sendable {
    private struct State: Sendable {
        var ring: KeyRing
        var known: [UInt64: KeyLookup] = [:]
        var wrappers: [UInt32: SecretKey] = [:]
    }

    private let rows: StateReader<Store>
    private let state: Mutex<State>
    private static var knownMax: Int { 65_536 }

    package init(store: Store, ring: KeyRing) {
        rows = StateReader(.keys, store)
        state = Mutex(State(ring: ring))
    }

    /// After a rotation: new keys are wrapped under the ring's newest epoch.
    package func replace(_ ring: KeyRing) {
        state.withLock {
            $0.ring = ring
            $0.wrappers = [:]
        }
    }

    package var ring: KeyRing { state.withLock { $0.ring } }

    package var wrapper: (epoch: UInt32, key: SecretKey)? {
        let current = state.withLock { $0.ring.current(.wrap) }
        return (current.epoch, current.secret)
    }

    package func key(_ id: UInt64) -> KeyLookup {
        if let known = state.withLock({ $0.known[id] }) { return known }
        let found = load(id)
        if case .absent = found { return found }
        state.withLock {
            if $0.known.count >= Self.knownMax { $0.known = [:] }
            $0.known[id] = found
        }
        return found
    }

    package func forget(_ ids: [UInt64]) {
        state.withLock { for id in ids { $0.known[id] = nil } }
    }

    private func load(_ id: UInt64) -> KeyLookup {
        guard let wrapped = try? rows.wrappedKey(id) else { return .absent }
        guard !wrapped.isEmpty else { return .destroyed }
        guard let header = try? WrappedHeader(of: wrapped[...]), header.id == KeyID(id),
            let key = try? state.withLock({ try $0.ring.key(.wrap, epoch: header.wrapEpoch) }),
            let secret = try? KeyWrap.unwrap(wrapped[...], as: header, with: key)
        else { return .absent }
        return .found(secret)
    }
}
