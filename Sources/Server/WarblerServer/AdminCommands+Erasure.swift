import AdminProtocol
import Dispatch
import Homeserver
import Keyspace
import MultiRaft
import Primitives
import RocksKeyValue
import Synchronization

extension AdminCommands {
    /// How long an answer waits until a key is unrecoverable. The work goes on without it.
    private static var finalSeconds: Int { 60 }

    /// Destroys a key and says how far that is: *destroyed* is gone from rows and memory, so this
    /// server answers with nothing it sealed; *unrecoverable* is gone from whatever bytes survive,
    /// under every key that is left.
    func destroy(
        _ keyID: UInt64,
        _ progress: (AdminValue) -> Void
    ) throws(AdminFailure) -> String {
        let moved = DispatchSemaphore(value: 0)
        let steps = Mutex<[KeyErasure<RocksKeyValueStore>.Step]>([])
        let follower = erasure.follow { step in
            steps.withLock { $0.append(step) }
            moved.signal()
        }
        defer { erasure.unfollow(follower) }
        _ = try submit(.destroyKeys([keyID]), to: .keys)
        progress(["erasure": "destroyed"])
        let deadline = DispatchTime.now() + .seconds(Self.finalSeconds)
        while try !reading({ try erasure.isFinal() }) {
            guard moved.wait(timeout: deadline) == .success else { return "destroyed" }
            let next = steps.withLock { $0.isEmpty ? nil : $0.removeFirst() }
            if let next { progress(value(of: next)) }
        }
        return "unrecoverable"
    }

    private func value(of step: KeyErasure<RocksKeyValueStore>.Step) -> AdminValue {
        switch step {
        case .nothing: ["erasure": "unrecoverable"]
        case .epochBegun(let epoch): ["wrap_epoch": .integer(Int64(epoch))]
        case .restated(let through, let end):
            ["keys_wrapped_anew": .integer(Int64(through)), "of": .integer(Int64(end) - 1)]
        case .logTrimmed(let index): ["log_trimmed_through": .integer(Int64(index.raw))]
        case .filesRewritten: ["files": "rewritten"]
        case .epochsDropped(let epoch): ["wrap_epochs_dropped_below": .integer(Int64(epoch))]
        }
    }
}
