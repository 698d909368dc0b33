import Configuration
import Glibc
import Homeserver
import MatrixModel
import Synchronization

/// Keeps the disk from filling up. Below the low reserve nothing new is recorded, while reads and
/// whatever gives space or access back go on; below the critical one that is refused as well, and
/// only what the node owes itself (outboxes, key rounds) is still written.
final class DiskReserve: Sendable {
    enum Level: Int {
        case enough, low, critical
    }

    private let directory: String
    let lowBytes: UInt64
    let criticalBytes: UInt64
    private let found = Atomic<Int>(Level.enough.rawValue)

    init(_ configuration: Configuration) {
        directory = configuration.data.directory
        lowBytes = UInt64(configuration.storage.reserveLowBytes)
        criticalBytes = UInt64(configuration.storage.reserveCriticalBytes)
        look()
    }

    /// Bytes that an ordinary user could still write there.
    var freeBytes: UInt64 {
        var figures = statvfs()
        guard statvfs(directory, &figures) == 0 else { return .max }
        return UInt64(figures.f_bavail) * UInt64(figures.f_frsize)
    }

    /// Looks again. Returns whether it changed, and to what.
    @discardableResult
    func look() -> (changed: Bool, level: Level) {
        let free = freeBytes
        let now: Level = free < criticalBytes ? .critical : free < lowBytes ? .low : .enough
        return (found.exchange(now.rawValue, ordering: .relaxed) != now.rawValue, now)
    }

    /// As it was found last.
    var level: Level { Level(rawValue: found.load(ordering: .relaxed))! }

    func refusal(of command: Command) -> MatrixError? {
        switch level {
        case .enough: return nil
        case .low where command.relieves: return nil
        case .low, .critical: break
        }
        return MatrixError(
            .unknown,
            "The server's disk is nearly full: nothing new is stored until there is space",
            status: 503
        )
    }
}

extension Command {
    /// Gives space or access back, so it passes when the disk is low, not critical.
    fileprivate var relieves: Bool {
        switch action {
        case .sendEvent(let send): send.draft.redacts != nil
        case .removeDevices, .deactivate, .removeAlias, .destroyKeys, .forgetRoom,
            .restateKeys, .acknowledgeOutbox, .deliver, .createKeys:
            true
        default: false
        }
    }
}
