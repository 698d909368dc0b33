import Glibc

/// What the system says against a socket: the errno and the call that met it.
package struct SocketError: Error, Sendable, CustomStringConvertible {
    package let number: Int32
    package let action: String
    package var description: String { "\(action): \(String(cString: strerror(number)))" }

    static func last(_ action: String) -> SocketError {
        SocketError(number: errno, action: action)
    }
}

/// A stream socket in the file system; blocking, closed when released.
package final class UnixSocket: Sendable {
    package let descriptor: Int32

    package init(adopting descriptor: Int32) { self.descriptor = descriptor }
    deinit { close(descriptor) }

    package static func connect(to path: String) throws(SocketError) -> UnixSocket {
        let socket = try make()
        let result = try withAddress(path) { Glibc.connect(socket.descriptor, $0, $1) }
        guard result == 0 else { throw .last("connecting to \(path)") }
        return socket
    }

    /// A listening socket that only its owner can reach (mode 0600). A path that nobody listens
    /// on, left by a killed process, is replaced.
    package static func listen(at path: String) throws(SocketError) -> UnixSocket {
        if (try? connect(to: path)) != nil {
            throw SocketError(number: EADDRINUSE, action: "listening on \(path)")
        }
        unlink(path)
        let socket = try make()
        // The mask decides the mode at creation: a later chmod would leave a gap.
        let mask = umask(0o177)
        defer { umask(mask) }
        let bound = try withAddress(path) { Glibc.bind(socket.descriptor, $0, $1) }
        guard bound == 0 else { throw .last("binding \(path)") }
        guard Glibc.listen(socket.descriptor, 16) == 0 else { throw .last("listening on \(path)") }
        return socket
    }

    /// The user who connected, by the kernel's word.
    func peerUserID() -> uid_t? {
        // struct ucred: process, user and group ID, 32 bits each.
        var credentials: [UInt32] = [0, 0, 0]
        var size = socklen_t(12)
        let result = getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size)
        return result == 0 && size == 12 ? credentials[1] : nil
    }

    func setReadTimeout(seconds: Int) {
        var time = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(
            descriptor,
            SOL_SOCKET,
            SO_RCVTIMEO,
            &time,
            socklen_t(MemoryLayout<timeval>.size)
        )
    }

    package func send(_ line: String) throws(SocketError) {
        let bytes = Array((line + "\n").utf8)
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .last("writing to the socket") }
            sent += count
        }
    }

    func shutdown() { _ = Glibc.shutdown(descriptor, Int32(SHUT_RDWR)) }

    private static func make() throws(SocketError) -> UnixSocket {
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_UNIX, type, 0)
        guard descriptor >= 0 else { throw .last("making a socket") }
        return UnixSocket(adopting: descriptor)
    }

    private static func withAddress(
        _ path: String,
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) throws(SocketError) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8) + [0]
        guard bytes.count <= MemoryLayout.size(ofValue: address.sun_path) else {
            throw SocketError(number: ENAMETOOLONG, action: "using \(path) as a socket")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}

/// Splits what arrives into lines; a line may hold at most `lineBytesMax` bytes.
package struct LineReader {
    package static let lineBytesMax = 16 << 20
    private let socket: UnixSocket
    private var buffer: [UInt8] = []

    package init(_ socket: UnixSocket) { self.socket = socket }

    /// The next line without its end; nil when the other side closed.
    package mutating func next() throws(SocketError) -> [UInt8]? {
        var searched = 0
        while true {
            if let end = buffer[searched...].firstIndex(of: 0x0A) {
                let line = Array(buffer[..<end])
                buffer.removeSubrange(...end)
                return line
            }
            searched = buffer.count
            guard buffer.count <= Self.lineBytesMax else {
                throw SocketError(number: EMSGSIZE, action: "reading a line")
            }
            var chunk = [UInt8](repeating: 0, count: 64 << 10)
            let count = recv(socket.descriptor, &chunk, chunk.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .last("reading from the socket") }
            if count == 0 { return nil }
            buffer += chunk[..<count]
        }
    }
}
