/// One response field. Control bytes in a value are dropped when it is written, so that no value
/// can end its line.
package struct HTTPHeader: Sendable, Equatable {
    package let name: String
    package let value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// A whole answer. The server adds `Content-Length`, `Date`, `Connection` and the common headers.
package struct HTTPResponse: Sendable {
    package var status: Int
    package var headers: [HTTPHeader]
    package var body: [UInt8]

    package init(status: Int, headers: [HTTPHeader] = [], body: [UInt8] = []) {
        precondition((200...599).contains(status), "an answer is final: 200 to 599")
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// A JSON answer; `body` is sent as it is.
    package init(status: Int = 200, json body: [UInt8]) {
        self.init(status: status, headers: HTTPResponse.jsonHeaders, body: body)
    }

    static let jsonHeaders = [HTTPHeader("Content-Type", "application/json")]

    /// 204, 205 and 304 have no body (RFC 9110 §6.4.1).
    var allowsBody: Bool { status != 204 && status != 205 && status != 304 }

    static func reason(of status: Int) -> StaticString {
        switch status {
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 206: "Partial Content"
        case 301: "Moved Permanently"
        case 302: "Found"
        case 303: "See Other"
        case 304: "Not Modified"
        case 307: "Temporary Redirect"
        case 308: "Permanent Redirect"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 410: "Gone"
        case 411: "Length Required"
        case 412: "Precondition Failed"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 416: "Range Not Satisfiable"
        case 417: "Expectation Failed"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        default: "Unknown"
        }
    }
}
