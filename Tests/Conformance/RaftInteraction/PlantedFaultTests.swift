import Raft
import Testing

/// A suite that cannot fail proves nothing: bugs planted in the core must show. The data do not
/// notice `commitsOldTerms`, because without a limit on messages a follower never acknowledges
/// old entries alone, nor `readsWithoutQuorum`, because they have no reads: see `ScenarioTests`.
@Suite(
    "Planted faults show in the interaction data",
    .enabled(if: ConformanceData.isPresent, ConformanceData.missing)
)
struct PlantedFaultTests {
    @Test(
        "A core with a planted fault fails at least one file",
        arguments: [
            PlantedFault.skipsLeaseCheck, .acknowledgesBeforeAppend, .votesBeforeAppend,
        ]
    )
    func shows(fault: PlantedFault) throws {
        let failing = try ConformanceData.files(in: "testdata").filter {
            try Interaction.replay($0, plantedFault: fault) != nil
        }
        #expect(!failing.isEmpty, "no file notices \(fault)")
    }

    @Test("The replay looks at all 558 commands, and at what they print")
    func looksAtEverything() throws {
        var commands = 0
        var linesCompared = 0
        for file in ConformanceData.files(in: "testdata") {
            for data in try ConformanceData.load(file, in: "testdata") {
                commands += 1
                linesCompared +=
                    Interaction.withoutLogLines(data.expected)
                    .split(separator: "\n").count
            }
        }
        #expect(commands == 558)
        // 4,584 lines of output less 605 log lines, and an "ok" where nothing else is left.
        #expect(linesCompared > 3_900)
    }
}
