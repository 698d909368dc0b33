import Primitives
import Raft
import Testing

/// The data of etcd-io/raft on committed indexes and vote results. The last line of an output is
/// the answer; the chart above it is decoration.
@Suite(
    "Quorum data of etcd-io/raft",
    .enabled(if: ConformanceData.isPresent, ConformanceData.missing)
)
struct QuorumDataTests {
    @Test("Every case has the same answer", arguments: ConformanceData.files(in: "quorum/testdata"))
    func replay(file: String) throws {
        for data in try ConformanceData.load(file, in: "quorum/testdata") {
            let actual = Self.answer(data)
            let expected = data.expected.split(separator: "\n").last.map(String.init) ?? ""
            // The empty quorum commits everything; its chart stands on the same line.
            #expect(expected.hasSuffix(actual), "\(file):\(data.line)")
            #expect(actual == expected || expected.hasPrefix("<"), "\(file):\(data.line)")
        }
    }

    @Test("There are 127 cases")
    func completeness() throws {
        let counts = try ConformanceData.files(in: "quorum/testdata").map {
            try ConformanceData.load($0, in: "quorum/testdata").count
        }
        #expect(counts.count == 4 && counts.reduce(0, +) == 127)
    }

    private static func answer(_ data: DataCase) -> String {
        func ids(_ key: String) -> [ReplicaID] {
            Array(Set(data.values(key).compactMap { UInt64($0).map { ReplicaID($0) } })).sorted()
        }
        let joint = JointQuorum(incoming: ids("cfg"), outgoing: ids("cfgj"))
        let flipped = JointQuorum(incoming: ids("cfgj"), outgoing: ids("cfg"))
        // Inputs stand in the order in which voters are first named.
        var named: [ReplicaID] = []
        for text in data.values("cfg") + data.values("cfgj") {
            if let id = UInt64(text).map({ ReplicaID($0) }), !named.contains(id) {
                named.append(id)
            }
        }
        let inputs = data.values(data.command == "vote" ? "votes" : "idx")
        let given = Dictionary(uniqueKeysWithValues: zip(named, inputs))
        if data.command == "committed" {
            func index(_ id: ReplicaID) -> LogIndex {
                LogIndex(given[id].flatMap { UInt64($0) } ?? 0)
            }
            let answer = joint.committed(index)
            guard answer == flipped.committed(index) else { return "not symmetric" }
            return answer.map { "\($0)" } ?? "∞"
        }
        func vote(_ id: ReplicaID) -> Bool? {
            switch given[id] {
            case "y": true
            case "n": false
            default: nil
            }
        }
        let answer = joint.outcome(vote)
        guard answer == flipped.outcome(vote) else { return "not symmetric" }
        switch answer {
        case .pending: return "VotePending"
        case .won: return "VoteWon"
        case .lost: return "VoteLost"
        }
    }
}
