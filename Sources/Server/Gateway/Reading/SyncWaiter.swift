package import KeyValue
package import MatrixModel
import MultiRaft
import Synchronization

/// The long poll. A sync that has nothing to tell is kept until the feed wakes it or its own
/// time-out comes; no other timer touches it.
///
/// A waiting request is one small object with callbacks, no task and no thread. Looking happens
/// on the reading pool: the first time through `execute`, later on whatever thread the feed's
/// hand-over brings, which must be the pool too.
package final class SyncWaiter<Store: KeyValueReader>: Sendable {
    /// Runs a job soon, on the reading pool.
    package typealias Execute = @Sendable (@escaping @Sendable () -> Void) -> Void
    /// Runs a job after so many milliseconds unless the returned closure is called before.
    package typealias Schedule =
        @Sendable (_ milliseconds: UInt64, _ job: @escaping @Sendable () -> Void) ->
        @Sendable () -> Void
    package typealias Answer = @Sendable (Result<[UInt8], MatrixError>) -> Void

    package struct Limits: Sendable {
        /// Above it the oldest is answered at once with nothing new.
        package var perDevice = 2
        package var perUser = 20
        package init(perDevice: Int = 2, perUser: Int = 20) {
            self.perDevice = perDevice
            self.perUser = perUser
        }
    }

    private let service: ReadService<Store>
    private let execute: Execute
    private let schedule: Schedule
    private let limits: Limits
    /// By user, oldest first.
    private let polls = Mutex<[String: [Poll]]>([:])

    package init(
        service: ReadService<Store>,
        limits: Limits = Limits(),
        execute: @escaping Execute,
        schedule: @escaping Schedule
    ) {
        self.service = service
        self.limits = limits
        self.execute = execute
        self.schedule = schedule
    }

    /// Answers exactly once, on a thread of the pool or of the schedule, unless the ticket is
    /// cancelled before.
    @discardableResult
    package func start(_ request: SyncRequest, _ answer: @escaping Answer) -> SyncTicket {
        let poll = Poll(request, answer)
        let released = polls.withLock { polls in
            polls[request.requester.userID, default: []].append(poll)
            return overdue(in: polls[request.requester.userID]!, for: request.requester.deviceID)
        }
        for old in released { release(old) }
        execute { self.begin(poll) }
        return SyncTicket(poll: poll)
    }

    /// The client went away: nobody is answered.
    package func cancel(_ ticket: SyncTicket) {
        end(ticket.poll)
    }

    /// The tokens of these devices, or of all the user's, are void: whoever waits with one is told
    /// so at once, and nothing of a look that is under way.
    package func revoke(_ user: String, devices: [String]? = nil) {
        let void = polls.withLock { polls in
            (polls[user] ?? []).filter { devices?.contains($0.deviceID) ?? true }
        }
        for poll in void { finish(poll, .failure(.unknownToken())) }
    }

    /// The same for one poll, whose token was void before it was known here.
    package func revoke(_ ticket: SyncTicket) {
        finish(ticket.poll, .failure(.unknownToken()))
    }

    /// How many are waiting or being looked at.
    package var count: Int { polls.withLock { $0.values.reduce(0) { $0 + $1.count } } }

    /// Answers everybody at once: the node goes down.
    package func releaseAll() {
        let all = polls.withLock { $0.values.flatMap { $0 } }
        for poll in all { release(poll) }
    }

    private func overdue(in polls: [Poll], for device: String) -> [Poll] {
        let own = polls.filter { $0.deviceID == device }
        var released = Array(own.prefix(max(0, own.count - limits.perDevice)))
        let left = polls.count - released.count
        if left > limits.perUser {
            released += polls.filter { poll in !released.contains { $0 === poll } }
                .prefix(left - limits.perUser)
        }
        return released
    }

    // MARK: Steps

    private func begin(_ poll: Poll) {
        do {
            let sync = try service.answering { try service.prepare(poll.request) }
            look(poll, sync)
        } catch {
            finish(poll, .failure(error))
        }
    }

    /// Looks one after another before others get the thread.
    private static var roundsMax: Int { 3 }

    private func look(_ poll: Poll, _ sync: PreparedSync) {
        for _ in 0..<Self.roundsMax {
            let look: SyncLook
            do {
                look = try service.answering { try service.look(sync) }
            } catch {
                finish(poll, .failure(error))
                return
            }
            guard look.isEmpty, sync.since != nil, !sync.fullState, sync.timeout > 0 else {
                finish(poll, .success(look.body))
                return
            }
            switch wait(poll, sync, look) {
            case .waiting: return
            case .lookAgain: continue
            case .finish:
                finish(poll, .success(look.body))
                return
            }
        }
        // A busy room that the filter leaves out: there is something new after every look.
        execute { self.look(poll, sync) }
    }

    private enum Next {
        case waiting, lookAgain, finish
    }

    private func wait(_ poll: Poll, _ sync: PreparedSync, _ look: SyncLook) -> Next {
        let isOver = poll.state.withLock { state -> Bool? in
            if case .done = state.phase { return nil }
            if state.isReleased { return true }
            state.phase = .registering
            state.rang = false
            state.body = look.body
            return false
        }
        guard let isOver else { return .waiting }
        if isOver { return .finish }
        let waiter = service.feed.wait(
            look.subscription,
            after: look.serial,
            now: service.now()
        ) { [self] in wake(poll, sync) }
        let next = poll.state.withLock { state -> Next in
            if case .done = state.phase { return .waiting }
            if state.isReleased { return .finish }
            guard let waiter, !state.rang else {
                state.phase = .looking
                return .lookAgain
            }
            state.phase = .waiting(waiter)
            return .waiting
        }
        if case .waiting = next {
            startTimer(poll, sync.timeout)
            // Cancelled while registering: the feed still knows it.
            if poll.isDone, let waiter { service.feed.giveUp(waiter) }
        } else if let waiter {
            service.feed.giveUp(waiter)
        }
        return next
    }

    private func startTimer(_ poll: Poll, _ timeout: UInt64) {
        let starts = poll.state.withLock { state in
            guard !state.hasTimer, !state.isDone else { return false }
            state.hasTimer = true
            return true
        }
        guard starts else { return }
        let stop = schedule(timeout) { [self] in release(poll) }
        let isLate = poll.state.withLock { state in
            if !state.isDone { state.stopTimer = stop }
            return state.isDone
        }
        if isLate { stop() }
    }

    private func wake(_ poll: Poll, _ sync: PreparedSync) {
        let looks = poll.state.withLock { state -> Bool in
            switch state.phase {
            case .registering:
                state.rang = true
                return false
            case .waiting:
                state.phase = .looking
                return true
            case .looking, .done: return false
            }
        }
        if looks { look(poll, sync) }
    }

    /// Time is up, or a newer poll of the device took the place: answered with what the last look
    /// gave, at once or when the look that is under way ends.
    private func release(_ poll: Poll) {
        let body = poll.state.withLock { state -> [UInt8]? in
            state.isReleased = true
            guard case .waiting = state.phase else { return nil }
            return state.body
        }
        if let body { finish(poll, .success(body)) }
    }

    private func finish(_ poll: Poll, _ result: Result<[UInt8], MatrixError>) {
        if let answer = end(poll) { answer(result) }
    }

    /// Takes the poll out of everything; its answer is given out once.
    @discardableResult
    private func end(_ poll: Poll) -> Answer? {
        let (answer, waiter, stop) = poll.state.withLock { state in
            var waiter: FeedWaiter?
            if case .waiting(let found) = state.phase { waiter = found }
            state.phase = .done
            defer {
                state.answer = nil
                state.stopTimer = nil
                state.body = []
            }
            return (state.answer, waiter, state.stopTimer)
        }
        stop?()
        if let waiter { service.feed.giveUp(waiter) }
        guard answer != nil else { return nil }
        let user = poll.request.requester.userID
        polls.withLock { polls in
            guard let place = polls[user]?.firstIndex(where: { $0 === poll }) else { return }
            polls[user]!.remove(at: place)
            if polls[user]!.isEmpty { polls[user] = nil }
        }
        return answer
    }
}

/// A long poll under way, to be cancelled when its client goes away.
package struct SyncTicket: Sendable {
    let poll: Poll
}

/// One request and where it is.
final class Poll: Sendable {
    enum Phase {
        /// On the pool, reading. Becomes registering, or done.
        case looking
        /// Between the look and the feed's answer. Becomes waiting, or looking when it rang.
        case registering
        /// Known to the feed. Becomes looking when it rings, done when released.
        case waiting(FeedWaiter)
        case done
    }

    struct State: Sendable {
        var phase = Phase.looking
        var rang = false
        /// To be answered as soon as no look is under way.
        var isReleased = false
        var hasTimer = false
        var body: [UInt8] = []
        var answer: (@Sendable (Result<[UInt8], MatrixError>) -> Void)?
        var stopTimer: (@Sendable () -> Void)?

        var isDone: Bool { if case .done = phase { true } else { false } }
    }

    let request: SyncRequest
    let state: Mutex<State>

    init(
        _ request: SyncRequest,
        _ answer: @escaping @Sendable (Result<[UInt8], MatrixError>) -> Void
    ) {
        self.request = request
        state = Mutex(State(answer: answer))
    }

    var deviceID: String { request.requester.deviceID }
    var isDone: Bool { state.withLock { $0.isDone } }
}
