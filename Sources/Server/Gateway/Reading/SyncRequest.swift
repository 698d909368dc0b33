package import MatrixModel

/// `GET /sync`, parameters as they came but for the numbers.
package struct SyncRequest: Sendable {
    package var requester: Requester
    package var since: String?
    /// A stored filter's ID, or a filter when it begins with `{`.
    package var filter: String?
    package var fullState: Bool
    /// Milliseconds to wait for something to tell.
    package var timeout: UInt64

    /// Nobody waits longer, whatever they ask.
    package static let timeoutMax: UInt64 = 120_000

    package init(
        requester: Requester,
        since: String? = nil,
        filter: String? = nil,
        fullState: Bool = false,
        timeout: UInt64 = 0
    ) {
        self.requester = requester
        self.since = since.flatMap { $0.isEmpty ? nil : $0 }
        self.filter = filter.flatMap { $0.isEmpty ? nil : $0 }
        self.fullState = fullState
        self.timeout = min(timeout, Self.timeoutMax)
    }

    /// Parameters of the query. `set_presence` is checked and otherwise ignored for now.
    package init(
        requester: Requester,
        query: (String) -> String?
    ) throws(MatrixError) {
        let timeout = query("timeout").flatMap { $0.isEmpty ? nil : $0 }
        if let timeout, Int64(timeout).map({ $0 < 0 }) ?? true {
            throw .invalidParam("timeout must be a number of milliseconds from 0")
        }
        switch query("full_state") {
        case nil, "", "true", "false": break
        default: throw .invalidParam("full_state must be true or false")
        }
        switch query("set_presence") {
        case nil, "", "online", "offline", "unavailable": break
        default: throw .invalidParam("set_presence must be online, offline or unavailable")
        }
        self.init(
            requester: requester,
            since: query("since"),
            filter: query("filter"),
            fullState: query("full_state") == "true",
            timeout: timeout.flatMap { UInt64($0) } ?? 0
        )
    }
}
