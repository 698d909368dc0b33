import Foundation
import Raft
import Testing

/// Scenarios of our own in the same language: what the data of etcd-io/raft lack. With
/// `WARBLER_REWRITE=1` the expected outputs are written anew, to be reviewed as any other change.
@Suite("Scenarios")
struct ScenarioTests {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Scenarios")

    static let files =
        ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [])
        .filter { $0.hasSuffix(".txt") }.sorted()

    static let rewrites = ProcessInfo.processInfo.environment["WARBLER_REWRITE"] == "1"

    static func cases(in file: String) throws -> [DataCase] {
        try DataCase.parse(
            String(contentsOf: folder.appendingPathComponent(file), encoding: .utf8)
        )
    }

    @Test("Every command has the output that was reviewed", arguments: files)
    func replay(file: String) throws {
        let cases = try Self.cases(in: file)
        if Self.rewrites {
            try rewrite(file, cases)
        } else {
            let difference = Interaction.replay(cases, of: file)
            #expect(difference == nil, "\(difference.map(\.description) ?? "")")
        }
    }

    private func rewrite(_ file: String, _ cases: [DataCase]) throws {
        var environment = InteractionEnvironment()
        var blocks: [String] = []
        for data in cases {
            let output = Interaction.normalised(environment.run(data))
            blocks.append((data.source + ["----", output]).joined(separator: "\n") + "\n")
        }
        let url = Self.folder.appendingPathComponent(file)
        try blocks.joined(separator: "\n").write(to: url, atomically: true, encoding: .utf8)
    }

    @Test(
        "A core with a planted fault fails at least one scenario",
        arguments: [PlantedFault.commitsOldTerms, .readsWithoutQuorum, .votesBeforeAppend]
    )
    func notices(fault: PlantedFault) throws {
        let failing = try Self.files.filter {
            Interaction.replay(try Self.cases(in: $0), of: $0, plantedFault: fault) != nil
        }
        #expect(!failing.isEmpty, "no scenario notices \(fault)")
    }
}
