import Primitives
import Raft

/// Three voters in one thread, no disk, no network: what the Raft core alone costs.
struct ReplicationBenchmark {
    private static let bodyBytes = 256
    private var nodes: [RaftNode<MemoryLog>]
    /// `MsgApp` and `MsgAppResp` steps.
    private var steps = 0

    init() throws {
        let ids = (1...3).map { ReplicaID(UInt64($0)) }
        nodes = try ids.map { id in
            try RaftNode(
                settings: RaftSettings(id: id, seed: id.raw),
                hardState: nil,
                configuration: VoterConfiguration(voters: ids),
                applied: .zero,
                log: MemoryLog()
            )
        }
        nodes[0].campaign()
        settle()
    }

    /// Replicates one entry at a time, the most expensive way, then sixteen.
    mutating func run(seconds: Double) throws {
        let alone = try measure(seconds, batch: 1)
        report("Raft, 3 voters, 256 B", alone.steps, "steps/s of thread time", bar: 1_000_000)
        report("Raft, entries one at a time", alone.entries, "entries/s of thread time")
        let together = try measure(seconds, batch: 16)
        report("Raft, entries by sixteen", together.entries, "entries/s of thread time")
    }

    private mutating func measure(
        _ seconds: Double,
        batch: Int
    ) throws -> (steps: Double, entries: Double) {
        let payloads = [[UInt8]](
            repeating: [UInt8](repeating: 7, count: Self.bodyBytes),
            count: batch
        )
        steps = 0
        var entries = 0
        let start = threadSeconds()
        var end = start
        repeat {
            for _ in 0..<256 {
                _ = try nodes[0].propose(payloads)
                settle()
                entries += batch
            }
            for node in nodes.indices { nodes[node].reader.compact(to: nodes[node].appliedIndex) }
            end = threadSeconds()
        } while end - start < seconds
        precondition(nodes.allSatisfy { $0.commitIndex == nodes[0].last.index }, "not replicated")
        return (Double(steps) / (end - start), Double(entries) / (end - start))
    }

    /// Every disk and state machine is done at once.
    private mutating func settle() {
        var isBusy = true
        while isBusy {
            isBusy = false
            for node in nodes.indices where nodes[node].hasReady {
                isBusy = true
                turn(node)
            }
        }
    }

    private mutating func turn(_ node: Int) {
        let ready = nodes[node].takeReady()
        for message in ready.messages { deliver(message) }
        if let task = ready.append {
            nodes[node].reader.write(task)
            for message in task.responses { deliver(message) }
            nodes[node].appended(task.acknowledgement)
        }
        if let task = ready.apply, let last = task.entries.last {
            nodes[node].applied(upTo: last.index, bytes: task.bytes)
        }
    }

    private mutating func deliver(_ message: Message) {
        if message.kind == .append || message.kind == .appendResponse { steps += 1 }
        try? nodes[Int(message.to.raw) - 1].step(message)
    }
}
