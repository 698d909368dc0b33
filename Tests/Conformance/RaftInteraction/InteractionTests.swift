import Raft
import Testing

/// The result of replaying one file: the first difference, or nil.
struct Difference: CustomStringConvertible {
    var file: String
    var line: Int
    var command: String
    var expected: String
    var actual: String

    var description: String {
        "\(file):\(line) \(command)\n--- expected\n\(expected)\n--- actual\n\(actual)"
    }
}

enum Interaction {
    /// Replays a file. A command's output is complete before the expected text is looked at.
    static func replay(_ file: String, plantedFault: PlantedFault? = nil) throws -> Difference? {
        try replay(
            ConformanceData.load(file, in: "testdata"),
            of: file,
            plantedFault: plantedFault
        )
    }

    static func replay(
        _ cases: [DataCase],
        of file: String,
        plantedFault: PlantedFault? = nil
    ) -> Difference? {
        var environment = InteractionEnvironment(plantedFault: plantedFault)
        for data in cases {
            let actual = normalised(environment.run(data))
            let expected = withoutLogLines(data.expected)
            if actual != expected {
                return Difference(
                    file: file,
                    line: data.line,
                    command: data.command,
                    expected: expected,
                    actual: actual
                )
            }
        }
        return nil
    }

    /// Log lines are the wording of one implementation; all else must be equal.
    static func withoutLogLines(_ text: String) -> String {
        let levels = ["DEBUG ", "INFO ", "WARN ", "ERROR ", "FATAL "]
        let kept = text.split(separator: "\n").filter { line in
            let words = line.drop { $0 == " " }
            return !levels.contains { words.hasPrefix($0) }
        }
        return kept.isEmpty ? "ok" : kept.joined(separator: "\n")
    }

    static func normalised(_ text: String) -> String {
        text.split(separator: "\n").joined(separator: "\n")
    }
}

@Suite(
    "Interaction data of etcd-io/raft",
    .enabled(if: ConformanceData.isPresent, ConformanceData.missing)
)
struct InteractionTests {
    @Test("Every command has the same output", arguments: ConformanceData.files(in: "testdata"))
    func replay(file: String) throws {
        let difference = try Interaction.replay(file)
        #expect(difference == nil, "\(difference.map(\.description) ?? "")")
    }

    @Test("All 28 files are there")
    func completeness() {
        #expect(ConformanceData.files(in: "testdata").count == 28)
    }
}

extension Difference: Equatable {}
