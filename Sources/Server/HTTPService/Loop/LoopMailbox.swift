import Glibc
import NIOCore
import Synchronization

/// Answers on their way from other threads to one event loop. Many of them share one wake-up.
final class LoopMailbox: Sendable {
    struct Parcel: Sendable {
        enum Content: Sendable {
            case answer(HTTPResponse)
            case nothing
            case deadline(milliseconds: Int)
        }

        let exchange: Exchange
        let content: Content

        func open() {
            switch content {
            case .answer(let response): exchange.deliver(response)
            case .nothing: exchange.deliverFault()
            case .deadline(let milliseconds): exchange.schedule(afterMilliseconds: milliseconds)
            }
        }
    }

    private struct Box {
        var parcels: [Parcel] = []
        var isSealed = false
    }

    let eventLoop: any EventLoop
    let counters = LoopCounters()
    private let box = Mutex(Box())

    init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    func post(_ parcel: Parcel) {
        if let round = PostingRound.current {
            round.add(parcel, to: self)
        } else {
            post([parcel])
        }
    }

    fileprivate func post(_ parcels: [Parcel]) {
        // The wake-up happens under the lock: once sealed, no loop that may have ended is woken.
        box.withLock { box in
            guard !box.isSealed else { return }
            let isFirst = box.parcels.isEmpty
            box.parcels.append(contentsOf: parcels)
            if isFirst { eventLoop.execute { self.drain() } }
        }
    }

    /// The loop ends: what is posted from now on is dropped.
    func seal() {
        box.withLock { $0.isSealed = true }
    }

    private func drain() {
        let batch = box.withLock { box in
            let batch = box.parcels
            box.parcels = []
            return batch
        }
        batch.first?.exchange.context.batch {
            for parcel in batch { parcel.open() }
        }
    }
}

/// What one thread posts while it runs a piece of work, by mailbox: each is filled and each loop
/// woken once, at the end. A loop that is woken for the first of many answers would take it and
/// sleep again, over and over.
private final class PostingRound {
    private var posts: [(mailbox: LoopMailbox, parcels: [LoopMailbox.Parcel])] = []

    /// Each thread's own; nobody else sees it.
    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        let result = pthread_key_create(&key, nil)
        precondition(result == 0, "no key for what belongs to a thread")
        return key
    }()

    static var current: PostingRound? {
        pthread_getspecific(key).map {
            Unmanaged<PostingRound>.fromOpaque($0).takeUnretainedValue()
        }
    }

    static func run(_ body: () -> Void) {
        guard current == nil else { return body() }
        let round = PostingRound()
        withExtendedLifetime(round) {
            pthread_setspecific(key, Unmanaged.passUnretained(round).toOpaque())
            body()
            pthread_setspecific(key, nil)
        }
        for post in round.posts { post.mailbox.post(post.parcels) }
    }

    func add(_ parcel: LoopMailbox.Parcel, to mailbox: LoopMailbox) {
        // One mailbox for each event loop: a handful.
        if let place = posts.firstIndex(where: { $0.mailbox === mailbox }) {
            posts[place].parcels.append(parcel)
        } else {
            posts.append((mailbox, [parcel]))
        }
    }
}

extension HTTPServer {
    /// Runs `body`. The answers it gives on this thread leave together when it is done: each event
    /// loop is woken once, not once for the first of them and again for those that come after.
    /// `body` must not wait: until it ends nothing of it is sent.
    package static func sendingTogether(_ body: () -> Void) { PostingRound.run(body) }
}
