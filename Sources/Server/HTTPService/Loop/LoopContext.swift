import NIOCore

/// A connection that has written something and not flushed it.
protocol Flushable: AnyObject {
    func flushWritten()
}

/// What the connections of one event loop share. Confined to its loop.
final class LoopContext {
    let service: ServiceCore
    let mailbox: LoopMailbox
    let wheel = TimerWheel()
    /// The `Date` field and the common fields, as they stand in every answer.
    private(set) var fixedFields: [UInt8] = []
    private(set) var date = ""
    private var dateSecond: Int64 = -1
    private var batches = 0
    private var written: [any Flushable] = []

    var counters: LoopCounters { mailbox.counters }
    var settings: HTTPSettings { service.settings }

    init(service: ServiceCore, mailbox: LoopMailbox) {
        self.service = service
        self.mailbox = mailbox
        refreshDate()
    }

    func ticks(_ milliseconds: Int) -> Int {
        (milliseconds + service.settings.tickMilliseconds - 1) / service.settings.tickMilliseconds
    }

    /// The wheel's clock.
    var microseconds: Int { wheel.tick * service.settings.tickMilliseconds * 1_000 }

    func advance() {
        refreshDate()
        batch { wheel.advance() }
    }

    /// Runs `body`; what it wrote is flushed once, at the end.
    func batch(_ body: () -> Void) {
        batches += 1
        body()
        batches -= 1
        guard batches == 0, !written.isEmpty else { return }
        let flushes = written
        written.removeAll(keepingCapacity: true)
        for connection in flushes { connection.flushWritten() }
    }

    /// Flushes the connection now, or at the end of the batch that is running.
    func flushSoon(_ connection: any Flushable) {
        if batches == 0 { connection.flushWritten() } else { written.append(connection) }
    }

    private func refreshDate() {
        let second = HTTPDate.now()
        guard second != dateSecond else { return }
        dateSecond = second
        date = HTTPDate.text(second)
        fixedFields = Array("Date: \(date)\r\n".utf8) + service.commonFieldBytes
    }
}
