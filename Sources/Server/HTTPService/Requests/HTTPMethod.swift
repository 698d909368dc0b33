/// A request method. Anything the API does not speak is `.other`: it can match no route.
package enum HTTPMethod: UInt8, Sendable, CaseIterable {
    case get, head, post, put, delete, options, patch, other

    /// Reads the token of a request line; methods are case-sensitive (RFC 9110 §9.1).
    package init(_ token: some Collection<UInt8>) {
        self =
            Self.allCases.first { $0 != .other && token.elementsEqual($0.name.utf8) } ?? .other
    }

    package var name: String {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .delete: "DELETE"
        case .options: "OPTIONS"
        case .patch: "PATCH"
        case .other: "OTHER"
        }
    }
}
