import Configuration
import Dispatch
import Glibc
import HTTPService
import Logging
import Observability
import Synchronization

/// SIGTERM and SIGINT stop the node, SIGHUP lets it read files again; from before the start on.
///
/// `@unchecked Sendable`: the sources are made once, before anybody else has this object.
final class Signals: @unchecked Sendable {
    private enum Phase: Sendable {
        /// What a start did so far is on the disk; it may end at any moment.
        case starting(@Sendable () -> Never)
        case serving
    }

    private let phase: Mutex<Phase>
    private let hangUp = Mutex<@Sendable () -> Void>({})
    private let stopped = DispatchSemaphore(value: 0)
    private let queue = DispatchQueue(label: "wbl-signals")
    private var sources: [any DispatchSourceSignal] = []

    /// - Parameter abandon: Ends the process while it is still starting.
    init(abandon: @escaping @Sendable () -> Never) {
        phase = Mutex(.starting(abandon))
        watch(SIGTERM) { [unowned self] in stop() }
        watch(SIGINT) { [unowned self] in stop() }
        watch(SIGHUP) { [unowned self] in hangUp.withLock { $0 }() }
    }

    private func watch(_ number: Int32, _ body: @escaping @Sendable () -> Void) {
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
        source.setEventHandler(handler: body)
        source.resume()
        sources.append(source)
    }

    private func stop() {
        switch phase.withLock({ $0 }) {
        case .starting(let abandon): abandon()
        case .serving: stopped.signal()
        }
    }

    /// What SIGHUP does from now on.
    func onHangUp(_ body: @escaping @Sendable () -> Void) { hangUp.withLock { $0 = body } }

    /// From here on a stop is an orderly one.
    func serve() { phase.withLock { $0 = .serving } }

    func waitForStop() { stopped.wait() }
}

/// What SIGHUP reads again: the level of the log and its file, the certificate and its key. What
/// is wrong with the new ones is logged, and the old ones stay.
struct Reload: Sendable {
    let read: @Sendable () throws -> Configuration
    let log: NodeLog
    let server: HTTPServer
    let usesTLS: Bool

    func run() {
        let logger = log.logger
        do {
            let fresh = try read()
            log.reload(fresh)
            logger.record(
                .notice,
                "the log's settings were read again",
                [.level: LogValue(fresh.logging.level.rawValue)]
            )
        } catch {
            logger.record(
                .error,
                "the new configuration was refused: the old one stays",
                [.code: "E-CONFIG", .reason: LogValue("\(error)")]
            )
        }
        guard usesTLS else { return }
        do {
            try server.reloadTLS()
            logger.record(.notice, "the certificate was read again")
        } catch {
            logger.record(
                .error,
                "the new certificate was refused: the old one stays",
                [.code: "E-TLS", .reason: LogValue("\(error)")]
            )
        }
    }
}
