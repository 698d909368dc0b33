/// What answers a route.
package struct HTTPRoute: Sendable {
    package typealias Handler = @Sendable (HTTPRequest, Responder) -> Void
    package typealias Admission = @Sendable (HTTPRequest) -> HTTPResponse?

    /// Bytes; nil is the service's default.
    package var bodyBytesMax: Int?
    /// Asked once the head is there and before any of the body is read; an answer refuses it.
    package var admit: Admission?
    /// Called on an event loop: must not block. Answers by the responder, from any thread.
    package var handle: Handler

    package init(
        bodyBytesMax: Int? = nil,
        admit: Admission? = nil,
        handle: @escaping Handler
    ) {
        self.bodyBytesMax = bodyBytesMax
        self.admit = admit
        self.handle = handle
    }
}
