import Gateway
import Glibc
import HTTPService
import Testing

@Suite("Coverage")
struct CoverageTests {
    @Test("Specs/Matrix/Coverage.md names exactly the router's endpoints")
    func page() throws {
        let page = try contents(
            of: #filePath.text(before: "/Tests/Server/") + "/Specs/Matrix/Coverage.md"
        )
        var named: Set<String> = []
        for line in page.split(separator: "\n") where line.hasPrefix("| `") {
            let cells = line.split(separator: "|").map { $0.filter { $0 != "`" } }
            let endpoint = cells[0].split(separator: " ")
            let versions = cells[1].split { $0 == " " || $0 == "," }
            for version in versions {
                let prefix = version == "—" ? "" : "/_matrix/client/\(version)"
                named.insert("\(endpoint[0]) \(prefix)\(endpoint[1])")
            }
        }
        let routes = Set(Gateway.routes.map { "\($0.method.name) \($0.template)" })
        #expect(named.subtracting(routes).sorted() == [])
        #expect(routes.subtracting(named).sorted() == [])
    }

    private func contents(of path: String) throws -> String {
        let file = try #require(fopen(path, "r"), "no page at \(path)")
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while case let count = fread(&buffer, 1, buffer.count, file), count > 0 {
            bytes += buffer[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension String {
    fileprivate func text(before part: String) -> String {
        ranges(of: part).first.map { String(self[..<$0.lowerBound]) } ?? self
    }
}
