import Primitives
import Raft
import Testing

/// The data of etcd-io/raft on membership changes: the configuration and the progress of its
/// members after each, or why it is refused.
@Suite(
    "Membership data of etcd-io/raft",
    .enabled(if: ConformanceData.isPresent, ConformanceData.missing)
)
struct MembershipDataTests {
    @Test(
        "Every change has the same result",
        arguments: ConformanceData.files(in: "confchange/testdata")
    )
    func replay(file: String) throws {
        let window = InflightWindow(maxCount: 10, maxBytes: 0)
        var configuration = VoterConfiguration()
        var members: [Progress] = []
        let cases = try ConformanceData.load(file, in: "confchange/testdata")
        for (position, data) in cases.enumerated() {
            var changer = ConfigurationChanger(
                configuration,
                members: members,
                lastIndex: LogIndex(UInt64(position)),
                emptyWindow: window
            )
            let actual: String
            do {
                try Self.perform(data, on: &changer)
                configuration = changer.configuration
                members = changer.members
                actual = Self.describe(configuration, members)
            } catch {
                actual = error.description
            }
            #expect(actual == data.expected, "\(file):\(data.line)")
        }
    }

    @Test("There are 58 cases")
    func completeness() throws {
        let counts = try ConformanceData.files(in: "confchange/testdata").map {
            try ConformanceData.load($0, in: "confchange/testdata").count
        }
        #expect(counts.count == 9 && counts.reduce(0, +) == 58)
    }

    private static func perform(
        _ data: DataCase,
        on changer: inout ConfigurationChanger
    ) throws(ChangeError) {
        let steps = data.input.split(whereSeparator: \.isWhitespace).map { token in
            let action: ConfigurationChange.Action =
                switch token.first {
                case "v": .addVoter
                case "l": .addLearner
                case "r": .remove
                default: .update
                }
            return ConfigurationChange.Step(action, ReplicaID(UInt64(token.dropFirst())!))
        }
        switch data.command {
        case "simple": try changer.simple(steps)
        case "enter-joint":
            try changer.enterJoint(steps, autoLeave: data.values("autoleave").first == "true")
        default: try changer.leaveJoint()
        }
    }

    private static func describe(
        _ configuration: VoterConfiguration,
        _ members: [Progress]
    ) -> String {
        let lines = members.map { member in
            // The data do not show activity: a newcomer counts as active.
            "\(member.id): \(Description.progress(member))"
        }
        return ([configuration.description] + lines).joined(separator: "\n")
    }
}
