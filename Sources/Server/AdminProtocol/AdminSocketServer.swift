import Glibc
import Synchronization

/// The answering side: a thread that accepts and one for each connection, so that a command may
/// block (a verify reads the whole log) without touching any other part of the node.
///
/// Only the user that runs the daemon and root are answered; the kernel says who connected.
package final class AdminSocketServer: Sendable {
    /// Runs on the connection's own thread and may block. What it throws is sent as the failure.
    /// `progress` may be called any number of times before it returns.
    package typealias Handler =
        @Sendable (_ request: AdminRequest, _ progress: (AdminValue) -> Void)
        throws(AdminFailure) -> AdminValue

    private static let connectionsMax = 32

    private struct State {
        var isStopped = false
        var connections: [ObjectIdentifier: UnixSocket] = [:]
    }

    package let path: String
    private let listener: UnixSocket
    private let handler: Handler
    private let state = Mutex(State())

    /// Listens at `path` from now on; answers nothing before `start`.
    package init(path: String, handler: @escaping Handler) throws(SocketError) {
        self.path = path
        self.handler = handler
        listener = try UnixSocket.listen(at: path)
    }

    package func start() {
        runThread { [self] in acceptLoop() }
    }

    /// Takes no more requests and cuts the open connections. Commands that run go on to their
    /// end; their answers go nowhere.
    package func stop() {
        let open = state.withLock { state -> [UnixSocket]? in
            guard !state.isStopped else { return nil }
            state.isStopped = true
            return Array(state.connections.values)
        }
        guard let open else { return }
        unlink(path)
        listener.shutdown()
        for connection in open { connection.shutdown() }
    }

    private func acceptLoop() {
        while true {
            let descriptor = accept(listener.descriptor, nil, nil)
            if state.withLock(\.isStopped) {
                if descriptor >= 0 { close(descriptor) }
                return
            }
            guard descriptor >= 0 else {
                // Out of descriptors or memory: leave the others time to finish.
                if errno != EINTR, errno != ECONNABORTED { usleep(100_000) }
                continue
            }
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            let connection = UnixSocket(adopting: descriptor)
            let mayServe = state.withLock { state in
                guard state.connections.count < Self.connectionsMax else { return false }
                state.connections[ObjectIdentifier(connection)] = connection
                return true
            }
            guard mayServe else { continue }
            runThread { [self] in
                serve(connection)
                state.withLock {
                    _ = $0.connections.removeValue(forKey: ObjectIdentifier(connection))
                }
            }
        }
    }

    private func serve(_ connection: UnixSocket) {
        guard let peer = connection.peerUserID(), peer == geteuid() || peer == 0 else {
            try? connection.send(
                AdminReply.failure(
                    AdminFailure(
                        code: "E-ADMIN-PEER",
                        message: "only the user that runs the server, and root, may do this"
                    )
                ).line
            )
            return
        }
        connection.setReadTimeout(seconds: 300)
        var lines = LineReader(connection)
        while let line = try? lines.next() {
            if line.isEmpty { continue }
            guard (try? connection.send(answer(line, on: connection).line)) != nil else { return }
        }
    }

    private func answer(_ line: [UInt8], on connection: UnixSocket) -> AdminReply {
        let request: AdminRequest
        do throws(AdminParseError) {
            request = try AdminRequest(line: line)
        } catch {
            return .failure(.badArgument("the request is not understood: \(error)"))
        }
        do throws(AdminFailure) {
            return .result(
                try handler(request) { try? connection.send(AdminReply.progress($0).line) }
            )
        } catch {
            return .failure(error)
        }
    }
}

/// A detached thread of its own; the cooperative pool is not for work that blocks.
private func runThread(_ body: @escaping @Sendable () -> Void) {
    final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    var thread = pthread_t()
    let argument = Unmanaged.passRetained(Box(body)).toOpaque()
    let result = pthread_create(
        &thread,
        &attributes,
        { argument in
            Unmanaged<Box>.fromOpaque(argument!).takeRetainedValue().body()
            return nil
        },
        argument
    )
    pthread_attr_destroy(&attributes)
    precondition(result == 0, "a thread for the administration socket could not be made")
}
