/// Why the server itself refuses a request, before or instead of any handler.
package enum HTTPFault: Error, Sendable, Equatable {
    /// The bytes are no HTTP that this server accepts; what is wrong with them.
    case malformed(StaticText)
    /// The path or the query is no percent-encoded UTF-8.
    case undecodablePath
    case unknownPath
    case wrongMethod
    case requestLineTooLong
    case headersTooLarge
    case bodyTooLarge(bytesMax: Int)
    case tooSlow
    case unsupportedExpectation
    /// The server holds as many request bodies as it may.
    case overloaded
    /// A handler dropped its `Responder` without an answer: a bug of ours.
    case unanswered

    /// Shape faults end the connection: what follows cannot be trusted to be a request.
    package var status: Int {
        switch self {
        case .malformed, .undecodablePath: 400
        case .unknownPath: 404
        case .wrongMethod: 405
        case .tooSlow: 408
        case .bodyTooLarge: 413
        case .requestLineTooLong: 414
        case .unsupportedExpectation: 417
        case .headersTooLarge: 431
        case .unanswered: 500
        case .overloaded: 503
        }
    }

    /// The standard Matrix error for this fault, as a JSON body.
    package var matrixErrorBody: [UInt8] {
        let (code, text): (String, String) =
            switch self {
            case .malformed(let detail): ("M_UNKNOWN", "Malformed HTTP request: \(detail)")
            case .undecodablePath: ("M_INVALID_PARAM", "The path is not percent-encoded UTF-8")
            case .unknownPath: ("M_UNRECOGNIZED", "Unrecognized request")
            case .wrongMethod: ("M_UNRECOGNIZED", "This path does not take this method")
            case .requestLineTooLong: ("M_TOO_LARGE", "The request line is too long")
            case .headersTooLarge: ("M_TOO_LARGE", "The request header is too large")
            case .bodyTooLarge(let bytesMax): ("M_TOO_LARGE", "At most \(bytesMax) bytes here")
            case .tooSlow: ("M_UNKNOWN", "The request came too slowly")
            case .unsupportedExpectation: ("M_UNKNOWN", "Only 100-continue can be expected")
            case .overloaded: ("M_LIMIT_EXCEEDED", "The server is overloaded, try again")
            case .unanswered: ("M_UNKNOWN", "Internal server error")
            }
        return Array("{\"errcode\":\"\(code)\",\"error\":\"\(text)\"}".utf8)
    }
}

/// A detail that the source spells out, so that no byte of a request can reach an error text.
package struct StaticText: Sendable, Equatable, ExpressibleByStringLiteral,
    CustomStringConvertible
{
    package let description: String

    package init(stringLiteral value: StaticString) {
        description = value.description
    }
}
