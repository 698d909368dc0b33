import NIOCore

/// Writes response fields. Control bytes are left out, so that a value taken from a client can
/// neither end its line nor begin another field.
enum FieldWriter {
    static func append(_ header: HTTPHeader, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: header.name.utf8.lazy.filter(isSafe))
        bytes.append(contentsOf: ": ".utf8)
        bytes.append(contentsOf: header.value.utf8.lazy.filter(isSafe))
        bytes.append(contentsOf: "\r\n".utf8)
    }

    static func write(_ header: HTTPHeader, to buffer: inout ByteBuffer) {
        write(header.name, to: &buffer)
        buffer.writeStaticString(": ")
        write(header.value, to: &buffer)
        buffer.writeStaticString("\r\n")
    }

    private static func write(_ text: String, to buffer: inout ByteBuffer) {
        if text.utf8.allSatisfy(isSafe) {
            buffer.writeString(text)
        } else {
            buffer.writeBytes(text.utf8.filter(isSafe))
        }
    }

    /// The value as an HTTP/2 field may carry it.
    static func sanitized(_ text: String) -> String {
        text.utf8.allSatisfy(isSafe)
            ? text : String(decoding: text.utf8.filter(isSafe), as: UTF8.self)
    }

    @inline(__always)
    private static func isSafe(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte != 0x7f
    }
}
