import NIOHPACK

/// An HTTP/2 request head, turned into the form that HTTP/1 heads have.
struct HTTP2Head {
    let request: HTTPRequest
    let contentLength: Int?

    /// Pseudo fields and their order were checked by the codec (RFC 9113 §8.3); here limits,
    /// bytes and fields that must not occur.
    static func parse(
        _ headers: HPACKHeaders,
        from peer: IPAddress,
        _ settings: HTTPSettings
    ) throws(HTTPFault) -> HTTP2Head {
        var builder = Builder()
        for (name, value, _) in headers { try builder.add(name, value, settings) }
        guard let method = builder.method, let path = builder.path else {
            throw .malformed("no method or no path")
        }
        let (pathRange, queryRange) = try TargetParser.split(builder.head, path)
        let request = HTTPRequest(
            method: method,
            remoteAddress: peer,
            isTLS: true,
            head: builder.head,
            pathRange: pathRange,
            queryRange: queryRange,
            fields: builder.fields
        )
        return HTTP2Head(request: request, contentLength: builder.contentLength)
    }

    private struct Builder {
        var head: [UInt8] = []
        var fields: [HeaderField] = []
        var method: HTTPMethod?
        var path: Range<Int>?
        var contentLength: Int?
        private var headerBytes = 0

        mutating func add(
            _ name: String,
            _ value: String,
            _ settings: HTTPSettings
        ) throws(HTTPFault) {
            switch name {
            case ":method": method = HTTPMethod(Array(value.utf8))
            case ":path": try addPath(value, settings)
            case ":authority": try addField("host", value, settings)
            case _ where name.utf8.first == 0x3a: break
            case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade":
                throw .malformed("a field of HTTP/1 connections")
            default: try addField(name, value, settings)
            }
        }

        private mutating func addPath(
            _ value: String,
            _ settings: HTTPSettings
        ) throws(HTTPFault) {
            guard value.utf8.count <= settings.requestLineBytesMax else {
                throw .requestLineTooLong
            }
            guard !value.isEmpty else { throw .malformed("an empty path") }
            path = append(value)
        }

        private mutating func addField(
            _ name: String,
            _ value: String,
            _ settings: HTTPSettings
        ) throws(HTTPFault) {
            // As the field line of HTTP/1 would be counted.
            headerBytes += name.utf8.count + value.utf8.count + 4
            guard headerBytes <= settings.headerBytesMax, fields.count < settings.headerCountMax
            else { throw .headersTooLarge }
            guard !name.isEmpty, name.utf8.allSatisfy(isTokenByte) else {
                throw .malformed("a field name is no token")
            }
            guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }) else {
                throw .malformed("a control byte in a field")
            }
            let field = HeaderField(name: append(name), value: append(value))
            if name == "content-length" {
                guard contentLength == nil, let length = HeadParser.decimal(head[field.value])
                else { throw .malformed("Content-Length is no number, or is there twice") }
                contentLength = length
            }
            fields.append(field)
        }

        private mutating func append(_ text: String) -> Range<Int> {
            let start = head.count
            head.append(contentsOf: text.utf8)
            return start..<head.count
        }
    }

    /// The fields of an answer. Names are in lower case, as HTTP/2 demands.
    static func headers(_ response: HTTPResponse, _ context: LoopContext) -> HPACKHeaders {
        var headers = HPACKHeaders()
        let common = context.service.commonHeaders
        headers.reserveCapacity(3 + common.count + response.headers.count)
        headers.add(name: ":status", value: String(response.status))
        headers.add(name: "date", value: context.date)
        headers.add(contentsOf: common)
        for header in response.headers {
            headers.add(
                name: header.name.lowercased(),
                value: FieldWriter.sanitized(header.value)
            )
        }
        if response.allowsBody {
            headers.add(
                name: "content-length",
                value: String(response.body.count),
                indexing: .nonIndexable
            )
        }
        return headers
    }
}
