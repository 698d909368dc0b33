import Glibc

struct ClientError: Error {
    var message: String
}

/// One HTTP/1.1 exchange over a connection of its own, blocking.
func exchange(
    _ port: Int,
    _ method: String,
    _ path: String,
    _ body: String?,
    token: String?,
    from source: String = "127.0.0.1"
) throws -> TestResponse {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw ClientError(message: "no socket") }
    defer { close(descriptor) }
    giveUpAfterHalfAMinute(descriptor)
    func address(_ host: String, _ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = inet_addr(host)
        return address
    }
    let size = socklen_t(MemoryLayout<sockaddr_in>.size)
    var (own, server) = (address(source, 0), address("127.0.0.1", port))
    let bound = withUnsafePointer(to: &own) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) }
    }
    guard bound == 0 else { throw ClientError(message: "no address \(source)") }
    let connected = withUnsafePointer(to: &server) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
    }
    guard connected == 0 else { throw ClientError(message: "not connected") }
    var request = "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    if let token { request += "Authorization: Bearer \(token)\r\n" }
    if let body {
        request += "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n"
    }
    let bytes = Array((request + "\r\n" + (body ?? "")).utf8)
    var sent = 0
    while sent < bytes.count {
        let count = bytes[sent...].withUnsafeBytes {
            send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        guard count > 0 else { break }
        sent += count
    }
    var received: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { break }
        received += buffer[..<count]
    }
    return try response(received)
}

/// A server that answers nothing fails its test instead of holding it up.
func giveUpAfterHalfAMinute(_ descriptor: Int32) {
    var limit = timeval(tv_sec: 30, tv_usec: 0)
    setsockopt(
        descriptor,
        SOL_SOCKET,
        SO_RCVTIMEO,
        &limit,
        socklen_t(MemoryLayout<timeval>.size)
    )
}

private func response(_ bytes: [UInt8]) throws -> TestResponse {
    let end = Array("\r\n\r\n".utf8)
    guard
        let start = bytes.indices.first(where: {
            $0 + 4 <= bytes.count && bytes[$0] == 13 && Array(bytes[$0..<$0 + 4]) == end
        })
    else { throw ClientError(message: "no answer") }
    let head = String(decoding: bytes[..<start], as: UTF8.self)
    let parts = head.split(separator: " ", maxSplits: 2)
    guard parts.count >= 2, let status = Int(parts[1]) else {
        throw ClientError(message: "no status")
    }
    return TestResponse(status: status, head: head, body: Array(bytes[(start + 4)...]))
}
