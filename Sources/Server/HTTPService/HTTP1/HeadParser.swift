/// How a request's body is delimited.
package enum BodyFraming: Equatable {
    case none
    case length(Int)
    case chunked
}

/// A parsed HTTP/1 head.
package struct ParsedHead {
    package var request: HTTPRequest
    package var framing: BodyFraming
    package var keepsAlive: Bool
    package var expectsContinue: Bool
}

/// Reads a complete HTTP/1 head, strictly (RFC 9112): whatever two parsers could read in two ways
/// is refused, for that is what request smuggling lives on.
package struct HeadParser {
    private let head: [UInt8]
    private var fields: [HeaderField] = []
    private var host: HeaderField?
    private var contentLength: HeaderField?
    private var transferEncoding: HeaderField?
    private var expect: HeaderField?
    private var closes = false

    private init(_ head: [UInt8]) {
        self.head = head
        fields.reserveCapacity(16)
    }

    /// - Parameter head: a whole head as `HeadScanner` found it: lines end in CR LF.
    package static func parse(
        _ head: [UInt8],
        from peer: IPAddress,
        isTLS: Bool
    ) throws(HTTPFault) -> ParsedHead {
        var parser = HeadParser(head)
        let line = try parser.requestLine()
        try parser.readFields(from: line.end)
        if line.minorVersion == 1, parser.host == nil { throw .malformed("no Host field") }
        let framing = try parser.framing(minorVersion: line.minorVersion)
        // HTTP/1.0 clients get one answer per connection: no proxy worth its name needs more.
        let keepsAlive = !parser.closes && line.minorVersion == 1
        let expectsContinue = try parser.expectsContinue(minorVersion: line.minorVersion)
        let request = HTTPRequest(
            method: line.method,
            remoteAddress: peer,
            isTLS: isTLS,
            head: head,
            pathRange: line.path,
            queryRange: line.query,
            fields: parser.fields
        )
        return ParsedHead(
            request: request,
            framing: framing,
            keepsAlive: keepsAlive,
            expectsContinue: expectsContinue
        )
    }

    private struct RequestLine {
        var method: HTTPMethod
        var path: Range<Int>
        var query: Range<Int>
        var minorVersion: Int
        var end: Int
    }

    private func requestLine() throws(HTTPFault) -> RequestLine {
        guard let lineEnd = head.firstIndex(of: 0x0d), head[lineEnd + 1] == 0x0a,
            let methodEnd = head[..<lineEnd].firstIndex(of: 0x20), methodEnd > 0
        else { throw .malformed("no request line") }
        guard head[..<methodEnd].allSatisfy(isTokenByte) else {
            throw .malformed("the method is no token")
        }
        let targetStart = methodEnd + 1
        guard let targetEnd = head[targetStart..<lineEnd].firstIndex(of: 0x20),
            targetEnd > targetStart
        else { throw .malformed("no request target") }
        // One version is eight bytes, so a second blank cannot hide in it.
        let version = head[(targetEnd + 1)..<lineEnd]
        guard version.count == 8, version.dropLast().elementsEqual("HTTP/1.".utf8),
            let minor = version.last, minor == 0x30 || minor == 0x31
        else { throw .malformed("only HTTP/1.0 and HTTP/1.1 are spoken here") }
        let (path, query) = try TargetParser.split(head, targetStart..<targetEnd)
        return RequestLine(
            method: HTTPMethod(head[..<methodEnd]),
            path: path,
            query: query,
            minorVersion: Int(minor - 0x30),
            end: lineEnd + 2
        )
    }

    private mutating func readFields(from start: Int) throws(HTTPFault) {
        var index = start
        while head[index] != 0x0d {
            let field = try FieldParser.parse(head, at: &index)
            fields.append(field)
            try note(field)
        }
        guard index + 2 == head.count else { throw .malformed("a stray carriage return") }
    }

    /// Remembers the fields that frame the message; each of them may come once.
    private mutating func note(_ field: HeaderField) throws(HTTPFault) {
        switch field.name.count {
        case 4 where field.isNamed("host", in: head):
            guard host == nil else { throw .malformed("two Host fields") }
            host = field
        case 6 where field.isNamed("expect", in: head):
            expect = field
        case 10 where field.isNamed("connection", in: head):
            for option in head[field.value].split(separator: 0x2c) {
                let name = FieldParser.trimmed(option)
                if equalsLowercased(name, "close") { closes = true }
            }
        case 14 where field.isNamed("content-length", in: head):
            guard contentLength == nil else { throw .malformed("two Content-Length fields") }
            contentLength = field
        case 17 where field.isNamed("transfer-encoding", in: head):
            guard transferEncoding == nil else {
                throw .malformed("two Transfer-Encoding fields")
            }
            transferEncoding = field
        default:
            break
        }
    }

    private func framing(minorVersion: Int) throws(HTTPFault) -> BodyFraming {
        if let transferEncoding {
            guard contentLength == nil else {
                throw .malformed("both Content-Length and Transfer-Encoding")
            }
            guard minorVersion == 1 else { throw .malformed("Transfer-Encoding in HTTP/1.0") }
            guard equalsLowercased(head[transferEncoding.value], "chunked") else {
                throw .malformed("only the chunked transfer coding is known")
            }
            return .chunked
        }
        guard let contentLength else { return .none }
        guard let length = Self.decimal(head[contentLength.value]) else {
            throw .malformed("Content-Length is no number")
        }
        return .length(length)
    }

    private func expectsContinue(minorVersion: Int) throws(HTTPFault) -> Bool {
        guard let expect, minorVersion == 1 else { return false }
        guard equalsLowercased(head[expect.value], "100-continue") else {
            throw .unsupportedExpectation
        }
        return true
    }

    /// Digits only: no sign, no list, no blank; at most 18 of them.
    static func decimal(_ digits: ArraySlice<UInt8>) -> Int? {
        guard (1...18).contains(digits.count) else { return nil }
        var value = 0
        for digit in digits {
            guard digit &- 0x30 < 10 else { return nil }
            value = value * 10 + Int(digit - 0x30)
        }
        return value
    }
}

/// Splits a request target into path and query.
enum TargetParser {
    /// Takes the origin form, `*`, and the absolute form of which only path and query count
    /// (RFC 9112 §3.2).
    static func split(
        _ head: [UInt8],
        _ target: Range<Int>
    ) throws(HTTPFault) -> (path: Range<Int>, query: Range<Int>) {
        for index in target {
            let byte = head[index]
            guard byte > 0x20, byte < 0x7f, byte != 0x23 else {
                throw .malformed("a byte of the target should be percent-encoded")
            }
        }
        var pathStart = target.lowerBound
        if head[pathStart] != 0x2f, !(head[pathStart] == 0x2a && target.count == 1) {
            pathStart = try originStart(head, target)
        }
        guard let mark = head[pathStart..<target.upperBound].firstIndex(of: 0x3f) else {
            return (pathStart..<target.upperBound, target.upperBound..<target.upperBound)
        }
        return (pathStart..<mark, (mark + 1)..<target.upperBound)
    }

    private static func originStart(
        _ head: [UInt8],
        _ target: Range<Int>
    ) throws(HTTPFault) -> Int {
        for scheme in ["http://", "https://"]
        where equalsLowercased(head[target].prefix(scheme.utf8.count), scheme) {
            let authority = target.lowerBound + scheme.utf8.count
            return head[authority..<target.upperBound].firstIndex { $0 == 0x2f || $0 == 0x3f }
                ?? target.upperBound
        }
        throw .malformed("the target is no path")
    }
}

/// Reads one field line, of a head or of a chunked body's trailer.
enum FieldParser {
    /// - Parameter index: at the line's first byte; moved behind its line end.
    static func parse(_ bytes: [UInt8], at index: inout Int) throws(HTTPFault) -> HeaderField {
        let start = index
        while isTokenByte(bytes[index]) { index += 1 }
        // A blank here is an obs-fold (at the start) or hides the name from other parsers.
        guard index > start, bytes[index] == 0x3a else {
            throw .malformed("a field name is no token")
        }
        let name = start..<index
        index += 1
        while bytes[index] == 0x20 || bytes[index] == 0x09 { index += 1 }
        let valueStart = index
        var valueEnd = index
        while bytes[index] != 0x0d {
            let byte = bytes[index]
            guard byte >= 0x20 && byte != 0x7f || byte == 0x09 else {
                throw .malformed("a control byte in a field")
            }
            index += 1
            if byte != 0x20, byte != 0x09 { valueEnd = index }
        }
        guard bytes[index + 1] == 0x0a else { throw .malformed("a stray carriage return") }
        index += 2
        return HeaderField(name: name, value: valueStart..<valueEnd)
    }

    static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var result = bytes.drop { $0 == 0x20 || $0 == 0x09 }
        while let last = result.last, last == 0x20 || last == 0x09 { result.removeLast() }
        return result
    }
}

/// RFC 9110 §5.6.2: `tchar` as a bit per byte.
@inline(__always)
func isTokenByte(_ byte: UInt8) -> Bool {
    guard byte < 128 else { return false }
    let bits: UInt64 = byte < 64 ? 0x03ff_6cfa_0000_0000 : 0x57ff_ffff_c7ff_fffe
    return bits >> UInt64(byte & 63) & 1 == 1
}

/// - Parameter expected: ASCII in lower case.
func equalsLowercased(_ bytes: ArraySlice<UInt8>, _ expected: String) -> Bool {
    bytes.count == expected.utf8.count
        && zip(bytes, expected.utf8).allSatisfy { lowercased($0) == $1 }
}
