/// Finds the end of an HTTP/1 request head in bytes that arrive piece by piece, and refuses one
/// that outgrows its limits before it is whole. No byte is looked at twice.
package struct HeadScanner {
    package enum Outcome: Equatable {
        case incomplete
        /// The head's bytes, its last empty line included.
        case complete(count: Int)
        case failed(HTTPFault)
    }

    private var scanned = 0
    private var lineStart = 0
    private var lines = 0
    private var headersStart = 0

    package init() {}

    /// Whether nothing of a head has been seen.
    var isFresh: Bool { scanned == 0 }

    /// - Parameter bytes: everything since the head's first byte; grows from call to call.
    package mutating func scan(
        _ bytes: UnsafeBufferPointer<UInt8>,
        _ settings: HTTPSettings
    ) -> Outcome {
        while scanned < bytes.count {
            guard bytes[scanned] == 0x0a else {
                scanned += 1
                continue
            }
            // A bare line feed means different requests to different parsers: never guess.
            guard scanned > lineStart, bytes[scanned - 1] == 0x0d else {
                return .failed(.malformed("a line ends without CR LF"))
            }
            let lineBytes = scanned - 1 - lineStart
            scanned += 1
            if lines > 0, lineBytes == 0 { return .complete(count: scanned) }
            if let fault = endLine(lineBytes, settings) { return .failed(fault) }
        }
        return unfinishedFault(bytes.count, settings).map { .failed($0) } ?? .incomplete
    }

    private mutating func endLine(_ lineBytes: Int, _ settings: HTTPSettings) -> HTTPFault? {
        lineStart = scanned
        lines += 1
        if lines == 1 {
            headersStart = scanned
            return lineBytes > settings.requestLineBytesMax ? .requestLineTooLong : nil
        }
        let isTooLarge =
            lines - 1 > settings.headerCountMax
            || scanned - headersStart > settings.headerBytesMax
        return isTooLarge ? .headersTooLarge : nil
    }

    /// The two bytes more are a line end on its way.
    private func unfinishedFault(_ count: Int, _ settings: HTTPSettings) -> HTTPFault? {
        if lines == 0 {
            return count - lineStart > settings.requestLineBytesMax + 1 ? .requestLineTooLong : nil
        }
        return count - headersStart > settings.headerBytesMax + 2 ? .headersTooLarge : nil
    }
}
