import AdminProtocol
import Homeserver
import MessageLog
import Primitives
import RocksKeyValue

/// Looks at the log, of a running node or a stopped one.
struct LogTools {
    let store: RocksKeyValueStore

    private func partitions(_ request: AdminRequest) throws(AdminFailure) -> [PartitionID] {
        if let number = request.arguments["partition"]?.integer {
            guard let raw = UInt16(exactly: number) else {
                throw .badArgument("a partition is a number from 0 to 65535")
            }
            return [PartitionID(raw)]
        }
        return try storing { () throws(LogError) in
            try MessageLog<RocksKeyValueStore>.partitions(in: store)
        }
    }

    private func storing<Value>(_ body: () throws(LogError) -> Value) throws(AdminFailure) -> Value
    {
        do throws(LogError) { return try body() } catch {
            throw AdminFailure(code: "E-DISK-DAMAGED", message: error.description)
        }
    }

    private func open(
        _ partition: PartitionID
    ) throws(AdminFailure) -> RecoveredLog<RocksKeyValueStore> {
        try storing { () throws(LogError) in
            try MessageLog.recover(partition, from: store, mark: nil)
        }
    }

    /// Reads every record of the log, follows every chain, checks every body.
    func verify(
        _ request: AdminRequest,
        _ progress: (AdminValue) -> Void
    ) throws(AdminFailure) -> AdminValue {
        var records = 0
        var damaged: [AdminValue] = []
        let all = try partitions(request)
        for (done, partition) in all.enumerated() {
            let log = try open(partition).log
            let report = try storing { () throws(LogError) in
                try log.verify(holesMax: 16) { index in
                    progress([
                        "partition": .integer(Int64(partition.raw)),
                        "index": .integer(Int64(index.raw)),
                    ])
                    return true
                }
            }
            records += report.intact
            for hole in report.holes {
                damaged.append([
                    "partition": .integer(Int64(partition.raw)),
                    "index": .integer(Int64(hole.index.raw)), "reason": .string(hole.reason),
                ])
            }
            progress([
                "partitions_done": .integer(Int64(done + 1)),
                "partitions": .integer(Int64(all.count)),
            ])
        }
        return ["records": .integer(Int64(records)), "damaged": .array(damaged)]
    }

    /// Headers and kinds of facts; never content.
    func inspect(_ request: AdminRequest) throws(AdminFailure) -> AdminValue {
        guard
            let partition = request.arguments["partition"]?.integer.flatMap({ UInt16(exactly: $0) })
        else { throw .badArgument("name a partition") }
        let log = try open(PartitionID(partition)).log
        let first = max(
            UInt64(clamping: request.arguments["from"]?.integer ?? 1),
            log.firstIndex.raw
        )
        let count = min(UInt64(clamping: request.arguments["count"]?.integer ?? 20), 1_000)
        var records: [AdminValue] = []
        var index = first
        while index <= log.lastIndex.raw, index < first + count {
            let record = try storing { () throws(LogError) in try log.record(at: LogIndex(index)) }
            let kinds = record.body.map { body in
                ((try? EntryBody.decode(body[...])) ?? []).map { fact in
                    AdminValue.string("\(type(of: fact.payload))")
                }
            }
            records.append([
                "index": .integer(Int64(index)),
                "term": .integer(Int64(record.header.term.raw)),
                "kind": .string("\(record.header.kind)"),
                "retention": .string("\(record.header.retention)"),
                "clock": .integer(Int64(record.header.clock.milliseconds)),
                "bytes": .integer(Int64(record.body?.count ?? 0)),
                "blank": .bool(record.body == nil), "chain": .string("\(record.chain)"),
                "facts": .array(kinds ?? []),
            ])
            index += 1
        }
        return ["records": .array(records)]
    }
}
