import Glibc
import Homeserver
import Partitions
import Primitives
import Synchronization

/// What threads of a node share: who waits for which answer, and how far each partition is.
final class NodeShared: Sendable {
    private struct State: Sendable {
        var nextToken: UInt64 = 1
        var commands: [UInt64: @Sendable (CommandOutcome) -> Void] = [:]
        var reads: [UInt64: @Sendable (LogIndex?) -> Void] = [:]
    }
    private struct Unflushed: Sendable {
        var entries = 0
        var bytes = 0
    }

    private let waiting = Mutex(State())
    private let applied = Mutex<[PartitionID: LogIndex]>([:])
    private let rows = Mutex(Unflushed())
    /// A closure read from a generic container directly would be wrapped once more at each read.
    private struct Hook: Sendable {
        let run: @Sendable () -> Void
    }
    private let destroyed = Mutex<Hook?>(nil)
    /// Entries that a start must still fold.
    private let replay = Mutex<UInt64>(0)
    private let stream: Mutex<RandomStream>

    init(entropy: @Sendable (Int) -> [UInt8]) {
        stream = Mutex(RandomStream(seed: entropy(48)))
    }

    func random(_ count: Int) -> [UInt8] { stream.withLock { $0.bytes(count) } }

    func whenKeysDestroyed(_ run: @escaping @Sendable () -> Void) {
        destroyed.withLock { $0 = Hook(run: run) }
    }

    func keysDestroyed() {
        let hook = destroyed.withLock { $0 }
        hook?.run()
    }

    func mintCommandID() -> CommandID {
        stream.withLock { CommandID(high: $0.number(), low: $0.number()) }
    }

    func register(command done: @escaping @Sendable (CommandOutcome) -> Void) -> UInt64 {
        waiting.withLock {
            let token = $0.nextToken
            $0.nextToken += 1
            $0.commands[token] = done
            return token
        }
    }

    func register(read done: @escaping @Sendable (LogIndex?) -> Void) -> UInt64 {
        waiting.withLock {
            let token = $0.nextToken
            $0.nextToken += 1
            $0.reads[token] = done
            return token
        }
    }

    func answer(_ answers: [HostAnswer]) {
        guard !answers.isEmpty else { return }
        var due: [@Sendable () -> Void] = []
        due.reserveCapacity(answers.count)
        waiting.withLock { state in
            for answer in answers {
                switch answer {
                case .command(let token, let outcome):
                    if let done = state.commands.removeValue(forKey: token) {
                        due.append { done(outcome) }
                    }
                case .read(let token, let index):
                    if let done = state.reads.removeValue(forKey: token) {
                        due.append { done(index) }
                    }
                }
            }
        }
        for answer in due { answer() }
    }

    func answerAll(_ outcome: CommandOutcome) {
        let (commands, reads) = waiting.withLock { state in
            defer {
                state.commands = [:]
                state.reads = [:]
            }
            return (state.commands, state.reads)
        }
        for (_, done) in commands { done(outcome) }
        for (_, done) in reads { done(nil) }
    }

    func setApplied(_ partition: PartitionID, _ index: LogIndex) {
        applied.withLock { $0[partition] = index }
    }
    func applied(_ partition: PartitionID) -> LogIndex {
        applied.withLock { $0[partition] ?? .zero }
    }
    func positions() -> [PartitionID: LogIndex] { applied.withLock { $0 } }

    func setReplay(_ entries: UInt64) { replay.withLock { $0 = entries } }
    var replayLeft: UInt64 { replay.withLock { $0 } }

    func noteApplied(_ entries: Int, bytes: Int) {
        guard entries > 0 else { return }
        replay.withLock { $0 -= min($0, UInt64(entries)) }
        rows.withLock {
            $0.entries += entries
            $0.bytes += bytes
        }
    }
    func unflushed() -> (entries: Int, bytes: Int) { rows.withLock { ($0.entries, $0.bytes) } }
    func resetUnflushed() { rows.withLock { $0 = Unflushed() } }
}

/// Opened once; whoever waits goes on.
final class Gate: @unchecked Sendable {
    private let semaphore: UnsafeMutablePointer<sem_t>
    init() {
        semaphore = .allocate(capacity: 1)
        sem_init(semaphore, 0, 0)
    }
    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }
    func open() { sem_post(semaphore) }
    func wait() { while sem_wait(semaphore) != 0 {} }
}

/// Ties two threads that are made one after the other.
final class Relay: Sendable {
    /// A closure read from a generic container directly would be wrapped once more at each read.
    private struct Target: Sendable {
        let send: @Sendable (HostInput) -> Void
    }
    private let target: Mutex<Target?> = Mutex(nil)

    func connect(_ send: @escaping @Sendable (HostInput) -> Void) {
        target.withLock { $0 = Target(send: send) }
    }

    func send(_ input: HostInput) {
        let target = self.target.withLock { $0 }
        target?.send(input)
    }
}
