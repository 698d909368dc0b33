import Logging
import Synchronization

import HTTPService

/// A service with a few routes on a free loopback port.
final class TestServer: Sendable {
    let server: HTTPServer
    let port: Int
    let tlsPort: Int?
    let desk: Desk

    /// What the handlers of a test remember and wait for.
    final class Desk: Sendable {
        private struct Contents {
            var parked: [Responder] = []
            var waiting: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
            var notes: [String] = []
            var records: [AccessRecord] = []
        }

        private let contents = Mutex(Contents())

        func park(_ responder: Responder) {
            let woken = contents.withLock { contents in
                contents.parked.append(responder)
                let woken = contents.waiting.filter { $0.count <= contents.parked.count }
                contents.waiting.removeAll { $0.count <= contents.parked.count }
                return woken
            }
            for waiter in woken { waiter.continuation.resume() }
        }

        /// Waits until that many requests are parked.
        func parked(_ count: Int) async -> [Responder] {
            await withCheckedContinuation { continuation in
                let isThere = contents.withLock { contents in
                    if contents.parked.count >= count { return true }
                    contents.waiting.append((count, continuation))
                    return false
                }
                if isThere { continuation.resume() }
            }
            return contents.withLock { $0.parked }
        }

        func clear() {
            let old = contents.withLock { contents in
                defer { contents.parked = [] }
                return contents.parked
            }
            withExtendedLifetime(old) {}
        }

        func log(_ record: AccessRecord) { contents.withLock { $0.records.append(record) } }
        var records: [AccessRecord] { contents.withLock { $0.records } }
    }

    init(
        tls: TLSSettings? = nil,
        _ adjust: (inout HTTPSettings) -> Void = { _ in }
    ) async throws {
        var settings = HTTPSettings()
        settings.tickMilliseconds = 20
        adjust(&settings)
        let desk = Desk()
        var listeners = [HTTPListener(host: "127.0.0.1", port: 0)]
        if tls != nil { listeners.append(HTTPListener(host: "127.0.0.1", port: 0, isTLS: true)) }
        server = try HTTPServer(
            listeners: listeners,
            settings: settings,
            tls: tls,
            router: Self.routes(desk),
            accessLog: { desk.log($0) },
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        )
        let addresses = try await server.start()
        port = addresses[0].port
        tlsPort = addresses.count > 1 ? addresses[1].port : nil
        self.desk = desk
    }

    func client(from source: String = "127.0.0.1") throws -> RawClient {
        try RawClient(port: port, from: source)
    }

    /// Runs a story and stops the server whatever its end.
    static func with(
        tls: TLSSettings? = nil,
        _ adjust: (inout HTTPSettings) -> Void = { _ in },
        _ story: (TestServer) async throws -> Void
    ) async throws {
        let test = try await TestServer(tls: tls, adjust)
        do {
            try await story(test)
        } catch {
            await test.server.stop(withinMilliseconds: 0)
            throw error
        }
        await test.server.stop(withinMilliseconds: 0)
    }

    static func ok(_ text: String) -> HTTPResponse {
        HTTPResponse(json: Array(text.utf8))
    }

    private static func routes(_ desk: Desk) -> Router<HTTPRoute> {
        var router = Router<HTTPRoute>()
        router.add(.get, "/hello", HTTPRoute { _, responder in responder.respond(ok("hello")) })
        router.add(
            .post,
            "/echo",
            HTTPRoute { request, responder in responder.respond(HTTPResponse(json: request.body)) }
        )
        router.add(
            .put,
            "/tiny/{name}",
            HTTPRoute(bodyBytesMax: 10) { request, responder in
                responder.respond(ok(request.parameters["name"] ?? ""))
            }
        )
        router.add(
            .post,
            "/guarded",
            HTTPRoute(admit: { $0.bearerToken == "t" ? nil : HTTPResponse(status: 401) }) {
                $1.respond(ok("in"))
            }
        )
        router.add(.get, "/park", HTTPRoute { _, responder in desk.park(responder) })
        router.add(.get, "/drop", HTTPRoute { _, _ in })
        router.add(
            .get,
            "/wait",
            HTTPRoute { _, responder in
                responder.onDeadline(afterMilliseconds: 100) { responder.respond(ok("waited")) }
            }
        )
        router.add(
            .get,
            "/big/{bytes}",
            HTTPRoute { request, responder in
                let count = Int(request.parameters[0]) ?? 0
                let body = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
                responder.respond(HTTPResponse(status: 200, body: body))
            }
        )
        router.add(
            .get,
            "/who",
            HTTPRoute { request, responder in
                responder.respond(ok("\(request.remoteAddress) \(request.isTLS)"))
            }
        )
        router.add(
            .get,
            "/header",
            HTTPRoute { request, responder in
                var response = ok("")
                response.headers.append(HTTPHeader("X-Echo", request.query("v") ?? "none"))
                responder.respond(response)
            }
        )
        return router
    }
}
