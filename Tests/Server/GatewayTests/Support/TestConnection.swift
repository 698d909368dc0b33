import Glibc

/// A kept-alive HTTP/1.1 connection, blocking. Not safe for two threads at once.
final class TestConnection {
    private let port: Int
    private var descriptor: Int32 = -1
    private var received: [UInt8] = []

    init(_ port: Int) { self.port = port }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Throws where the server resets the connection or closes it without an answer.
    func ask(
        _ method: String,
        _ path: String,
        _ body: [UInt8]?,
        token: String?
    ) throws -> (status: Int, body: [UInt8]) {
        if descriptor < 0 { try open() }
        var head = "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\n"
        if let token { head += "Authorization: Bearer \(token)\r\n" }
        if let body { head += "Content-Length: \(body.count)\r\n" }
        send(Array((head + "\r\n").utf8) + (body ?? []))
        let answer = try read()
        if answer.closes {
            close(descriptor)
            descriptor = -1
            received = []
        }
        return (answer.status, answer.body)
    }

    private func open() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        giveUpAfterHalfAMinute(descriptor)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw ClientError(message: "not connected") }
        var one: Int32 = 1
        setsockopt(
            descriptor,
            Int32(IPPROTO_TCP),
            TCP_NODELAY,
            &one,
            socklen_t(MemoryLayout<Int32>.size)
        )
    }

    private func send(_ bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            // A refused body is not taken to its end: the answer is there to read.
            guard count > 0 else { return }
            sent += count
        }
    }

    private func read() throws -> (status: Int, body: [UInt8], closes: Bool) {
        var end = try headEnd()
        let head = String(decoding: received[..<end], as: UTF8.self).lowercased()
        let parts = head.split(separator: " ", maxSplits: 2)
        guard parts.count >= 2, let status = Int(parts[1]) else {
            throw ClientError(message: "no status: \(head)")
        }
        var count = 0
        for line in head.split(separator: "\r\n") where line.hasPrefix("content-length:") {
            count = Int(line.dropFirst(15).filter { $0 != " " }) ?? 0
        }
        end += 4
        while received.count < end + count { try fill() }
        let body = Array(received[end..<end + count])
        received.removeFirst(end + count)
        return (status, body, head.contains("connection: close"))
    }

    private func headEnd() throws -> Int {
        var searched = 0
        while true {
            var index = searched
            while index + 4 <= received.count {
                if received[index] == 13, received[index + 1] == 10, received[index + 2] == 13,
                    received[index + 3] == 10
                {
                    return index
                }
                index += 1
            }
            searched = max(0, received.count - 3)
            try fill()
        }
    }

    private func fill() throws {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { throw ClientError(message: "the connection broke: \(errno)") }
        received += buffer[..<count]
    }
}
