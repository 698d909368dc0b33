import Dispatch
import Logging
import MultiRaft
import Observability
import Synchronization

/// What must happen now and then: folded rows reach the disk, and the feed forgets who left.
///
/// `@unchecked Sendable`: `timer` is written once by `start`, before anybody else has this object.
final class Upkeep: @unchecked Sendable {
    static let entriesMax = 100_000
    static let bytesMax = 64 << 20
    static let flushSeconds = 60

    private let node: RocksNode
    private let feed: ChangeFeed
    private let disk: DiskReserve
    private let health: Health
    private let logger: Logger
    private let queue = DispatchQueue(label: "wbl-upkeep")
    private var timer: (any DispatchSourceTimer)?
    private let seconds = Mutex(0)

    init(
        node: RocksNode,
        feed: ChangeFeed,
        disk: DiskReserve,
        health: Health,
        logger: Logger
    ) {
        self.node = node
        self.feed = feed
        self.disk = disk
        self.health = health
        self.logger = logger
    }

    func start() {
        let source = DispatchSource.makeTimerSource(queue: queue)
        watchDisk()
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
        let (changed, isLow) = disk.look()
        if isLow { health.add("disk_low") } else { health.remove("disk_low") }
        guard changed else { return }
        if isLow {
            logger.record(
                .error,
                "the disk is nearly full: writes are refused",
                [.code: "E-DISK-LOW"]
            )
        } else {
            logger.record(.notice, "the disk has space again: writes resume")
        }
    }

    private func everySecond() {
        watchDisk()
        feed.sweep(now: wallMilliseconds())
        let waited = seconds.withLock {
            $0 += 1
            return $0
        }
        let (entries, bytes) = node.unflushed
        guard entries > 0,
            entries >= Self.entriesMax || bytes >= Self.bytesMax || waited >= Self.flushSeconds
        else { return }
        seconds.withLock { $0 = 0 }
        do {
            try node.flush()
        } catch {
            logger.record(.error, "rows could not be flushed", [.reason: LogValue("\(error)")])
        }
    }
}
