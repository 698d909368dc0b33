internal import Encryption
internal import KeyValue
package import Primitives

/// What a check of a stretch of log found.
package struct VerifyReport: Equatable, Sendable {
    /// Records that were read and are as they were written.
    package var intact = 0
    /// How many of them are blank.
    package var blank = 0
    /// Damaged or missing records, in order; at most `limit` of the call.
    package var holes: [Hole] = []
    /// `progress` asked to stop, or `holes` is full.
    package var stoppedEarly = false

    package struct Hole: Equatable, Sendable {
        package let index: LogIndex
        package let reason: String

        package init(index: LogIndex, reason: String) {
            self.index = index
            self.reason = reason
        }
    }

    package var firstBad: Hole? { holes.first }
}

extension MessageLog {
    /// Reads `range` (the whole log by default), follows the chain and checks every body.
    ///
    /// - Parameters:
    ///   - holesMax: Stop after this many holes; 1 names the first bad record.
    ///   - progress: Told an index every thousand records; returns false to stop.
    /// - Throws: `LogError.store` only: damage is in the report.
    package func verify(
        _ range: ClosedRange<LogIndex>? = nil,
        holesMax: Int = 1,
        progress: (LogIndex) -> Bool = { _ in true }
    ) throws(LogError) -> VerifyReport {
        var report = VerifyReport()
        guard !isEmpty else { return report }
        let lower = max(range?.lowerBound ?? firstIndex, firstIndex)
        let upper = min(range?.upperBound ?? lastIndex, lastIndex)
        guard lower <= upper else { return report }
        var previous = try? tail(at: lower.previous).chain
        var index = lower
        while index <= upper {
            let end = min(upper.next, index.advanced(by: 1_000))
            for (at, bytes) in try rows(in: index..<end) {
                do throws(LogError) {
                    previous = try verified(at, bytes, after: previous, &report)
                } catch {
                    guard case .damaged(_, _, let why) = error else { throw error }
                    report.holes.append(VerifyReport.Hole(index: at, reason: why))
                    previous = nil
                }
                if report.holes.count >= holesMax {
                    report.stoppedEarly = at < upper
                    return report
                }
            }
            index = end
            if index <= upper, !progress(index) {
                report.stoppedEarly = true
                return report
            }
        }
        return report
    }

    /// Every index of the range with its row, or nil where there is none.
    private func rows(
        in range: Range<LogIndex>
    ) throws(LogError) -> [(LogIndex, [UInt8]?)] {
        var rows: [(LogIndex, [UInt8]?)] = []
        var due = range.lowerBound
        try scanRows(range) { index, value in
            while due < index {
                rows.append((due, nil))
                due = due.next
            }
            rows.append((index, Array(value)))
            due = index.next
            return true
        }
        while due < range.upperBound {
            rows.append((due, nil))
            due = due.next
        }
        return rows
    }

    /// Checks one record; returns its chain value. `previous` is nil behind a hole: then the
    /// record's own chain value is taken as it stands, for the hole is what is wrong.
    private func verified(
        _ index: LogIndex,
        _ bytes: [UInt8]?,
        after previous: Digest?,
        _ report: inout VerifyReport
    ) throws(LogError) -> Digest {
        guard let bytes else { throw damaged(index, "there is no row") }
        let row = try row(decoding: bytes, at: index)
        let loss = losses.last { $0.first <= index && index <= $0.last.next }
        if let loss, index == loss.last.next, let anchor = loss.anchor {
            guard Digest(of: bytes[..<(RecordHeader.count + Digest.count)]) == anchor else {
                throw damaged(index, "it is not the record that followed the accepted loss")
            }
        } else if let previous, previous.chained(with: row.headerBytes[...]) != row.chain {
            throw damaged(index, "the chain breaks")
        }
        if row.header.kind == .lost, loss.map({ index <= $0.last }) != true {
            throw damaged(index, "a loss that nobody accepted")
        }
        let record = try complete(row)
        report.intact += 1
        if record.entry.isBlank { report.blank += 1 }
        return row.chain
    }
}
