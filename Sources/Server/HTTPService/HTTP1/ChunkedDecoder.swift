/// Takes a chunked body apart (RFC 9112 §7.1), strictly: CR LF only, hexadecimal sizes of at most
/// eight digits, short extensions. Trailer fields are checked and dropped.
package struct ChunkedDecoder {
    private enum Phase {
        case size
        case data(remaining: Int)
        case dataEnd
        case trailer
        case done
    }

    private static let sizeLineBytesMax = 256

    private var phase = Phase.size
    private var trailerBytes = 0
    private var trailerFields = 0

    package init() {}

    package var isDone: Bool {
        if case .done = phase { true } else { false }
    }

    /// Moves what it can from `bytes[index...]` into `body`; leaves an unfinished line for the
    /// next call. Throws `.bodyTooLarge` before the body passes `bodyBytesMax`.
    package mutating func decode(
        _ bytes: [UInt8],
        at index: inout Int,
        into body: inout [UInt8],
        bodyBytesMax: Int,
        _ settings: HTTPSettings
    ) throws(HTTPFault) {
        while index < bytes.count {
            switch phase {
            case .size:
                guard let line = try Self.line(bytes, &index, Self.sizeLineBytesMax) else { return }
                let size = try Self.size(bytes[line])
                guard size <= bodyBytesMax - body.count else {
                    throw .bodyTooLarge(bytesMax: bodyBytesMax)
                }
                phase = size == 0 ? .trailer : .data(remaining: size)
            case .data(let remaining):
                let count = min(remaining, bytes.count - index)
                body.append(contentsOf: bytes[index..<(index + count)])
                index += count
                phase = count == remaining ? .dataEnd : .data(remaining: remaining - count)
            case .dataEnd:
                guard let line = try Self.line(bytes, &index, 0) else { return }
                precondition(line.isEmpty, "a line of at most no bytes is empty")
                phase = .size
            case .trailer:
                let room = settings.headerBytesMax - trailerBytes
                guard let line = try Self.line(bytes, &index, room) else { return }
                try endTrailerLine(bytes, line, settings)
            case .done:
                return
            }
        }
    }

    private mutating func endTrailerLine(
        _ bytes: [UInt8],
        _ line: Range<Int>,
        _ settings: HTTPSettings
    ) throws(HTTPFault) {
        guard !line.isEmpty else {
            phase = .done
            return
        }
        var start = line.lowerBound
        _ = try FieldParser.parse(bytes, at: &start)
        trailerBytes += line.count + 2
        trailerFields += 1
        let isTooLarge =
            trailerBytes > settings.headerBytesMax || trailerFields > settings.headerCountMax
        if isTooLarge { throw .headersTooLarge }
    }

    /// The next line without its end, or nil while it is unfinished.
    private static func line(
        _ bytes: [UInt8],
        _ index: inout Int,
        _ bytesMax: Int
    ) throws(HTTPFault) -> Range<Int>? {
        let start = index
        var end = start
        while end < bytes.count, bytes[end] != 0x0d {
            guard bytes[end] != 0x0a else { throw .malformed("a line ends without CR LF") }
            end += 1
        }
        guard end - start <= max(bytesMax, 0) else { throw .malformed("bad chunk framing") }
        guard end + 1 < bytes.count else { return nil }
        guard bytes[end + 1] == 0x0a else { throw .malformed("a stray carriage return") }
        index = end + 2
        return start..<end
    }

    private static func size(_ line: ArraySlice<UInt8>) throws(HTTPFault) -> Int {
        var value = 0
        var digits = 0
        var rest = line
        while let byte = rest.first, let digit = hexDigit(byte) {
            digits += 1
            guard digits <= 8 else { throw .malformed("a chunk size is too long") }
            value = value << 4 | Int(digit)
            rest.removeFirst()
        }
        guard digits > 0 else { throw .malformed("a chunk size is no number") }
        guard let mark = FieldParser.trimmed(rest).first else {
            guard rest.isEmpty else { throw .malformed("a blank behind a chunk size") }
            return value
        }
        let isExtension =
            mark == 0x3b && rest.allSatisfy { $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }
        guard isExtension else { throw .malformed("a chunk size is no number") }
        return value
    }
}
