import Homeserver
import KeyValue
import Partitions
import Primitives
import Projections
import Synchronization

/// The thread that owns replicas and runs their turns. Dull on purpose: it has no opinion about
/// Matrix or Raft (architecture 2.4).
final class HostThread<Store: KeyValueStore, Keys: KeyReader>: Sendable {
    typealias Turn = HostTurn<Store, Store, Keys>

    enum Item: Sendable {
        case input(HostInput)
        /// Something done to the turn between two passes.
        case control(@Sendable (inout Turn) -> Void)
        case stop
    }

    /// Raft's tick, in nanoseconds.
    static var tickNanoseconds: UInt64 { 100_000_000 }

    private let inbox = Inbox<Item>()
    private let state: Store
    private let storage: @Sendable (LogBatch) -> Void
    private let after: @Sendable (HostOutput) -> Void
    private let failed: @Sendable (any Error) -> Void
    private let thread: Mutex<OwnThread?> = Mutex(nil)

    init(
        state: Store,
        storage: @escaping @Sendable (LogBatch) -> Void,
        after: @escaping @Sendable (HostOutput) -> Void,
        failed: @escaping @Sendable (any Error) -> Void
    ) {
        self.state = state
        self.storage = storage
        self.after = after
        self.failed = failed
    }

    @discardableResult
    func put(_ item: Item) -> Bool { inbox.put(item) }

    func start(settings: HostSettings) {
        let thread = OwnThread { [self] in
            var turn = Turn(settings: settings)
            run(&turn)
        }
        self.thread.withLock { $0 = thread }
        thread.start()
    }

    func stop() {
        inbox.put(.stop)
        let thread = self.thread.withLock { $0 }
        thread?.join()
    }

    private func run(_ turn: inout Turn) {
        var items: [Item] = []
        var inputs: [HostInput] = []
        var nextTick = Clock.monotonicNanoseconds() + Self.tickNanoseconds
        var again = false
        while true {
            items.removeAll(keepingCapacity: true)
            guard inbox.take(into: &items, until: again ? 0 : nextTick) else { return }
            inputs.removeAll(keepingCapacity: true)
            var stops = false
            for item in items {
                switch item {
                case .input(let input): inputs.append(input)
                case .control(let change): change(&turn)
                case .stop: stops = true
                }
            }
            let now = Clock.monotonicNanoseconds()
            if now >= nextTick {
                inputs.append(.tick)
                nextTick = now + Self.tickNanoseconds
            }
            do {
                let output = try turn.run(inputs, wallMilliseconds: Clock.wallMilliseconds())
                if let log = output.log { storage(log) }
                if !output.state.isEmpty { try state.write(output.state, sync: false) }
                after(output)
                again = output.wantsTurn
            } catch {
                failed(error)
                return
            }
            if stops {
                inbox.close()
                return
            }
        }
    }
}
