/// The asking side: connects, sends one request, hands on progress, returns the result.
package struct AdminClient: Sendable {
    package let socketPath: String

    package init(socketPath: String) { self.socketPath = socketPath }

    package enum Problem: Error, Sendable {
        /// Nobody listens at the path: the daemon is not running, or it is another's.
        case unreachable(SocketError)
        /// The connection ended before the answer; the outcome is unknown.
        case interrupted(String)
        case refused(AdminFailure)
    }

    /// Blocks until the answer is there; a command may take hours (`log.verify`).
    package func call(
        _ request: AdminRequest,
        progress: (AdminValue) -> Void = { _ in }
    ) throws(Problem) -> AdminValue {
        let socket: UnixSocket
        do throws(SocketError) {
            socket = try UnixSocket.connect(to: socketPath)
        } catch {
            throw .unreachable(error)
        }
        do throws(SocketError) {
            try socket.send(request.line)
        } catch {
            throw .interrupted(error.description)
        }
        var lines = LineReader(socket)
        while true {
            let line: [UInt8]?
            do throws(SocketError) {
                line = try lines.next()
            } catch {
                throw .interrupted(error.description)
            }
            guard let line else { throw .interrupted("the daemon closed the connection") }
            switch try? AdminReply(line: line) {
            case .progress(let value): progress(value)
            case .result(let value): return value
            case .failure(let failure): throw .refused(failure)
            case nil: throw .interrupted("the daemon's answer is not understood")
            }
        }
    }
}
