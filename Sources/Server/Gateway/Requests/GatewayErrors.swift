import MatrixModel

extension MatrixError {
    static let missingToken = MatrixError(.missingToken, "Missing access token")

    /// More work than the server takes on at once.
    static let overloaded = MatrixError(
        .limitExceeded,
        "The server is overloaded, try again",
        status: 503,
        fields: [JSONValue.Member("retry_after_ms", 1_000)]
    )

    static let internalError = MatrixError(.unknown, "Internal server error", status: 500)

    /// Nothing was done, or it is not known: the client may try again.
    static func unavailable(_ why: String) -> MatrixError {
        MatrixError(
            .unknown,
            why.isEmpty ? "The server is not ready, try again" : why,
            status: 503
        )
    }

    static let guestsRefused = MatrixError(
        .guestAccessForbidden,
        "This server has no guest accounts"
    )

    /// What `Retry-After` says, in seconds; nil where the header does not belong.
    var retryAfterSeconds: Int64? {
        guard status == 429 || status == 503 else { return nil }
        guard let wait = fields.first(where: { $0.key == "retry_after_ms" })?.value.integer else {
            return 1
        }
        return max(1, (wait + 999) / 1_000)
    }
}
