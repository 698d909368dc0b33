import Foundation
import Testing

/// What operators read: codes that can be looked up, log lines that can be searched for.
@Suite("Operator texts")
struct OperatorTextTests {
    @Test("Every error code in the sources can be explained, and no other is")
    func errorCodes() throws {
        let pattern = try NSRegularExpression(pattern: "\"(E-[A-Z]+(?:-[A-Z0-9]+)*)\"")
        let catalogueFile = "Server/Observability/ErrorCatalogue.swift"
        var used: [String: String] = [:]
        var catalogue: Set<String> = []
        for module in ModuleTable.modules {
            for file in SourceTree.swiftFiles(under: module.path) {
                let source = try SourceTree.read(file)
                let whole = NSRange(source.startIndex..., in: source)
                for match in pattern.matches(in: source, range: whole) {
                    let code = String(source[Range(match.range(at: 1), in: source)!])
                    if file == catalogueFile {
                        catalogue.insert(code)
                    } else {
                        used[code] = file
                    }
                }
            }
        }
        for (code, file) in used {
            let isListed = catalogue.contains(code)
            #expect(isListed, "\(code) in \(file) is not in ErrorCatalogue")
        }
        #expect(catalogue.subtracting(used.keys).isEmpty, "codes that nothing says")
    }

    @Test("Every metric that has a name is fed")
    func metricsAreFed() throws {
        let namesFile = "Server/Observability/MetricNames.swift"
        let named = try words(#"static let (\w+) = MetricName"#, in: [namesFile])
        #expect(named.count > 10)
        let files = ModuleTable.modules.flatMap { SourceTree.swiftFiles(under: $0.path) }
        let fed = try words(
            #"\b(?:counter|gauge|histogram)\(\s*\.(\w+)"#,
            in: files.filter { $0 != namesFile }
        )
        #expect(named.subtracting(fed).isEmpty)
    }

    /// What the first group of a pattern finds.
    private func words(_ pattern: String, in files: [String]) throws -> Set<String> {
        let expression = try NSRegularExpression(pattern: pattern)
        var found: Set<String> = []
        for file in files {
            let source = try SourceTree.read(file)
            let whole = NSRange(source.startIndex..., in: source)
            for match in expression.matches(in: source, range: whole) {
                found.insert(String(source[Range(match.range(at: 1), in: source)!]))
            }
        }
        return found
    }

    @Test("Log messages are static: what differs is a field")
    func staticLogMessages() throws {
        let pattern = try NSRegularExpression(
            pattern: "\\b(?:log|logger)\\.(?:trace|debug|info|notice|warning|error|critical)"
                + "\\(\\s*\"[^\"]*\\\\\\("
        )
        for module in ModuleTable.modules {
            for file in SourceTree.swiftFiles(under: module.path) {
                let source = try SourceTree.read(file)
                let whole = NSRange(source.startIndex..., in: source)
                #expect(
                    pattern.firstMatch(in: source, range: whole) == nil,
                    "\(file) logs a message with something interpolated"
                )
            }
        }
    }
}
