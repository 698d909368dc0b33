import AdminProtocol
import Glibc
import KeyValue
import Logging
import MessageLog
import MultiRaft
import Observability
import Primitives
import Projections
import RocksKeyValue

/// `warbler log accept-loss` on the data of a stopped node: what is gone is recorded as lost in
/// the log itself, and the node starts again without it (architecture 2.5).
///
/// Nothing is given up that the operator did not name with the words `log verify` prints.
struct LossAcceptance {
    let files: NodeFiles
    let logger: Logger

    func run(
        _ request: AdminRequest,
        _ progress: (AdminValue) -> Void
    ) throws(AdminFailure) -> AdminValue {
        let recovery = LogRecovery(log: files.log, rows: files.state, mark: files.mark.found)
        // All partitions, whatever is asked for: a new mark must know every one of them.
        let everything = AdminRequest(command: request.command)
        let found = try LogTools(recovery: recovery).examine(everything, progress)
        let list = LossList(found)
        let words = (request.arguments["words"]?.array ?? []).compactMap(\.string)
        guard !list.items.isEmpty else {
            throw AdminFailure(code: "E-LOG-SOUND", message: "nothing is damaged: nothing is lost")
        }
        try check(words, against: list)
        let wanted = found.compactMap { one in
            let named = list.items.contains {
                $0.examination.partition == one.partition && words.contains($0.word)
            }
            return named
                ? one.keeping { words.contains("\(one.partition):\($0.first)-\($0.last)") } : nil
        }
        var accepted: [AdminValue] = []
        var moved: String?
        do {
            let folded = try wanted.contains { one in
                let applied = try recovery.applied(one.partition)
                return one.losses.contains { $0.first <= applied }
            }
            if folded { moved = try setRowsAside() }
            var marks: [MarkEntry] = []
            for one in wanted {
                let (rows, mark) = try accept(one)
                accepted += rows
                marks.append(mark)
            }
            try files.mark.keep(marks)
        } catch { throw AdminFailure(code: "E-DISK-IO", message: "\(error)") }
        let left = list.words.filter { !words.contains($0) }
        return [
            "accepted": .array(accepted), "left": .array(left.map { .string($0) }),
            "old_rows": moved.map { .string($0) } ?? .null,
        ]
    }

    /// Rows say what the log says: those that were folded from lost records make place for new
    /// ones. They are moved before the log is changed, so that no crash leaves the two at odds.
    /// Returns where they are.
    private func setRowsAside() throws -> String {
        try files.state.close()
        let old = files.directory + "/state"
        let new = old + "-before-loss-\(wallMilliseconds() / 1_000)"
        guard rename(old, new) == 0 else {
            throw StoreError(.ioError, "\(old): \(String(cString: strerror(errno)))")
        }
        // Or a power cut could bring them back beside a log that says otherwise.
        try NodeFiles.syncFolder(of: new)
        logger.record(.warning, "rows were set aside", [.file: LogValue(new)])
        return new
    }

    private func check(_ words: [String], against list: LossList) throws(AdminFailure) {
        let known = list.words
        guard !words.isEmpty else {
            throw AdminFailure(
                code: "E-LOG-UNCONFIRMED",
                message: "name what is given up: \(known.joined(separator: " "))"
            )
        }
        for word in words where !known.contains(word) {
            throw AdminFailure(
                code: "E-LOG-UNCONFIRMED",
                message: "\(word) is not what is damaged: \(known.joined(separator: " "))"
            )
        }
        // The end comes first: the record of another loss would take an index that was promised.
        for item in list.items where item.isEnd && !words.contains(item.word) {
            let partition = item.examination.partition
            guard
                !list.items.contains(where: {
                    $0.examination.partition == partition && words.contains($0.word)
                })
            else {
                throw AdminFailure(
                    code: "E-LOG-UNCONFIRMED",
                    message: "the end of partition \(partition) goes with it: add \(item.word)"
                )
            }
        }
        guard !list.isMarkMissing || known.allSatisfy(words.contains) else {
            throw AdminFailure(
                code: "E-LOG-UNCONFIRMED",
                message: "without the mark it is all or nothing: "
                    + known.joined(separator: " ")
            )
        }
    }

    private func accept(
        _ wanted: LogExamination
    ) throws -> (rows: [AdminValue], mark: MarkEntry) {
        let partition = wanted.partition
        let promised = files.mark.found?.expectation(for: partition)
        var log = try MessageLog.recover(partition, from: files.log, mark: promised).log
        try log.giveUp(
            wanted,
            promised: promised,
            wallMilliseconds: wallMilliseconds()
        ) { try files.log.write($0, sync: true) }
        let stretches: [LostStretch?] = wanted.losses.isEmpty ? [nil] : wanted.losses
        let rows = stretches.map { stretch -> AdminValue in
            let indexes = stretch.map { "\($0.first)-\($0.last)" } ?? "none"
            logger.record(
                .warning,
                "a loss was accepted",
                [
                    .partition: LogValue(partition.description), .index: LogValue(indexes),
                    .reason: LogValue(stretch?.reason ?? "\(wanted.verdict)"),
                ]
            )
            return ["partition": .string(partition.description), "indexes": .string(indexes)]
        }
        return (rows, log.markEntry)
    }
}
