import Encryption
package import Homeserver
import KeyValue
import Keyspace
package import Primitives

/// The key partition's own facts. Wrapped keys are moved, never opened; only their clear headers
/// are read.
extension Folder {
    mutating func foldKeys(_ fact: Fact, at index: LogIndex) throws {
        switch fact {
        case .keysCreated(let fact):
            for (offset, wrapped) in fact.wrapped.enumerated() {
                put(keys.wrappedKey(fact.first + UInt64(offset)), wrapped)
            }
            put(keys.keyAllocation, encode(fact.first + UInt64(fact.wrapped.count)))
        case .keysDestroyed(let fact): try fold(fact)
        case .keyLogBegun(let fact): try fold(fact, at: index)
        case .keysRestated(let fact): try fold(fact)
        default: preconditionFailure("not a fact about keys")
        }
    }

    private mutating func fold(_ fact: KeysDestroyed) throws {
        var erasure = try erasure()
        for id in fact.keyIDs {
            if !erasure.isComplete, id > erasure.through, id < erasure.end {
                // Between `KeyLogBegun` and its restatement. Whoever folds a log that begins
                // there has no row to look at, so nobody looks: it is under an older epoch.
                erasure.destroyedUnder = max(erasure.destroyedUnder, erasure.epoch - 1)
            } else if let wrapped = try get(keys.wrappedKey(id)),
                let header = try? WrappedHeader(of: wrapped[...])
            {
                erasure.destroyedUnder = max(erasure.destroyedUnder, header.wrapEpoch)
            }
            // An empty row says "destroyed", which is not the same as "not here yet".
            put(keys.wrappedKey(id), [])
        }
        put(erasure)
        note(.keysDestroyed(fact.keyIDs))
    }

    private mutating func fold(_ fact: KeyLogBegun, at index: LogIndex) throws {
        var erasure = try erasure()
        erasure.destroyedUnder = max(erasure.destroyedUnder, fact.destroyedUnder)
        erasure.epoch = fact.epoch
        erasure.begunAt = index
        erasure.end = fact.nextKeyID
        erasure.through = 0
        erasure.isComplete = false
        put(erasure)
        put(keys.keyAllocation, encode(fact.nextKeyID))
        // A loss accepted in what goes before this raised it; no record that stays says so.
        raiseOutboxFloor(at: index)
        for each in fact.numbers {
            put(keys.outboxNext(PartitionID(each.target)), encode(each.last))
        }
        for each in fact.waiting {
            let target = PartitionID(each.target)
            let key = keys.outboxRow(target, each.sequence)
            // Where it is known, the fold that queued it has said so.
            guard try get(key) == nil else { continue }
            putUnread(key, each.message)
            note(.outbox(target: target, sequence: each.sequence, message: each.message))
        }
    }

    private mutating func fold(_ fact: KeysRestated) throws {
        var erasure = try erasure()
        for key in fact.keys {
            if try get(keys.wrappedKey(key.id))?.isEmpty == true {
                // Destroyed while this was under way: a copy under the new epoch is in the log.
                erasure.destroyedUnder = max(erasure.destroyedUnder, fact.epoch)
            } else {
                put(keys.wrappedKey(key.id), key.wrapped)
            }
        }
        for id in fact.destroyed.joined() {
            if try get(keys.wrappedKey(id))?.isEmpty != true { put(keys.wrappedKey(id), []) }
        }
        if erasure.epoch == fact.epoch {
            erasure.through = fact.through
            erasure.isComplete = fact.isLast
        }
        put(erasure)
    }

    private func erasure() throws -> KeyErasureState {
        let found: KeyErasureRow? = try row(keys.keyErasure)
        return found?.state ?? KeyErasureState()
    }

    private mutating func put(_ erasure: KeyErasureState) {
        put(keys.keyErasure, KeyErasureRow(erasure).encoded)
    }
}

/// How far the key partition is with making destroyed keys unrecoverable.
package struct KeyErasureRow: Row {
    package var state: KeyErasureState

    package init(_ state: KeyErasureState) { self.state = state }

    package func encode(into writer: inout ByteWriter) {
        writer.u32(state.destroyedUnder)
        writer.u32(state.epoch)
        writer.u64(state.begunAt.raw)
        writer.varint(state.end)
        writer.varint(state.through)
        writer.bool(state.isComplete)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        state = KeyErasureState()
        state.destroyedUnder = try reader.u32()
        state.epoch = try reader.u32()
        state.begunAt = LogIndex(try reader.u64())
        state.end = try reader.varint()
        state.through = try reader.varint()
        state.isComplete = try reader.bool()
    }
}
