package import Homeserver
import KeyValue
import Keyspace
import MatrixModel
import MessageLog
import Partitions
import Primitives
import Projections
import Synchronization

/// What making destroyed keys unrecoverable asks of a node (`KeyErasure`). Everything here blocks.
extension Node {
    /// How many keys one turn wraps anew: about a millisecond's work.
    static var restatedPerTurn: Int { 128 }

    /// How far it is, by the rows.
    package func keyErasure() throws -> KeyErasureState {
        try view().reader(.keys).keyErasure()
    }

    /// Takes the key partition a step further in restating its keys under `epoch`.
    func restateKeys(under epoch: UInt32) throws {
        let command = Command(
            id: mintCommandID(),
            answerLifetime: 0,
            action: .restateKeys(epoch: epoch, limit: Self.restatedPerTurn)
        )
        let gate = Gate()
        let outcome = Mutex<CommandOutcome?>(nil)
        submit(command, to: .keys) { result in
            outcome.withLock { $0 = result }
            gate.open()
        }
        gate.wait()
        switch outcome.withLock({ $0 }) {
        case .answered: return
        case .rejected(let error): throw KeyErasureError(error.message)
        case .unavailable(let why): throw KeyErasureError(why)
        // Asked again, it goes on from what the rows say.
        case .outcomeUnknown, nil: return
        }
    }

    /// Removes the key partition's records up to and including `index`, on disk when it returns.
    func trimKeyLog(through index: LogIndex) throws {
        guard trim(.keys, through: index) else {
            throw KeyErasureError("the log could not be trimmed up to \(index)")
        }
    }

    /// Rewrites the files that hold wrapped keys, so that those which went leave the disk.
    func rewriteKeyFiles() throws {
        // The write-ahead log goes with the flush, the tables with the compaction.
        try logStore.flush(wait: true)
        let range = LogFamilies.keys(of: .keys)
        for family in [LogFamilies.records, LogFamilies.passing] {
            try logStore.compactRange(
                from: range.lower,
                to: range.upper,
                in: family,
                bottommost: true
            )
        }
        let prefix = StateKeys(.keys).wrappedKeyPrefix
        try stateStore.compactRange(
            from: prefix,
            to: keyAfter(prefix: prefix),
            in: .state,
            bottommost: true
        )
    }
}

/// Why destroyed keys could not be made unrecoverable yet.
package struct KeyErasureError: Error, CustomStringConvertible {
    package let description: String
    init(_ description: String) { self.description = description }
}
