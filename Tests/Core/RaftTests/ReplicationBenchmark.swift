import Foundation
import Primitives
import Raft
import Testing

/// Three voters in one thread, no disk, no network: what the core alone costs, in CPU time.
package struct ReplicationBenchmark {
    package struct Result {
        /// `MsgApp` and `MsgAppResp` steps.
        package var steps = 0
        package var entries = 0
        package var seconds = 0.0
        package var stepsPerSecond: Double { Double(steps) / seconds }
        package var entriesPerSecond: Double { Double(entries) / seconds }
    }

    private var nodes: [RaftNode<MemoryLog>]
    private var steps = 0

    package init() throws {
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
        if let task = ready.apply {
            nodes[node].applied(upTo: task.entries[task.entries.count - 1].index, bytes: task.bytes)
        }
    }

    private mutating func deliver(_ message: Message) {
        if message.kind == .append || message.kind == .appendResponse { steps += 1 }
        try? nodes[Int(message.to.raw) - 1].step(message)
    }

    /// Replicates `count` entries of 256 bytes, `batch` at a time.
    package mutating func run(entries count: Int, batch: Int) -> Result {
        let payloads = [[UInt8]](repeating: [UInt8](repeating: 7, count: 256), count: batch)
        steps = 0
        let start = cpuSeconds()
        for round in 0..<count / batch {
            _ = try? nodes[0].propose(payloads)
            settle()
            if round % 256 == 255 { compact() }
        }
        let seconds = cpuSeconds() - start
        precondition(nodes.allSatisfy { $0.commitIndex == nodes[0].last.index }, "not replicated")
        return Result(
            steps: steps,
            entries: count / batch * batch,
            seconds: seconds
        )
    }

    /// Time this thread spent working, so that a busy machine does not blur the result.
    private func cpuSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private mutating func compact() {
        for node in nodes.indices {
            let index = nodes[node].appliedIndex
            nodes[node].reader.compact(to: index)
        }
    }
}

@Suite("Replication in bulk")
struct ReplicationBenchmarkTests {
    @Test("A batch costs few steps, however large it is", arguments: [1, 16, 64])
    func stepsPerBatch(batch: Int) throws {
        var benchmark = try ReplicationBenchmark()
        let result = benchmark.run(entries: 4_096, batch: batch)
        let batches = result.entries / batch
        #expect(result.entries == 4_096)
        // To each of two followers: the entries, their commit, and an answer to both.
        #expect(result.steps >= 4 * batches)
        #expect(result.steps <= 8 * batches)
        #expect(result.seconds > 0)
    }
}
