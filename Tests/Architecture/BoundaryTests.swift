import Foundation
import Testing

/// The compiler lets a target import an undeclared sibling once that was built, and knows nothing
/// of quiet cores. These tests read the sources themselves.
@Suite("Boundaries")
struct BoundaryTests {
    @Test("Every module stands in the table, and every row has a module")
    func tableIsComplete() throws {
        let folders = try SourceTree.modules()
        let rows = Set(ModuleTable.modules.map(\.path))
        #expect(folders.subtracting(rows).isEmpty, "modules without a row")
        #expect(rows.subtracting(folders).isEmpty, "rows without a module")
        #expect(rows.count == ModuleTable.modules.count, "two rows for one module")
    }

    @Test("Package.swift declares what the table allows", arguments: ModuleTable.modules)
    func manifestAgrees(module: ModuleTable.Module) throws {
        let declared = PackageManifest.dependencies(
            of: module.path,
            in: try PackageManifest.read()
        )
        #expect(declared == Set(module.imports))
    }

    @Test("A module imports only what its row allows", arguments: ModuleTable.modules)
    func imports(module: ModuleTable.Module) throws {
        guard module.kind != .foreign else { return }
        for file in SourceTree.swiftFiles(under: module.path) {
            let violations = BoundaryRules.importViolations(try SourceTree.read(file), in: module)
            #expect(violations.isEmpty, "\(file): \(violations.joined(separator: "; "))")
        }
    }

    @Test("A row names nothing that its module does not import", arguments: ModuleTable.modules)
    func noIdleImports(module: ModuleTable.Module) throws {
        guard module.kind != .foreign else { return }
        var imported: Set<String> = []
        for file in SourceTree.swiftFiles(under: module.path) {
            let lines = SourceScanner.codeLines(try SourceTree.read(file))
            imported.formUnion(SourceScanner.imports(lines).map(\.module))
        }
        #expect(Set(module.imports).subtracting(imported).isEmpty)
    }

    @Test("Pure code neither waits nor looks at a clock nor prints", arguments: ModuleTable.modules)
    func purity(module: ModuleTable.Module) throws {
        for file in SourceTree.swiftFiles(under: module.path) {
            let violations = BoundaryRules.purityViolations(try SourceTree.read(file), in: module)
            #expect(violations.isEmpty, "\(file): \(violations.joined(separator: "; "))")
        }
    }

    @Test("Imports make no cycle")
    func noCycles() {
        let byName = Dictionary(
            uniqueKeysWithValues: ModuleTable.modules.map { ($0.name, $0) }
        )
        var finished: Set<String> = []
        func visit(_ name: String, path: [String]) {
            guard let module = byName[name], !finished.contains(name) else { return }
            #expect(!path.contains(name), "\((path + [name]).joined(separator: " → "))")
            guard !path.contains(name) else { return }
            for next in module.imports where next != name { visit(next, path: path + [name]) }
            finished.insert(name)
        }
        for module in ModuleTable.modules { visit(module.name, path: []) }
    }

    @Test("A file stays below 600 lines, so that it can be read in one sitting")
    func fileLengths() throws {
        for module in ModuleTable.modules {
            for file in SourceTree.swiftFiles(under: module.path) {
                let lines = try SourceTree.read(file).split(
                    separator: "\n",
                    omittingEmptySubsequences: false
                ).count
                #expect(lines <= 600, "\(file) has \(lines) lines")
            }
        }
    }
}

@Suite("The boundary test itself")
struct BoundaryRulesTests {
    private let raft = ModuleTable.Module(
        "Core/Raft",
        .pure,
        ["Primitives"]
    )

    @Test(
        "A planted import is found",
        arguments: [
            "import Foundation", "package import KeyValue", "@preconcurrency import Homeserver",
            "import struct Foundation.Date", "import Raft\nimport NIOCore",
        ]
    )
    func plantedImport(source: String) {
        #expect(BoundaryRules.importViolations(source, in: raft).count == 1)
    }

    @Test("Allowed imports and mentions in comments pass")
    func allowedImports() {
        let source = """
            package import Primitives  // not Foundation
            /* import Foundation
               /* nested */ import NIOCore */
            let text = "import Foundation"
            """
        #expect(BoundaryRules.importViolations(source, in: raft).isEmpty)
    }

    @Test(
        "A planted word is found",
        arguments: [
            "let x = await y()", "Task { }", "let c = ContinuousClock()", "Int.random(in: 0..<3)",
            "print(1)", "  debugPrint(x)", "let d = Foundation.Date()", "Task.detached { }",
            "let s = \"a\\\"b\"; print(s)", "let t = #\"\\\"#; await f()",
            "let u = \"\"\"\n  await\n  \"\"\"; print(u)", "let e = \"\"; print(e)",
            "let v = \"\\(f(\"x\"))\"; print(v)",
        ]
    )
    func plantedWord(source: String) {
        #expect(BoundaryRules.purityViolations(source, in: raft).count == 1, "\(source)")
    }

    @Test(
        "Words inside names, texts and comments pass",
        arguments: [
            "let awaited = 1", "// await the sync", "/* print( */ let a = 1", "fingerprint(x)",
            "let s = \"print(x) await Task\"", "let t = \"\"\"\nawait\nTask\n\"\"\"",
            "struct TaskTable {}", "let r = #\"await \"Task\" \"#", "value.print()",
        ]
    )
    func harmlessWords(source: String) {
        #expect(BoundaryRules.purityViolations(source, in: raft).isEmpty, "\(source)")
    }

    @Test("Effectful modules may wait")
    func effectfulMayWait() {
        let gateway = ModuleTable.Module("Server/Gateway", .effectful)
        #expect(BoundaryRules.purityViolations("await f(); print(1)", in: gateway).isEmpty)
    }

    @Test("A manifest's dependencies are found, and a target that is not there is not")
    func manifest() {
        let manifest = """
            pure("Raft", in: "Core"),
            effectful("Log", in: "Store", ["Raft", "KeyValue"] + nio),
            .target(name: "CFace", path: "Sources/Store/CFace"),
            .executableTarget(
                name: "daemon",
                dependencies: ["Log", yams],
                path: "Sources/Server/Daemon",
            """
        func found(_ path: String) -> Set<String>? {
            PackageManifest.dependencies(of: path, in: manifest)
        }
        #expect(found("Core/Raft") == [])
        #expect(found("Store/Log") == Set(["Raft", "KeyValue"] + PackageManifest.products["nio"]!))
        #expect(found("Store/CFace") == [])
        #expect(found("Server/Daemon") == ["Log", "Yams"])
        #expect(found("Core/Log") == nil)
        #expect(found("Core/Absent") == nil)
    }

    @Test("A line number points at the line")
    func lineNumbers() {
        let source = "let a = \"\"\"\n\n\"\"\"\n/*\n*/\nlet b = await c"
        let violations = BoundaryRules.purityViolations(source, in: raft)
        #expect(violations == ["line 6 says await"])
    }
}

enum BoundaryRules {
    static func importViolations(_ source: String, in module: ModuleTable.Module) -> [String] {
        let allowed = Set(module.imports + module.system + ["Swift", module.name])
        return SourceScanner.imports(SourceScanner.codeLines(source))
            .filter { !allowed.contains($0.module) }
            .map { "line \($0.line) imports \($0.module)" }
    }

    static func purityViolations(_ source: String, in module: ModuleTable.Module) -> [String] {
        guard module.kind == .pure else { return [] }
        return SourceScanner.refusedWords(SourceScanner.codeLines(source))
            .map { "line \($0.line) says \($0.word)" }
    }
}
