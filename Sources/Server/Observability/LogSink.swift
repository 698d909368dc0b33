import Glibc
import Synchronization

/// Where log lines go: standard error or a file (mode 0600, appended to). One write per line, so
/// that lines of several threads and processes do not mix.
package final class LogSink: Sendable {
    private let path: String?
    private let descriptor: Mutex<Int32>

    package static let standardError = LogSink()

    private init() {
        path = nil
        descriptor = Mutex(STDERR_FILENO)
    }

    /// Nil when the file cannot be opened; `errno` says why.
    package init?(file path: String) {
        guard let opened = Self.open(path) else { return nil }
        self.path = path
        descriptor = Mutex(opened)
    }

    deinit {
        if path != nil { _ = descriptor.withLock { close($0) } }
    }

    /// Opens the file anew, for after it was renamed by a log rotation. The old one stays in use
    /// when that fails.
    package func reopen() {
        guard let path, let opened = Self.open(path) else { return }
        descriptor.withLock {
            close($0)
            $0 = opened
        }
    }

    /// A log that cannot be written must not stop the server: failures are ignored.
    package func write(line: String) {
        let bytes = Array(line.utf8)
        descriptor.withLock { descriptor in
            var sent = 0
            while sent < bytes.count {
                let count = bytes[sent...].withUnsafeBytes {
                    Glibc.write(descriptor, $0.baseAddress, $0.count)
                }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return }
                sent += count
            }
        }
    }

    private static func open(_ path: String) -> Int32? {
        let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        return descriptor < 0 ? nil : descriptor
    }
}
