import Dispatch
import Logging
import MultiRaft
import Observability
import Synchronization

/// What must happen now and then: folded rows reach the disk, the data key changes, and the feed
/// forgets who left.
///
/// `@unchecked Sendable`: `timer` is written once by `start`, before anybody else has this object.
final class Upkeep: @unchecked Sendable {
    static let entriesMax = 100_000
    static let bytesMax = 64 << 20
    static let flushSeconds = 60
    private static let rotationCheckSeconds = 60

    private let node: RocksNode
    private let feed: ChangeFeed
    private let disk: DiskReserve
    private let health: Health
    private let rotation: KeyRotation
    private let logger: Logger
    private let queue = DispatchQueue(label: "wbl-upkeep")
    private var timer: (any DispatchSourceTimer)?
    private struct Times {
        var sinceFlush = 0
        var sinceStart = 0
        /// Milliseconds since 1970.
        var lastFlush: UInt64?
    }
    private let times = Mutex(Times())

    init(
        node: RocksNode,
        feed: ChangeFeed,
        disk: DiskReserve,
        health: Health,
        rotation: KeyRotation,
        logger: Logger
    ) {
        self.node = node
        self.feed = feed
        self.disk = disk
        self.health = health
        self.rotation = rotation
        self.logger = logger
    }

    func start() {
        let source = DispatchSource.makeTimerSource(queue: queue)
        watchDisk()
        rotation.rotateIfDue(now: wallMilliseconds())
        source.schedule(deadline: .now() + 1, repeating: 1)
        source.setEventHandler { [self] in everySecond() }
        source.resume()
        timer = source
    }

    func stop() {
        timer?.cancel()
        queue.sync {}
    }

    private func watchDisk() {
        let (changed, level) = disk.look()
        if level == .enough { health.remove(.outOfSpace) } else { health.add(.outOfSpace) }
        guard changed else { return }
        switch level {
        case .enough: logger.record(.notice, "the disk has space again: writes resume")
        case .low:
            logger.record(
                .error,
                "the disk is nearly full: writes are refused",
                [.code: "E-DISK-LOW"]
            )
        case .critical:
            logger.record(
                .error,
                "the disk is almost full: redactions and logouts are refused too",
                [.code: "E-DISK-CRITICAL"]
            )
        }
    }

    private func everySecond() {
        watchDisk()
        feed.sweep(now: wallMilliseconds())
        let (waited, age) = times.withLock {
            $0.sinceFlush += 1
            $0.sinceStart += 1
            return ($0.sinceFlush, $0.sinceStart)
        }
        if age % Self.rotationCheckSeconds == 0 { rotation.rotateIfDue(now: wallMilliseconds()) }
        let (entries, bytes) = node.unflushed
        guard entries > 0,
            entries >= Self.entriesMax || bytes >= Self.bytesMax || waited >= Self.flushSeconds
        else { return }
        times.withLock { $0.sinceFlush = 0 }
        do {
            try node.flush()
            times.withLock { $0.lastFlush = wallMilliseconds() }
            health.remove(.faulty)
        } catch {
            health.add(.faulty)
            logger.record(.error, "rows could not be flushed", [.reason: LogValue("\(error)")])
        }
    }

    /// When folded rows were last brought to the disk for their age or number; milliseconds since
    /// 1970.
    var lastFlush: UInt64? { times.withLock { $0.lastFlush } }
}
