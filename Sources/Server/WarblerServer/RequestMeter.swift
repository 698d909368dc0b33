import HTTPService
import Observability
import Synchronization

/// Counts answers by method, route and status, and how long they took by route. Called on event
/// loops for every answer: it looks the instruments up once and keeps them.
final class RequestMeter: Sendable {
    private struct Kind: Hashable {
        var method: HTTPMethod
        var template: String
        var status: Int
    }

    private struct Instruments {
        var answers: Counter
        /// Nil for a sync, which takes as long as there is nothing to say.
        var seconds: Histogram?
    }

    private let metrics: Metrics
    /// Bounded by the routes and the statuses they answer with.
    private let known = Mutex<[Kind: Instruments]>([:])

    init(_ metrics: Metrics) { self.metrics = metrics }

    func note(_ record: AccessRecord) {
        let kind = Kind(method: record.method, template: record.template, status: record.status)
        let instruments = known.withLock { known in
            if let found = known[kind] { return found }
            let made = self.make(kind)
            known[kind] = made
            return made
        }
        instruments.answers.add()
        guard record.durationNanoseconds > 0 else { return }
        instruments.seconds?.observe(Double(record.durationNanoseconds) / 1e9)
    }

    private func make(_ kind: Kind) -> Instruments {
        Instruments(
            answers: metrics.counter(
                .httpRequests,
                "\(kind.method)",
                kind.template,
                String(kind.status)
            ),
            seconds: kind.template.hasSuffix("/sync")
                ? nil : metrics.histogram(.httpSeconds, kind.template)
        )
    }
}
