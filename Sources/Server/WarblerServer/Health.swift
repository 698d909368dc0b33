import AdminProtocol
import HTTPService
import MultiRaft
import Synchronization

/// Whether the node should be sent traffic, and why not.
final class Health: Sendable {
    enum Reason: String, Sendable, CaseIterable {
        /// The log's newest records are being folded.
        case replaying
        /// The storage failed; the node is about to end.
        case faulty
        /// Less than the reserve is left of the disk: writes are refused.
        case outOfSpace = "out_of_space"
        /// Stopping: requests under way are finished, new ones refused.
        case draining
    }

    private struct State: Sendable {
        var reasons: [Reason] = [.replaying]
        var replay: (@Sendable () -> ReplayProgress)?
    }
    private let state = Mutex(State())

    func add(_ reason: Reason) {
        state.withLock { if !$0.reasons.contains(reason) { $0.reasons.append(reason) } }
    }
    func remove(_ reason: Reason) { state.withLock { $0.reasons.removeAll { $0 == reason } } }

    /// Who can tell how far the replay is, once that is known.
    func follow(_ replay: @escaping @Sendable () -> ReplayProgress) {
        state.withLock { $0.replay = replay }
    }

    var reasons: [Reason] { state.withLock { $0.reasons } }
    var isReady: Bool { reasons.isEmpty }
    /// Zeros while nobody knows.
    var replay: ReplayProgress {
        state.withLock { $0.replay }.map { $0() } ?? ReplayProgress()
    }

    /// `{"ready":false,"reasons":["replaying"],"replay":{"entries":90,"entries_left":12}}`
    var report: AdminValue {
        let reasons = self.reasons
        var members: [AdminValue.Member] = [
            .init("ready", .bool(reasons.isEmpty)),
            .init("reasons", .array(reasons.map { .string($0.rawValue) })),
        ]
        if reasons.contains(.replaying) {
            let replay = self.replay
            members.append(
                .init(
                    "replay",
                    [
                        "entries": .integer(Int64(replay.entries)),
                        "entries_left": .integer(Int64(replay.left)),
                    ]
                )
            )
        }
        if reasons.contains(.outOfSpace) {
            members.append(.init("hint", "the disk is nearly full: writes are refused"))
        }
        return .object(members)
    }

    var answer: HTTPResponse {
        let isReady = self.isReady
        var response = HTTPResponse(
            status: isReady ? 200 : 503,
            json: Array(report.json().utf8)
        )
        if !isReady { response.headers.append(HTTPHeader("Retry-After", "2")) }
        return response
    }
}
