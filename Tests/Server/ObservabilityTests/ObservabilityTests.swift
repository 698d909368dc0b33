import Foundation
import Logging
import Observability
import Testing

@Suite("Structured logs")
struct StructuredLogHandlerTests {
    private func lines(
        _ format: StructuredLogHandler.Format,
        level: Logger.Level = .info,
        _ body: (Logger) -> Void
    ) throws -> [String] {
        let path = NSTemporaryDirectory() + "/log-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let sink = try #require(LogSink(file: path))
        let handler = StructuredLogHandler(
            label: "test",
            format: format,
            threshold: LogThreshold(level),
            sink: sink
        ) {
            timespec(tv_sec: 1_795_256_102, tv_nsec: 31_999_999)
        }
        body(Logger(label: "test", factory: { _ in handler }))
        return try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
            .map(String.init)
    }

    @Test("A line of text")
    func text() throws {
        let lines = try lines(.text) {
            $0.record(.info, "listening", [.port: 8008, .address: "127.0.0.1", .reason: "a b"])
        }
        #expect(
            lines == [
                "2026-11-21T10:15:02.031Z info     [test] listening "
                    + "address=127.0.0.1 port=8008 reason=\"a b\""
            ]
        )
    }

    @Test("A line of JSON is JSON")
    func json() throws {
        let lines = try lines(.json) {
            $0.record(.error, "failed", [.code: "E-DISK-IO", .reason: "quote \" and \\ and \n"])
        }
        let object =
            try JSONSerialization.jsonObject(with: Data(lines[0].utf8)) as? [String: String]
        #expect(object?["code"] == "E-DISK-IO")
        #expect(object?["reason"] == "quote \" and \\ and \n")
        #expect(object?["level"] == "error")
        #expect(object?["time"] == "2026-11-21T10:15:02.031Z")
    }

    @Test("A key that nobody listed does not show its value", arguments: ["text", "json"])
    func unlistedKeys(format: String) throws {
        let lines = try lines(#require(.init(rawValue: format))) {
            $0.info("x", metadata: ["password": "hunter2", "body": ["nested": "hunter2"]])
        }
        #expect(lines.count == 1)
        #expect(!lines[0].contains("hunter2"))
    }

    @Test("Users and rooms are pseudonyms, equal for equal values")
    func pseudonyms() throws {
        let lines = try lines(.text) {
            $0.record(.info, "x", [.user: "@alice:example.org"])
            $0.record(.info, "x", [.user: "@alice:example.org"])
            $0.record(.info, "x", [.user: "@bob:example.org"])
        }
        #expect(!lines.joined().contains("alice"))
        #expect(lines[0] == lines[1])
        #expect(lines[0] != lines[2])
    }

    @Test("A value cannot forge a line or flood the log")
    func forgery() throws {
        let lines = try lines(.text) {
            $0.record(.info, "x", [.reason: "a\n2026 critical b\u{2028}\u{1B}[2J"])
            $0.record(.info, "x", [.reason: .init(String(repeating: "a", count: 100_000))])
        }
        #expect(lines.count == 2)
        #expect(!lines[0].contains("\u{1B}"))
        #expect(lines[1].count < 500)
    }

    @Test("Lines below the level are not written")
    func level() throws {
        let lines = try lines(.text, level: .warning) {
            $0.record(.info, "quiet")
            $0.record(.warning, "loud")
        }
        #expect(lines.count == 1)
    }

    @Test("After a rotation the new file gets the lines")
    func rotation() throws {
        let path = NSTemporaryDirectory() + "/log-\(UUID().uuidString)"
        defer {
            try? FileManager.default.removeItem(atPath: path)
            try? FileManager.default.removeItem(atPath: path + ".1")
        }
        let sink = try #require(LogSink(file: path))
        sink.write(line: "one\n")
        try FileManager.default.moveItem(atPath: path, toPath: path + ".1")
        sink.reopen()
        sink.write(line: "two\n")
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "two\n")
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions]
        #expect(mode as? Int == 0o600)
    }
}

@Suite("Metrics")
struct MetricsTests {
    @Test("Each kind is written as OpenMetrics says")
    func format() {
        let metrics = Metrics()
        metrics.counter(.httpRequests, "GET", "/a\"b\\c", "200").add(3)
        metrics.gauge(.httpConnections).set(7)
        metrics.gauge(.diskFreeBytes) { 1.5 }
        let histogram = metrics.histogram(.httpSeconds, "/a")
        for number in [0.5, 1, 2, 5_000] { histogram.observe(number) }
        let text = metrics.openMetricsText()
        #expect(text.hasSuffix("# EOF\n"))
        #expect(text.contains("# TYPE warbler_http_requests counter\n"))
        #expect(
            text.contains(
                "warbler_http_requests_total{method=\"GET\",route=\"/a\\\"b\\\\c\",status=\"200\"} 3\n"
            )
        )
        #expect(text.contains("warbler_http_connections 7\n"))
        #expect(text.contains("warbler_disk_free_bytes 1.5\n"))
        func expect(_ part: String, _ labels: String, _ value: String) {
            #expect(text.contains("warbler_http_request_seconds_\(part){\(labels)} \(value)\n"))
        }
        expect("bucket", "route=\"/a\",le=\"0.5\"", "1")
        expect("bucket", "route=\"/a\",le=\"2.5\"", "3")
        expect("bucket", "route=\"/a\",le=\"+Inf\"", "4")
        expect("sum", "route=\"/a\"", "5003.5")
        expect("count", "route=\"/a\"", "4")
    }

    @Test("The same name and labels give the same instrument")
    func identity() {
        let metrics = Metrics()
        #expect(metrics.counter(.logSyncs) === metrics.counter(.logSyncs))
        #expect(metrics.histogram(.httpSeconds, "a") !== metrics.histogram(.httpSeconds, "b"))
    }

    @Test("Label sets are bounded; the rest is counted together")
    func boundedLabels() {
        let metrics = Metrics()
        for number in 0..<Metrics.labelSetsMax + 50 {
            metrics.counter(.httpRequests, "GET", "/\(number)", "200").add()
        }
        let text = metrics.openMetricsText()
        #expect(text.contains("status=\"other\"} 50\n"))
        let sets = text.split(separator: "\n").filter { $0.contains("http_requests_total{") }
        #expect(sets.count == Metrics.labelSetsMax + 1)
    }

    @Test("Counts from many threads add up")
    func threads() {
        let metrics = Metrics()
        DispatchQueue.concurrentPerform(iterations: 8) { _ in
            for _ in 0..<10_000 {
                metrics.counter(.logSyncs).add()
                metrics.gauge(.syncWaiters).add(1)
                metrics.histogram(.httpSeconds, "/a").observe(0.001)
            }
        }
        #expect(metrics.counter(.logSyncs).count == 80_000)
        #expect(metrics.gauge(.syncWaiters).value == 80_000)
        #expect(metrics.histogram(.httpSeconds, "/a").count == 80_000)
    }

    @Test("Names are unique, listed, in base units, and labels are few")
    func names() {
        let names = MetricName.all
        #expect(Set(names.map(\.name)).count == names.count)
        for name in names {
            #expect(name.name.hasPrefix("warbler_"))
            #expect(!name.name.hasSuffix("_total"))
            #expect(!name.name.contains("_ms") && !name.name.contains("_kib"))
            #expect(name.labels.count <= 3)
            #expect(name.help.hasSuffix("."))
            #expect((name.kind == .histogram) == !name.buckets.isEmpty)
        }
    }

    @Test("The kernel's figures are there")
    func process() {
        let metrics = Metrics()
        metrics.registerProcess(version: "1.2.3")
        #expect(ProcessFigures.residentBytes > 1 << 20)
        #expect(ProcessFigures.openFiles >= 3)
        #expect(metrics.openMetricsText().contains("warbler_build_info{version=\"1.2.3\"} 1\n"))
    }
}

@Suite("Error catalogue")
struct ErrorCatalogueTests {
    @Test("Codes are unique, well formed and explained")
    func entries() throws {
        let codes = ErrorCatalogue.all.map(\.code)
        #expect(Set(codes).count == codes.count)
        for entry in ErrorCatalogue.all {
            #expect(entry.code.wholeMatch(of: /E(-[A-Z0-9]+)+/) != nil)
            #expect(!entry.title.hasSuffix("."))
            #expect(entry.meaning.hasSuffix(".") && entry.remedy.count > 5, "\(entry.code)")
        }
        #expect(ErrorCatalogue.entry(for: "e-key-010")?.exitStatus == 78)
        #expect(ErrorCatalogue.entry(for: "E-NONE") == nil)
    }
}
