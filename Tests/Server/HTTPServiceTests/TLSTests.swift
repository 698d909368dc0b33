import NIOHTTP2
import Testing

import HTTPService

@Suite("Certificates", .serialized, .timeLimit(.minutes(1)), .enabled(if: Certificate.hasOpenSSL))
struct TLSTests {
    /// The common name that a new connection is shown.
    private func shown(_ test: TestServer, _ certificate: Certificate) throws -> String {
        let port = try #require(test.tlsPort)
        let command = "openssl s_client -connect 127.0.0.1:\(port) </dev/null 2>/dev/null"
        return try certificate.run("sh", "-c", "\(command) | openssl x509 -noout -subject")
    }

    @Test("A reload shows the new certificate to new connections and leaves the open ones")
    func reload() async throws {
        let certificate = try Certificate(name: "first")
        try await TestServer.with(tls: certificate.settings) { test in
            #expect(try shown(test, certificate).contains("first"))
            let client = try await HTTP2Client(port: try #require(test.tlsPort))
            client.ask("GET", "/hello", 1)
            #expect(await client.answer(1)?.text == "hello")
            try certificate.make("second")
            #expect(try shown(test, certificate).contains("first"))
            try test.server.reloadTLS()
            #expect(try shown(test, certificate).contains("second"))
            client.ask("GET", "/hello", 3)
            #expect(await client.answer(3)?.text == "hello")
            client.close()
        }
    }

    @Test("A certificate that cannot serve is refused, and the old one stays")
    func badReload() async throws {
        let certificate = try Certificate(name: "good")
        let other = try Certificate(name: "other")
        try await TestServer.with(tls: certificate.settings) { test in
            let chain = try other.run("cat", other.folder + "/chain.pem")
            for text in ["", "no certificate", chain] {
                try certificate.write(text, to: "chain.pem")
                #expect(throws: (any Error).self) { try test.server.reloadTLS() }
                #expect(try shown(test, certificate).contains("good"))
            }
            try certificate.make("expired", days: -1)
            #expect(throws: (any Error).self) { try test.server.reloadTLS() }
            #expect(try shown(test, certificate).contains("good"))
        }
    }

    @Test("TLS below 1.3 is refused by default")
    func oldVersions() async throws {
        let certificate = try Certificate()
        try await TestServer.with(tls: certificate.settings) { test in
            let port = try #require(test.tlsPort)
            func version(_ option: String) throws -> String {
                let command = "openssl s_client \(option) -connect 127.0.0.1:\(port) </dev/null"
                return try certificate.run("sh", "-c", "\(command) 2>&1 | grep 'New, TLSv' || true")
            }
            #expect(try version("-tls1_3").contains("TLSv1.3"))
            #expect(!(try version("-tls1_2").contains("TLSv1.2, Cipher is ECDHE")))
        }
    }

    @Test("A handshake that takes too long is closed")
    func slowHandshake() async throws {
        let certificate = try Certificate()
        try await TestServer.with(
            tls: certificate.settings,
            { $0.headTimeoutMilliseconds = 100 }
        ) { test in
            let client = try RawClient(port: try #require(test.tlsPort))
            #expect(try client.closes())
        }
    }

    @Test("curl speaks all three kinds", .enabled(if: Certificate.hasCurl))
    func curl() async throws {
        let certificate = try Certificate()
        try await TestServer.with(tls: certificate.settings) { test in
            let port = try #require(test.tlsPort)
            for (option, url, version) in [
                ("--http2", "https://127.0.0.1:\(port)", "2"),
                ("--http1.1", "https://127.0.0.1:\(port)", "1.1"),
                ("--http1.1", "http://127.0.0.1:\(test.port)", "1.1"),
            ] {
                let said = try certificate.run(
                    "curl",
                    "-sk",
                    option,
                    "-d",
                    "x=\(version)",
                    "-w",
                    " %{http_version}",
                    url + "/echo"
                )
                #expect(said == "x=\(version) \(version)")
            }
        }
    }
}
