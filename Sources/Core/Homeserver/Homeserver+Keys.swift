import Encryption
import Keyspace
import MatrixModel
import Primitives

extension Homeserver {
    /// Destroying a key is final once nothing that survives can unwrap it. So the key partition
    /// states everything again under a younger wrap epoch; then the log before that, and the
    /// older epochs, can go (architecture 2.6). One call is one step of it, bounded by `limit`
    /// keys, and begins where the rows say the last one ended.
    mutating func restateKeys(
        under epoch: UInt32,
        limit: Int,
        _ context: DecisionContext
    ) throws -> Decision {
        guard let wrapper = keys.wrapper, wrapper.epoch == epoch else {
            return .rejected(MatrixError(.unknown, "Another wrap epoch is in use", status: 409))
        }
        let state = try reader.keyErasure()
        guard state.epoch == epoch else { return try beginKeyLog(state, under: epoch, context) }
        guard !state.isComplete else { return .repeated(.done, after: .zero) }
        let rows = try reader.wrappedKeys(
            state.through + 1..<max(state.through + 1, state.end),
            limit: limit
        )
        var fact = KeysRestated(
            epoch: epoch,
            through: rows.last?.id ?? state.through,
            isLast: rows.count < limit,
            keys: [],
            destroyed: []
        )
        for (id, wrapped) in rows {
            if wrapped.isEmpty {
                fact.noteDestroyed(id)
            } else if let again = rewrap(wrapped, with: wrapper) {
                fact.keys.append(KeysRestated.Key(id: id, wrapped: again))
            } else {
                // Its old form may yet be repaired; without its old epoch it never could be.
                return .rejected(
                    MatrixError(
                        .unknown,
                        "Key \(id) does not open, so none is given up",
                        status: 503
                    )
                )
            }
        }
        return .append([.keysRestated(fact)], .done)
    }

    private func beginKeyLog(
        _ state: KeyErasureState,
        under epoch: UInt32,
        _ context: DecisionContext
    ) throws -> Decision {
        // What is under way would lie before the beginning and go with it.
        guard context.isQuiet else { return .wait(until: context.nextIndex.previous) }
        let fact = KeyLogBegun(
            epoch: epoch,
            destroyedUnder: state.destroyedUnder,
            nextKeyID: try reader.nextKeyID(),
            numbers: try reader.outboxNumbers().map {
                KeyLogBegun.LastNumber(target: $0.target.raw, last: $0.last)
            },
            waiting: try reader.outboxWaiting().map {
                KeyLogBegun.Waiting(
                    target: $0.target.raw,
                    sequence: $0.sequence,
                    message: $0.message
                )
            }
        )
        return .append([.keyLogBegun(fact)], .done)
    }

    /// A key under the epoch in use; one that is already is left as it is.
    private mutating func rewrap(
        _ wrapped: [UInt8],
        with wrapper: (epoch: UInt32, key: SecretKey)
    ) -> [UInt8]? {
        guard let secret = keys.unwrap(wrapped),
            let header = try? WrappedHeader(of: wrapped[...])
        else { return nil }
        guard header.wrapEpoch != wrapper.epoch else { return wrapped }
        return KeyWrap.wrap(
            secret,
            as: WrappedHeader(
                kind: header.kind,
                id: header.id,
                keyEpoch: header.keyEpoch,
                wrapEpoch: wrapper.epoch
            ),
            with: wrapper.key,
            nonce: random.bytes(12)
        )
    }
}

extension KeysRestated {
    fileprivate mutating func noteDestroyed(_ id: UInt64) {
        if let last = destroyed.last, last.upperBound == id {
            destroyed[destroyed.count - 1] = last.lowerBound..<id + 1
        } else {
            destroyed.append(id..<id + 1)
        }
    }
}
