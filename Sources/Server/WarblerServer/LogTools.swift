import AdminProtocol
import Glibc
import Homeserver
import KeyValue
import MessageLog
import MultiRaft
import Primitives
import Projections

/// Looks at the log, of a running node or a stopped one, with the verdicts of a start.
struct LogTools<Log: KeyValueReader, Rows: KeyValueReader> {
    let recovery: LogRecovery<Log, Rows>

    private func partitions(_ request: AdminRequest) throws(AdminFailure) -> [PartitionID] {
        if let number = request.arguments["partition"] {
            guard let partition = PartitionID(argument: number) else {
                throw .badArgument("a partition is a number from 0 to 65535, or `keys`")
            }
            return [partition]
        }
        // The mark remembers a partition of which nothing is stored any more.
        let stored = try storing { try MessageLog<Log>.partitions(in: recovery.log) }
        return Set(stored + (recovery.mark?.entries.map(\.partition) ?? [])).sorted()
    }

    private func storing<Value>(_ body: () throws -> Value) throws(AdminFailure) -> Value {
        do { return try body() } catch {
            throw AdminFailure(code: "E-DISK-DAMAGED", message: "\(error)")
        }
    }

    /// Reads every record of the log, follows every chain, checks every body, and holds the end
    /// of each against the mark.
    func examine(
        _ request: AdminRequest,
        _ progress: (AdminValue) -> Void
    ) throws(AdminFailure) -> [LogExamination] {
        let all = try partitions(request)
        var found: [LogExamination] = []
        for (done, partition) in all.enumerated() {
            found.append(
                try storing {
                    try recovery.examine(partition) { index in
                        progress([
                            "partition": .string(partition.description),
                            "index": .integer(Int64(index.raw)),
                        ])
                    }
                }
            )
            progress([
                "partitions_done": .integer(Int64(done + 1)),
                "partitions": .integer(Int64(all.count)),
            ])
        }
        return found
    }

    func verify(
        _ request: AdminRequest,
        _ progress: (AdminValue) -> Void
    ) throws(AdminFailure) -> AdminValue {
        let found = try examine(request, progress)
        return [
            "records": .integer(Int64(found.reduce(0) { $0 + $1.intact })),
            "damaged": .array(LossList(found).rows),
        ]
    }

    /// Headers and kinds of facts; never content.
    func inspect(_ request: AdminRequest) throws(AdminFailure) -> AdminValue {
        guard let partition = request.arguments["partition"].flatMap(PartitionID.init(argument:))
        else { throw .badArgument("name a partition") }
        let log = try storing { try recovery.recover(partition).log }
        let first = max(
            UInt64(clamping: request.arguments["from"]?.integer ?? 1),
            log.firstIndex.raw
        )
        let count = min(UInt64(clamping: request.arguments["count"]?.integer ?? 20), 1_000)
        var records: [AdminValue] = []
        var index = first
        while index <= log.lastIndex.raw, index < first + count {
            let record = try storing { try log.record(at: LogIndex(index)) }
            var members: [AdminValue.Member] = [
                .init("index", .integer(Int64(index))),
                .init("term", .integer(Int64(record.header.term.raw))),
                .init("kind", .string("\(record.header.kind)")),
                .init("retention", .string("\(record.header.retention)")),
                .init("clock", .integer(Int64(record.header.clock.milliseconds))),
                .init("bytes", .integer(Int64(record.body?.count ?? 0))),
                .init("blank", .bool(record.entry.isBlank)),
                .init("chain", .string("\(record.chain)")),
                .init("facts", .array(facts(of: record))),
            ]
            if record.header.kind == .lossAccepted, let body = record.body,
                let notice = try? LossNotice(decoding: body)
            {
                members.append(.init("lost", .string("\(notice.first)-\(notice.last)")))
                members.append(.init("reason", .string(notice.reason)))
            }
            records.append(.object(members))
            index += 1
        }
        return ["records": .array(records)]
    }

    private func facts(of record: LogRecord) -> [AdminValue] {
        guard record.header.kind == .facts, let body = record.body else { return [] }
        return ((try? EntryBody.decode(body[...])) ?? []).map {
            .string("\(type(of: $0.payload))")
        }
    }
}

/// What is wrong with a node's logs, each with the word that gives it up.
struct LossList {
    /// Gives up whatever else was promised, when the mark is gone and nobody knows what it was.
    static let mark = "mark"

    struct Item {
        let word: String
        let examination: LogExamination
        /// Nil: no record is known to be missing, but a promise is.
        let stretch: LostStretch?

        var isEnd: Bool {
            guard case .amnesia = examination.verdict else { return false }
            return stretch == examination.losses.first
        }
    }

    let items: [Item]
    let isMarkMissing: Bool

    init(_ found: [LogExamination]) {
        isMarkMissing = found.contains { $0.verdict == .amnesia(.markMissing) }
        items = found.flatMap { one -> [Item] in
            if one.losses.isEmpty, !one.isClean {
                let isMark = one.verdict == .amnesia(.markMissing)
                let word = isMark ? Self.mark : "\(one.partition):promise"
                return [Item(word: word, examination: one, stretch: nil)]
            }
            return one.losses.map {
                Item(
                    word: "\(one.partition):\($0.first)-\($0.last)",
                    examination: one,
                    stretch: $0
                )
            }
        }
    }

    /// One word each, in order.
    var words: [String] {
        var words: [String] = []
        for item in items where !words.contains(item.word) { words.append(item.word) }
        return words
    }

    var rows: [AdminValue] {
        var isMarkTold = false
        return items.compactMap { item in
            guard let stretch = item.stretch else {
                let isMark = item.word == Self.mark
                if isMark, isMarkTold { return nil }
                isMarkTold = isMarkTold || isMark
                return row(item, partition: isMark ? "all" : nil)
            }
            return [
                "partition": .string(item.examination.partition.description),
                "index": .integer(Int64(stretch.first.raw)),
                "to": .integer(Int64(stretch.last.raw)),
                "bytes": .integer(Int64(stretch.storedBytes)),
                "after": stretch.after.map { .string(utc($0)) } ?? .null,
                "before": stretch.before.map { .string(utc($0)) } ?? .null,
                "word": .string(item.word),
                "reason": .string(stretch.reason),
            ]
        }
    }

    private func row(_ item: Item, partition: String?) -> AdminValue {
        var reason = ""
        if case .amnesia(let why) = item.examination.verdict { reason = why.description }
        return [
            "partition": .string(partition ?? item.examination.partition.description),
            "index": .null, "to": .null, "bytes": .integer(0), "after": .null, "before": .null,
            "word": .string(item.word), "reason": .string(reason),
        ]
    }
}

extension PartitionID {
    /// As the command line has it: a number, or the name of the key partition.
    init?(argument: AdminValue) {
        if let number = argument.integer ?? argument.string.flatMap({ Int64($0) }) {
            guard let raw = UInt16(exactly: number) else { return nil }
            self.init(raw)
        } else {
            guard argument.string == PartitionID.keys.description else { return nil }
            self = .keys
        }
    }
}

/// `2026-11-21T10:15:02Z`
func utc(_ clock: HybridTimestamp) -> String { utc(milliseconds: clock.milliseconds) }

func utc(milliseconds: UInt64) -> String {
    var seconds = time_t(milliseconds / 1_000)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : String(value) }
    return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
        + "T\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))Z"
}
