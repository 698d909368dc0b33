import Primitives
import Raft
import Testing

@Suite("Membership changes")
struct ConfigurationChangeTests {
    private func draw(_ random: inout SeededGenerator) -> ConfigurationChange.Step {
        let actions: [ConfigurationChange.Action] = [.addVoter, .remove, .update, .addLearner]
        return .init(actions[Int(random.next() % 4)], ReplicaID(random.next() % 6))
    }

    private func changer(_ from: VoterConfiguration, _ members: [Progress]) -> ConfigurationChanger
    {
        ConfigurationChanger(
            from,
            members: members,
            lastIndex: LogIndex(5),
            emptyWindow: InflightWindow(maxCount: 4, maxBytes: 0)
        )
    }

    @Test("A simple change leads where a joint one does, if it is allowed at all")
    func simpleEqualsJoint() {
        var random = SeededGenerator(seed: 3)
        var compared = 0
        for _ in 0..<5_000 {
            var start = changer(VoterConfiguration(), [])
            let voters = (1...(1 + random.next() % 4)).map {
                ConfigurationChange.Step(.addVoter, ReplicaID($0))
            }
            for voter in voters { try? start.simple([voter]) }
            let steps = (0...(random.next() % 3)).map { _ in draw(&random) }
            var simple = start
            var joint = start
            do {
                try simple.simple(steps)
            } catch { continue }
            #expect(throws: Never.self) {
                try joint.enterJoint(steps, autoLeave: false)
                try joint.leaveJoint()
            }
            #expect(simple.configuration == joint.configuration)
            #expect(simple.members.map(\.id) == joint.members.map(\.id))
            #expect(simple.members.map(\.isLearner) == joint.members.map(\.isLearner))
            compared += 1
        }
        #expect(compared > 1_000)
    }

    @Test("Whatever is applied, members and lists agree and no majority is lost")
    func invariants() {
        var random = SeededGenerator(seed: 4)
        for _ in 0..<300 {
            var configuration = VoterConfiguration(voters: [ReplicaID(1)])
            var first = changer(VoterConfiguration(), [])
            try? first.simple([.init(.addVoter, ReplicaID(1))])
            var members = first.members
            for _ in 0..<40 {
                var next = changer(configuration, members)
                let steps = (0..<(random.next() % 4)).map { _ in draw(&random) }
                let change = ConfigurationChange(
                    steps,
                    transition: random.next() % 3 == 0 ? .explicit : .auto
                )
                guard (try? next.apply(change)) != nil else { continue }
                configuration = next.configuration
                members = next.members
                #expect(!configuration.voters.isEmpty)
                #expect(members.map(\.id) == configuration.members)
                for member in members {
                    #expect(member.isLearner == configuration.learners.contains(member.id))
                    #expect(member.isLearner != configuration.isVoter(member.id))
                }
            }
        }
    }

    @Test("What is encoded is decoded")
    func roundTrip() throws {
        var random = SeededGenerator(seed: 5)
        for _ in 0..<2_000 {
            let steps = (0..<(random.next() % 5)).map { _ in draw(&random) }
            let transitions: [ConfigurationChange.Transition] = [.auto, .implicit, .explicit]
            let transition = transitions[Int(random.next() % 3)]
            let change = ConfigurationChange(
                steps,
                transition: transition,
                context: (0..<(random.next() % 9)).map { UInt8($0) },
                isSingleStep: steps.count == 1 && transition == .auto && random.next() % 2 == 0
            )
            let entry = Entry(
                term: Term(1),
                index: LogIndex(1),
                kind: change.entryKind,
                payload: change.encoded()
            )
            #expect(try ConfigurationChange(entry) == change)
        }
        #expect(ConfigurationChange.leaveJoint.encoded().isEmpty)
    }

    @Test("Damaged bytes are refused, never taken for something else silently")
    func damage() {
        let change = ConfigurationChange(
            [.init(.addVoter, ReplicaID(300)), .init(.remove, ReplicaID(2))],
            context: [1, 2, 3]
        )
        let bytes = change.encoded()
        for length in 1..<bytes.count {
            #expect(throws: DecodeError.self) {
                try ConfigurationChange(decoding: Array(bytes.prefix(length)), kind: .changeV2)
            }
        }
        #expect(throws: DecodeError.self) {
            try ConfigurationChange(decoding: bytes + [0], kind: .changeV2)
        }
        #expect(throws: DecodeError.self) {
            try ConfigurationChange(decoding: [9] + bytes.dropFirst(), kind: .changeV2)
        }
        #expect(throws: DecodeError.self) { try ConfigurationChange(decoding: [], kind: .change) }
        #expect(throws: DecodeError.self) {
            try ConfigurationChange(decoding: bytes, kind: .normal)
        }
    }
}
