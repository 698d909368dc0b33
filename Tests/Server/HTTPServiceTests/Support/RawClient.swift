import Glibc

/// A client that sends exactly the bytes it is told to, over a blocking loopback socket.
final class RawClient {
    private let descriptor: Int32
    private var buffered: [UInt8] = []
    private(set) var isAtEnd = false

    /// - Parameter receiveBufferBytes: small values make a client that cannot take much.
    init(port: Int, from source: String = "127.0.0.1", receiveBufferBytes: Int32? = nil) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var timeout = timeval(tv_sec: 10, tv_usec: 0)
        let timeoutSize = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, timeoutSize)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, timeoutSize)
        if var bytes = receiveBufferBytes {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, 4)
        }
        var local = Self.address(source, 0)
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafePointer(to: &local) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) }
        }
        guard bound == 0 else { throw Failure(what: "bind", code: errno) }
        var remote = Self.address("127.0.0.1", port)
        let connected = withUnsafePointer(to: &remote) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
        }
        guard connected == 0 else { throw Failure(what: "connect", code: errno) }
    }

    struct Failure: Error {
        let what: String
        let code: Int32
    }

    deinit { Glibc.close(descriptor) }

    private static func address(_ host: String, _ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        inet_pton(AF_INET, host, &address.sin_addr)
        return address
    }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Failure(what: "send", code: errno) }
            sent += count
        }
    }

    /// Ends the sending side only.
    func shutdownSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Ends everything with a reset.
    func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(
            descriptor,
            SOL_SOCKET,
            SO_LINGER,
            &linger,
            socklen_t(MemoryLayout.size(ofValue: linger))
        )
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    /// Reads more; false at the end or after ten silent seconds.
    private func fill() throws -> Bool {
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        let count = recv(descriptor, &chunk, chunk.count, 0)
        guard count >= 0 else {
            if errno == ECONNRESET {
                isAtEnd = true
                return false
            }
            throw Failure(what: "receive", code: errno)
        }
        isAtEnd = count == 0
        buffered += chunk[..<count]
        return count > 0
    }

    struct Answer {
        let status: Int
        let head: String
        let body: [UInt8]
        var text: String { String(decoding: body, as: UTF8.self) }

        func header(_ name: String) -> String? {
            for line in head.split(separator: "\r\n").dropFirst() {
                let parts = line.split(separator: ":", maxSplits: 1)
                guard parts.count == 2, parts[0].lowercased() == name.lowercased() else { continue }
                return String(parts[1].drop { $0 == " " })
            }
            return nil
        }
    }

    /// The next answer; nil when the server closed instead.
    func answer(hasBody: Bool = true) throws -> Answer? {
        var end = headEnd()
        while end == nil {
            guard try fill() else { return nil }
            end = headEnd()
        }
        guard let end else { return nil }
        let head = String(decoding: buffered[..<end], as: UTF8.self)
        buffered.removeFirst(end)
        let status = Int(head.dropFirst(9).prefix(3)) ?? 0
        var answer = Answer(status: status, head: head, body: [])
        guard hasBody, let length = answer.header("content-length").flatMap({ Int($0) }) else {
            return answer
        }
        while buffered.count < length { guard try fill() else { return nil } }
        answer = Answer(status: status, head: head, body: Array(buffered[..<length]))
        buffered.removeFirst(length)
        return answer
    }

    private func headEnd() -> Int? {
        guard buffered.count >= 4 else { return nil }
        for index in 0...(buffered.count - 4)
        where buffered[index..<(index + 4)].elementsEqual("\r\n\r\n".utf8) { return index + 4 }
        return nil
    }

    /// Whether the server closes within ten seconds, with nothing more to say.
    func closes() throws -> Bool {
        while !isAtEnd { guard try fill() else { break } }
        return isAtEnd && buffered.isEmpty
    }
}
