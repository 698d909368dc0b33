import AdminProtocol
import Configuration
import Encryption
import KeyFiles
import Logging
import MultiRaft
import Observability
import RocksKeyValue
import Synchronization

/// New data-key epochs: when somebody asks, and when the one in use is old enough. Files go on
/// under the epoch they were written with; those written from then on use the new one.
final class KeyRotation: Sendable {
    private let files: NodeFiles
    private let node: RocksNode
    private let logger: Logger
    private let days: Int
    /// One at a time: by hand and by age.
    private let turn = Mutex(())

    init(
        _ configuration: Configuration,
        _ files: NodeFiles,
        _ node: RocksNode,
        _ logger: Logger
    ) {
        self.files = files
        self.node = node
        self.logger = logger
        days = configuration.keys.rotationDays
    }

    /// Returns the new epoch.
    func rotate() throws -> UInt32 {
        try turn.withLock { _ in try begin() }
    }

    private func begin() throws -> UInt32 {
        try makeRoom()
        let ring = try files.ringChanges.rotate(.data)
        let current = ring.current(.data)
        // The ring is durable before a file is written under the new key.
        try files.dataKeys.add(epoch: current.epoch, key: current.secret.exposedBytes)
        try files.dataKeys.setCurrent(current.epoch)
        node.keys.replace(ring)
        logger.record(.notice, "a new data-key epoch", [.epoch: LogValue(current.epoch)])
        return current.epoch
    }

    /// The epochs a node can hold are bounded. At the bound, those go that no file is under.
    private func makeRoom() throws {
        let epochs = node.keys.ring.epochs(of: .data)
        guard epochs.count >= DataKeyring.epochsMax else { return }
        let named = try files.namedDataEpochs()
        // A file that is being made may be under one of the last.
        let unused = epochs.dropLast(Self.epochsSpared).filter { !named.contains($0) }
        guard !unused.isEmpty else {
            throw KeyError(
                .ringRefused,
                "the key ring holds \(epochs.count) data keys, and files are under all of them",
                remedy: "remove the folders state-before-loss-* that are no longer needed"
            )
        }
        node.keys.replace(try files.ringChanges.drop(.data, epochs: unused))
        for epoch in unused { try files.dataKeys.remove(epoch: epoch) }
        logger.record(
            .notice,
            "data-key epochs without files were dropped",
            [.count: LogValue(unused.count)]
        )
    }

    private static let epochsSpared = 8

    /// Milliseconds since 1970 at which the epoch in use is too old.
    var due: UInt64 {
        node.keys.ring.current(.data).createdMilliseconds + UInt64(days) * 86_400_000
    }

    /// Cheap; call it now and then. What fails is logged and tried at the next call.
    func rotateIfDue(now: UInt64) {
        do {
            try turn.withLock { _ in
                if now >= due { _ = try begin() }
            }
        } catch {
            let code = (error as? KeyError)?.code ?? .ringUnusable
            logger.record(
                .error,
                "the data key could not be rotated",
                [.code: LogValue(code.rawValue), .reason: LogValue("\(error)")]
            )
        }
    }

    /// Never a key: epochs, when each began, and what still lies under it.
    func status() throws -> AdminValue {
        let ring = node.keys.ring
        var files: [UInt32: (count: Int64, bytes: Int64)] = [:]
        for store in [self.files.log, self.files.state] {
            for file in try RocksKeyValueStore.storedFiles(in: store.path) {
                guard let epoch = file.epoch else { continue }
                files[epoch, default: (0, 0)].count += 1
                files[epoch, default: (0, 0)].bytes += Int64(file.bytes)
            }
        }
        let current = ring.current(.data)
        let epochs = ring.keys.filter { $0.kind == .data }.map { key -> AdminValue in
            [
                "epoch": .integer(Int64(key.epoch)),
                "created": .string(utc(milliseconds: key.createdMilliseconds)),
                "files": .integer(files[key.epoch]?.count ?? 0),
                "bytes": .integer(files[key.epoch]?.bytes ?? 0),
                "current": .bool(key.epoch == current.epoch),
            ]
        }
        return [
            "generation": .integer(Int64(ring.generation)),
            "current_data_epoch": .integer(Int64(current.epoch)),
            "rotation_days": .integer(Int64(days)),
            "next_rotation": .string(utc(milliseconds: due)),
            "wrap_epochs": .array(ring.epochs(of: .wrap).map { .integer(Int64($0)) }),
            "data_epochs": .array(epochs),
        ]
    }
}
