/// How long a transfer may go on: whatever moves earns the time it takes at the least rate, and the
/// time in hand is never more than a stall may last. Fast at first does not mean idle for long.
struct Pace {
    /// On the wheel's clock, in microseconds.
    private var due: Int
    private let stall: Int

    /// - Parameters:
    ///   - grace: milliseconds until the first byte must have moved.
    ///   - stall: most milliseconds that may pass without a byte.
    init(grace: Int, stall: Int, _ context: LoopContext) {
        self.stall = max(grace, stall) * 1_000
        due = context.microseconds + grace * 1_000
    }

    mutating func moved(_ bytes: Int, bytesPerSecondMin: Int, _ context: LoopContext) {
        let earned = bytes.multipliedReportingOverflow(by: 1_000_000)
        let time = earned.overflow ? stall : earned.partialValue / max(bytesPerSecondMin, 1)
        due = min(due + min(time, stall), context.microseconds + stall)
    }

    func dueTick(_ context: LoopContext) -> Int {
        let tick = context.settings.tickMilliseconds * 1_000
        return (due + tick - 1) / tick + 1
    }
}
