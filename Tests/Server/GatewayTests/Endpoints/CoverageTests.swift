import Gateway
import Glibc
import HTTPService
import Testing

@Suite("Coverage")
struct CoverageTests {
    /// A row of the page.
    private struct Row {
        let method: String
        /// Whole paths, one for each version.
        let templates: [String]
        let state: String

        init(_ line: Substring) {
            let cells = line.split(separator: "|").map { $0.filter { $0 != "`" } }
            let endpoint = cells[0].split(separator: " ")
            method = String(endpoint[0])
            templates = cells[1].split { $0 == " " || $0 == "," }.map { version in
                (version == "—" ? "" : "/_matrix/client/\(version)") + endpoint[1]
            }
            state = cells[3].split(separator: " ").joined(separator: " ")
        }

        var names: [String] { templates.map { "\(method) \($0)" } }
    }

    /// The rows of what is served, and of what is not.
    private func rows() throws -> (served: [Row], missing: [Row]) {
        let page = try contents(
            of: #filePath.text(before: "/Tests/Server/") + "/Specs/Matrix/Coverage.md"
        )
        let end = try #require(page.ranges(of: "## Not served").first)
        func rows(_ part: Substring) -> [Row] {
            part.split(separator: "\n").filter { $0.hasPrefix("| `") }.map { Row($0) }
        }
        return (rows(page[..<end.lowerBound]), rows(page[end.upperBound...]))
    }

    @Test("Specs/Matrix/Coverage.md names exactly the router's endpoints")
    func page() throws {
        let (served, missing) = try rows()
        let named = served.flatMap(\.names)
        let routes = Set(Gateway.routes.map { "\($0.method.name) \($0.template)" })
        #expect(Set(named).subtracting(routes).sorted() == [])
        #expect(routes.subtracting(named).sorted() == [])
        #expect(Set(named).intersection(missing.flatMap(\.names)).sorted() == [])
        #expect(missing.count > 50)
        #expect(Set(missing.map(\.state)) == ["later", "404 by design"])
        for row in served + missing {
            #expect(row.names.count == Set(row.names).count, "\(row.names)")
        }
    }

    @Test("What is not served is answered as unknown, also to somebody with a token")
    func missing() async throws {
        let missing = try rows().missing
        try await TestServer.run { server in
            let alice = try await server.user("alice")
            for row in missing {
                for template in row.templates {
                    let path = template.split(separator: "/").map { $0.hasPrefix("{") ? "x" : $0 }
                        .joined(separator: "/")
                    let answer = try await server.ask(
                        row.method,
                        "/" + path,
                        row.method == "GET" ? nil : "{}",
                        token: alice.token
                    )
                    #expect([404, 405].contains(answer.status), "\(row.method) \(template)")
                    #expect(answer.errorCode == "M_UNRECOGNIZED", "\(row.method) \(template)")
                }
            }
        }
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
