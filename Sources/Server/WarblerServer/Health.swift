import HTTPService
import Synchronization

/// Whether the node should be sent traffic, and why not.
final class Health: Sendable {
    private struct State: Sendable {
        var reasons = ["replaying"]
    }
    private let state = Mutex(State())

    func becomeReady() { state.withLock { $0.reasons.removeAll { $0 == "replaying" } } }
    func startDraining() { add("draining") }

    func add(_ reason: String) {
        state.withLock { if !$0.reasons.contains(reason) { $0.reasons.append(reason) } }
    }
    func remove(_ reason: String) { state.withLock { $0.reasons.removeAll { $0 == reason } } }

    var reasons: [String] { state.withLock { $0.reasons } }
    var isReady: Bool { reasons.isEmpty }

    var answer: HTTPResponse {
        let reasons = self.reasons
        let list = reasons.map { "\"\($0)\"" }.joined(separator: ",")
        var response = HTTPResponse(
            status: reasons.isEmpty ? 200 : 503,
            json: Array(#"{"ready":\#(reasons.isEmpty),"reasons":[\#(list)]}"#.utf8)
        )
        if !reasons.isEmpty { response.headers.append(HTTPHeader("Retry-After", "2")) }
        return response
    }
}
