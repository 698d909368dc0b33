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
        /// Counts calls of `forget`: what was read before one is not remembered after it.
        var forgotten: UInt64 = 0
    }

    private let rows: StateReader<Store>
    private let state: Mutex<State>
    private static var knownMax: Int { 65_536 }

    package init(store: Store, ring: KeyRing) {
        rows = StateReader(.keys, store)
        state = Mutex(State(ring: ring))
    }

    /// After a change of the ring: new keys are wrapped under its newest epoch. An older
    /// generation than the one in use is ignored: two changes may arrive the wrong way round.
    package func replace(_ ring: KeyRing) {
        state.withLock {
            guard ring.generation > $0.ring.generation else { return }
            $0.ring = ring
        }
    }

    package var ring: KeyRing { state.withLock { $0.ring } }

    package var wrapper: (epoch: UInt32, key: SecretKey)? {
        let current = state.withLock { $0.ring.current(.wrap) }
        return (current.epoch, current.secret)
    }

    package func key(_ id: UInt64) -> KeyLookup {
        let (known, before) = state.withLock { ($0.known[id], $0.forgotten) }
        if let known { return known }
        let found = load(id)
        switch found {
        case .absent, .lost: return found
        case .found, .destroyed: break
        }
        state.withLock {
            guard $0.forgotten == before else { return }
            if $0.known.count >= Self.knownMax { $0.known = [:] }
            $0.known[id] = found
        }
        return found
    }

    package func nextKeyID() throws -> UInt64 { try rows.counter(rows.keys.keyAllocation) }

    package func forget(_ ids: [UInt64]) {
        state.withLock {
            $0.forgotten += 1
            for id in ids { $0.known[id] = nil }
        }
    }

    private func load(_ id: UInt64) -> KeyLookup {
        let isMade: Bool
        let row: [UInt8]?
        do {
            isMade = try rows.isKeyMade(id)
            row = try rows.wrappedKey(id)
        } catch { return .absent }
        guard let wrapped = row else { return isMade ? .lost : .absent }
        guard !wrapped.isEmpty else { return .destroyed }
        guard let header = try? WrappedHeader(of: wrapped[...]), header.id == KeyID(id),
            let secret = unwrap(wrapped)
        else { return .absent }
        return .found(secret)
    }

    package func unwrap(_ wrapped: [UInt8]) -> SecretKey? {
        guard let header = try? WrappedHeader(of: wrapped[...]),
            let key = try? state.withLock({ try $0.ring.key(.wrap, epoch: header.wrapEpoch) })
        else { return nil }
        return try? KeyWrap.unwrap(wrapped[...], as: header, with: key)
    }
}
