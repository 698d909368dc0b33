import Configuration
import Glibc
import Homeserver
import MatrixModel
import Synchronization

/// Keeps the disk from filling up: below the reserve nothing new is recorded, while reads and
/// whatever gives space or access back go on (architecture 5).
final class DiskReserve: Sendable {
    private let directory: String
    private let lowBytes: UInt64
    private let isLow = Atomic<Bool>(false)

    init(_ configuration: Configuration) {
        directory = configuration.data.directory
        lowBytes = UInt64(configuration.storage.reserveLowBytes)
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
    func look() -> (changed: Bool, isLow: Bool) {
        let now = freeBytes < lowBytes
        return (isLow.exchange(now, ordering: .relaxed) != now, now)
    }

    var isRefusing: Bool { isLow.load(ordering: .relaxed) }

    func refusal(of command: Command) -> MatrixError? {
        guard isRefusing, !command.relieves else { return nil }
        return MatrixError(
            .unknown,
            "The server's disk is nearly full: nothing new is stored until there is space",
            status: 503
        )
    }
}

extension Command {
    /// Gives space or access back, so it passes when the disk is low.
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
