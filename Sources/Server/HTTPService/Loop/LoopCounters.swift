import Synchronization

/// What one event loop counts. Written by its thread only, read by anyone.
final class LoopCounters: Sendable {
    let connectionsOpen = Atomic<Int>(0)
    let connectionsAccepted = Atomic<Int>(0)
    let requestsInFlight = Atomic<Int>(0)
    let requests = Atomic<Int>(0)
    let responsesRefused = Atomic<Int>(0)
    let bytesReceived = Atomic<Int>(0)
    let bytesSent = Atomic<Int>(0)
    let timeouts = Atomic<Int>(0)
    let tlsFailures = Atomic<Int>(0)
}

/// A one-writer counter needs no locked instruction.
@inline(__always)
func bump(_ counter: borrowing Atomic<Int>, by amount: Int = 1) {
    counter.store(counter.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
}

/// What the service has done since its start.
package struct HTTPStatistics: Sendable, Equatable {
    package var connectionsOpen = 0
    package var connectionsAccepted = 0
    /// Closed at once because the address or the server holds as many as it may.
    package var connectionsRefused = 0
    /// Handed to a handler and not yet answered.
    package var requestsInFlight = 0
    package var requests = 0
    /// Answered by the server itself: malformed, unknown, too large, too slow.
    package var requestsRefused = 0
    package var bytesReceived = 0
    package var bytesSent = 0
    package var timeouts = 0
    package var tlsFailures = 0
    /// Bytes of request bodies still being received.
    package var bodyBytesInFlight = 0
    /// Bytes of large answers that clients have not taken yet.
    package var answerBytesInFlight = 0

    mutating func add(_ counters: LoopCounters) {
        connectionsOpen += counters.connectionsOpen.load(ordering: .relaxed)
        connectionsAccepted += counters.connectionsAccepted.load(ordering: .relaxed)
        requestsInFlight += counters.requestsInFlight.load(ordering: .relaxed)
        requests += counters.requests.load(ordering: .relaxed)
        requestsRefused += counters.responsesRefused.load(ordering: .relaxed)
        bytesReceived += counters.bytesReceived.load(ordering: .relaxed)
        bytesSent += counters.bytesSent.load(ordering: .relaxed)
        timeouts += counters.timeouts.load(ordering: .relaxed)
        tlsFailures += counters.tlsFailures.load(ordering: .relaxed)
    }
}

/// One answered request, for the access log. Neither query nor token, and the path only as the
/// template of its route.
package struct AccessRecord: Sendable {
    package let method: HTTPMethod
    /// Empty when no route was found.
    package let template: String
    package let status: Int
    package let requestBodyBytes: Int
    package let responseBodyBytes: Int
    /// From the whole head to the answer.
    package let durationNanoseconds: UInt64
    package let remoteAddress: IPAddress
    package let isHTTP2: Bool
    package let isTLS: Bool
}
