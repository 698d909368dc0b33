/// An answer that refuses a request: code, HTTP status, a sentence for people and the further
/// keys some codes define (`soft_logout`, `retry_after_ms`, `room_version`, …).
/// The message is shown to the client: no paths, addresses or other people's data.
package struct MatrixError: Error, Hashable, Sendable {
    package var code: MatrixErrorCode
    package var status: Int
    package var message: String
    package var fields: [JSONValue.Member]

    package init(
        _ code: MatrixErrorCode,
        _ message: String,
        status: Int? = nil,
        fields: [JSONValue.Member] = []
    ) {
        self.code = code
        self.status = status ?? code.status
        self.message = message
        self.fields = fields
    }

    /// The body of the answer: `errcode`, `error` and the further fields.
    package func write(into writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("errcode", code.rawValue)
        writer.member("error", message)
        for field in fields {
            writer.key(field.key)
            field.value.write(into: &writer)
        }
        writer.endObject()
    }

    package var body: [UInt8] {
        var writer = JSONWriter()
        write(into: &writer)
        return writer.finish()
    }
}

extension MatrixError {
    package static func forbidden(_ message: String) -> MatrixError {
        MatrixError(.forbidden, message)
    }

    package static func notFound(_ message: String = "Not found") -> MatrixError {
        MatrixError(.notFound, message)
    }

    package static func badJSON(_ message: String) -> MatrixError {
        MatrixError(.badJSON, message)
    }

    package static func missingParam(_ name: String) -> MatrixError {
        MatrixError(.missingParam, "Missing parameter: \(name)")
    }

    package static func invalidParam(_ message: String) -> MatrixError {
        MatrixError(.invalidParam, message)
    }

    package static func tooLarge(_ message: String) -> MatrixError {
        MatrixError(.tooLarge, message)
    }

    /// A cap on what one user may keep.
    package static func limitReached(_ message: String) -> MatrixError {
        MatrixError(
            .userLimitExceeded,
            message,
            fields: [JSONValue.Member("info_uri", "about:blank")]
        )
    }

    /// - Parameter softLogout: the client may keep its data and log in again.
    package static func unknownToken(softLogout: Bool = false) -> MatrixError {
        MatrixError(
            .unknownToken,
            "Unknown access token",
            fields: softLogout ? [JSONValue.Member("soft_logout", true)] : []
        )
    }

    package static func limitExceeded(retryAfterMilliseconds: Int64) -> MatrixError {
        MatrixError(
            .limitExceeded,
            "Too many requests",
            fields: [JSONValue.Member("retry_after_ms", .integer(retryAfterMilliseconds))]
        )
    }

    /// Text that is no JSON is M_NOT_JSON; JSON that Matrix does not allow is M_BAD_JSON.
    package init(_ error: JSONError) {
        switch error {
        case .tooLarge: self.init(.tooLarge, error.description)
        case .tooDeep, .tooManyValues, .duplicateKey, .notCanonical, .notAnObject, .loneSurrogate:
            self.init(.badJSON, error.description)
        case .truncated, .unexpectedByte, .invalidUTF8, .controlCharacter, .invalidEscape,
            .invalidNumber, .trailingBytes:
            self.init(.notJSON, error.description)
        }
    }
}
