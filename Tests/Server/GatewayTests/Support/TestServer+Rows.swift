import KeyValue
import Keyspace
import MultiRaft
import Partitions
import Primitives
import Projections

/// What a server has recorded, seen from below.
extension TestServer {
    private var partitions: [PartitionID] { [.control, .keys] + node.map.all }

    /// Returns once the partitions owe each other nothing: every message in an outbox is folded by
    /// its target, those that are due to be forgotten are, and nobody asks for keys. From then on
    /// only a client can change a row.
    func settle() async throws {
        for _ in 0..<50_000 {
            try await node.readBarrier(partitions)
            if try isSettled() { return }
        }
        throw ClientError(message: "the partitions never came to rest")
    }

    /// Messages that an outbox forgets together.
    private static let forgottenAtOnce = 64

    private func isSettled() throws -> Bool {
        let view = node.view()
        for source in partitions {
            let from = view.reader(source)
            for target in partitions {
                let sent = try from.counter(from.keys.outboxNext(target))
                let to = view.reader(target)
                guard try to.counter(to.keys.inboxSequence(source)) == sent else { return false }
            }
            var kept: [PartitionID: Int] = [:]
            try from.outbox { target, _, _ in
                kept[target, default: 0] += 1
                return true
            }
            guard kept.values.allSatisfy({ $0 < Self.forgottenAtOnce }) else { return false }
            guard node.map.all.contains(source) else { continue }
            let keys = try from.keyBlock().ranges.reduce(0) { $0 + $1.count }
            guard keys >= HostSettings().keysLow else { return false }
        }
        return true
    }

    /// Every row there is, the applied positions of all partitions among them.
    func rows() throws -> [[UInt8]: [UInt8]] {
        var rows: [[UInt8]: [UInt8]] = [:]
        try state.scan(
            from: [],
            to: [UInt8](repeating: 0xFF, count: 64),
            in: .state,
            reverse: false
        ) { key, value in
            rows[Array(key)] = Array(value)
            return true
        }
        return rows
    }

    /// How far each partition has come: any entry that was recorded shows here.
    func positions() -> [PartitionID: LogIndex] {
        Dictionary(uniqueKeysWithValues: partitions.map { ($0, node.applied($0)) })
    }
}
