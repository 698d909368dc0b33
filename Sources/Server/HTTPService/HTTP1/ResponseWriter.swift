import NIOCore

/// Renders the head of an HTTP/1.1 answer.
enum ResponseWriter {
    /// - Parameters:
    ///   - fixedFields: `Date` and the common fields, ready made.
    ///   - room: bytes of body that will be written behind the head.
    static func head(
        _ response: HTTPResponse,
        keepsAlive: Bool,
        fixedFields: [UInt8],
        room: Int,
        _ allocator: ByteBufferAllocator
    ) -> ByteBuffer {
        var capacity = 128 + fixedFields.count + room
        for header in response.headers {
            capacity += header.name.utf8.count + header.value.utf8.count + 4
        }
        var buffer = allocator.buffer(capacity: capacity)
        writeStatusLine(response.status, to: &buffer)
        buffer.writeBytes(fixedFields)
        for header in response.headers { FieldWriter.write(header, to: &buffer) }
        if response.allowsBody {
            buffer.writeStaticString("Content-Length: ")
            buffer.writeString(String(response.body.count))
            buffer.writeStaticString("\r\n")
        } else if response.status == 205 {
            buffer.writeStaticString("Content-Length: 0\r\n")
        }
        if !keepsAlive { buffer.writeStaticString("Connection: close\r\n") }
        buffer.writeStaticString("\r\n")
        return buffer
    }

    private static func writeStatusLine(_ status: Int, to buffer: inout ByteBuffer) {
        guard status != 200 else {
            buffer.writeStaticString("HTTP/1.1 200 OK\r\n")
            return
        }
        buffer.writeStaticString("HTTP/1.1 ")
        buffer.writeString(String(status))
        buffer.writeStaticString(" ")
        buffer.writeStaticString(HTTPResponse.reason(of: status))
        buffer.writeStaticString("\r\n")
    }
}
