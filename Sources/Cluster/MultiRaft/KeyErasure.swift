package import Encryption
import Homeserver
package import KeyValue
package import Primitives
import Synchronization

/// Makes destroyed keys unrecoverable (architecture 2.6).
///
/// A destroyed key leaves rows and memory at once. Its wrapped form still stands in the key
/// partition's log and in tables that were not compacted yet, so somebody with old bytes, the key
/// ring and the root key could unwrap it. This begins a new wrap epoch, has the key partition state
/// its live keys again under it, removes what lies before that from the log and the files, and
/// drops the older epochs from both generations of the key ring: from then on nothing unwraps it.
///
/// What is to be done next follows from rows and key ring alone, so a crash at any point costs
/// nothing but the step it interrupted. Keys destroyed before a round begins share it.
package final class KeyErasure<Store: KeyValueStore>: Sendable {
    /// How the key ring on disk changes. Both return once the change is durable.
    package struct RingChanges: Sendable {
        let beginEpoch: @Sendable () throws -> KeyRing
        let dropBefore: @Sendable (UInt32) throws -> KeyRing

        /// - Parameters:
        ///   - beginEpoch: begins a new wrap epoch.
        ///   - dropBefore: drops the wrap epochs below one, in both generations; does nothing where
        ///     there are none.
        package init(
            beginEpoch: @escaping @Sendable () throws -> KeyRing,
            dropBefore: @escaping @Sendable (UInt32) throws -> KeyRing
        ) {
            self.beginEpoch = beginEpoch
            self.dropBefore = dropBefore
        }
    }

    /// What one step did.
    package enum Step: Hashable, Sendable {
        /// Nothing is left to do: every destroyed key is unrecoverable.
        case nothing
        case epochBegun(UInt32)
        /// Keys are stated again up to this ID, of those below `end`.
        case restated(through: UInt64, end: UInt64)
        case logTrimmed(through: LogIndex)
        case filesRewritten
        case epochsDropped(before: UInt32)
    }

    private struct Progress: Sendable {
        /// Epochs for which the log was trimmed and the files rewritten by this process.
        var trimmed: UInt32 = 0
        var rewritten: UInt32 = 0
        /// Both files of the key ring are known to hold no older epoch than the ring in memory.
        var areFilesChecked = false
    }

    private struct Followers: Sendable {
        var next: UInt64 = 1
        var bodies: [UInt64: Follower] = [:]
    }

    /// A closure read from a generic container directly would be wrapped once more at each read.
    private struct Follower: Sendable {
        let tell: @Sendable (Step) -> Void
    }

    private let node: Node<Store>
    private let ring: RingChanges
    private let failed: @Sendable (any Error) -> Void
    private let progress = Mutex(Progress())
    private let followers = Mutex(Followers())
    private let inbox = Inbox<Void>()
    private let isStopping = Atomic(false)
    private let thread: Mutex<OwnThread?> = Mutex(nil)
    /// After a failure, in nanoseconds.
    private static var retryAfter: UInt64 { 10_000_000_000 }

    /// - Parameter failed: told why a step failed; it is tried again later.
    package init(
        _ node: Node<Store>,
        ring: RingChanges,
        failed: @escaping @Sendable (any Error) -> Void
    ) {
        self.node = node
        self.ring = ring
        self.failed = failed
    }

    // MARK: Steps

    /// Does the next step and says which it was. Blocks; one caller at a time.
    package func step() throws -> Step {
        let state = try node.keyErasure()
        guard state.destroyedUnder > 0 else { return .nothing }
        let held = node.keys.ring
        let current = held.current(.wrap).epoch
        guard let oldest = held.epochs(of: .wrap).min(), oldest <= state.destroyedUnder else {
            try checkFiles(oldest: held.epochs(of: .wrap).min() ?? current)
            return .nothing
        }
        guard current > state.destroyedUnder else {
            let next = try ring.beginEpoch()
            node.keys.replace(next)
            return .epochBegun(next.current(.wrap).epoch)
        }
        guard state.epoch == current, state.isComplete else {
            try node.restateKeys(under: current)
            let now = try node.keyErasure()
            return .restated(through: now.through, end: now.end)
        }
        let done = progress.withLock { $0 }
        if done.trimmed < current {
            // Rows first: what a start needs is then in both, rows and what stays of the log.
            try node.flush()
            try node.trimKeyLog(through: state.begunAt.previous)
            progress.withLock { $0.trimmed = current }
            return .logTrimmed(through: state.begunAt.previous)
        }
        if done.rewritten < current {
            try node.rewriteKeyFiles()
            progress.withLock { $0.rewritten = current }
            return .filesRewritten
        }
        progress.withLock { $0.areFilesChecked = false }
        node.keys.replace(try ring.dropBefore(current))
        progress.withLock { $0.areFilesChecked = true }
        return .epochsDropped(before: current)
    }

    /// The process before this one may have got as far as one of the key ring's two files.
    private func checkFiles(oldest: UInt32) throws {
        guard !progress.withLock({ $0.areFilesChecked }) else { return }
        node.keys.replace(try ring.dropBefore(oldest))
        progress.withLock { $0.areFilesChecked = true }
    }

    /// Whether every key that was destroyed so far is unrecoverable.
    package func isFinal() throws -> Bool {
        let state = try node.keyErasure()
        guard state.destroyedUnder > 0 else { return true }
        guard progress.withLock({ $0.areFilesChecked }) else { return false }
        return node.keys.ring.epochs(of: .wrap).allSatisfy { $0 > state.destroyedUnder }
    }

    // MARK: Life

    /// Continues what an earlier process began and does whatever becomes due, on a thread of its
    /// own.
    package func start() {
        node.whenKeysDestroyed { [inbox] in inbox.put(()) }
        inbox.put(())
        let thread = OwnThread { [self] in run() }
        self.thread.withLock { $0 = thread }
        thread.start()
    }

    /// Returns after the step under way, if there is one.
    package func stop() {
        isStopping.store(true, ordering: .relaxed)
        inbox.close()
        let thread = self.thread.withLock { $0 }
        thread?.join()
    }

    private func run() {
        var signals: [Void] = []
        var again: UInt64?
        while inbox.take(into: &signals, until: again) {
            signals.removeAll(keepingCapacity: true)
            again = nil
            do {
                while !isStopping.load(ordering: .relaxed) {
                    let step = try step()
                    tell(step)
                    if step == .nothing { break }
                }
            } catch {
                guard !isStopping.load(ordering: .relaxed) else { return }
                failed(error)
                again = Clock.monotonicNanoseconds() + Self.retryAfter
            }
        }
    }

    private func tell(_ step: Step) {
        let bodies = followers.withLock { $0.bodies.values.map { $0 } }
        for body in bodies { body.tell(step) }
    }

    /// Calls `body` after each step until `unfollow`; it must be quick.
    package func follow(_ body: @escaping @Sendable (Step) -> Void) -> UInt64 {
        followers.withLock { all in
            let follower = all.next
            all.next += 1
            all.bodies[follower] = Follower(tell: body)
            return follower
        }
    }

    package func unfollow(_ follower: UInt64) {
        followers.withLock { $0.bodies[follower] = nil }
    }
}
