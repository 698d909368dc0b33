import Foundation

/// The checkout this test was built from.
enum SourceTree {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    static let sources = root.appendingPathComponent("Sources").resolvingSymlinksInPath()

    /// `Group/Module` of every folder with a source file in it, whatever its language.
    static func modules() throws -> Set<String> {
        let files = FileManager.default
        var result: Set<String> = []
        for group in try files.contentsOfDirectory(atPath: sources.path) {
            let folder = sources.appendingPathComponent(group)
            for module in try files.contentsOfDirectory(atPath: folder.path) {
                let path = folder.appendingPathComponent(module).path
                let names = files.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
                let isModule = names.contains { name in
                    [".swift", ".c", ".cpp"].contains { name.hasSuffix($0) }
                }
                if isModule { result.insert("\(group)/\(module)") }
            }
        }
        return result
    }

    /// Paths relative to `Sources`, sorted.
    static func swiftFiles(under folder: String) -> [String] {
        let base = sources.appendingPathComponent(folder)
        guard let walk = FileManager.default.enumerator(atPath: base.path) else { return [] }
        return walk.compactMap { $0 as? String }.filter { $0.hasSuffix(".swift") }.sorted()
            .map { "\(folder)/\($0)" }
    }

    static func read(_ file: String) throws -> String {
        try String(contentsOf: sources.appendingPathComponent(file), encoding: .utf8)
    }
}
