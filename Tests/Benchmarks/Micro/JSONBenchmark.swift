import MatrixModel

/// Parsing and canonical form of what a homeserver reads all day: events of a timeline.
struct JSONBenchmark {
    private let text: [UInt8]

    init() {
        // Unlike members, escapes, numbers and text beyond ASCII, as clients send them.
        var events: [String] = []
        for number in 0..<400 {
            events.append(
                """
                {"type":"m.room.message","sender":"@user\(number):bench.localhost","room_id":\
                "!room\(number % 8):bench.localhost","origin_server_ts":\(1_700_000_000_000 + number),\
                "content":{"msgtype":"m.text","body":"Message \(number): gr\\u00fc\\u00dfe \\"from\\" \
                here, and a line\\nbreak – with some more words to read","m.mentions":{"user_ids":\
                ["@a:bench.localhost","@b:bench.localhost"]}},"unsigned":{"age":\(number),\
                "transaction_id":"m\(number).1"},"event_id":"$abcdefghijklmnopqrstuvwxyz\(number)",\
                "depth":\(number),"auth_events":["$a\(number)","$b","$c"],"prev_events":["$p\(number)"]}
                """
            )
        }
        text = Array("{\"chunk\":[\(events.joined(separator: ","))],\"end\":\"t1\"}".utf8)
    }

    func run(seconds: Double) throws {
        let parsed = try megabytesPerSecond(seconds) {
            let document = try JSONDocument(parsing: text)
            return document.root.isNull ? 0 : text.count
        }
        report("JSON parse", parsed, "MB/s of thread time", bar: 400)
        let document = try JSONDocument(parsing: text)
        let canonical = try megabytesPerSecond(seconds) { try document.root.canonical().count }
        report("JSON canonical", canonical, "MB/s of thread time", bar: 200)
    }

    /// `body` says how many bytes it went through.
    private func megabytesPerSecond(_ seconds: Double, _ body: () throws -> Int) rethrows -> Double
    {
        var bytes = 0
        let start = threadSeconds()
        var end = start
        repeat {
            for _ in 0..<8 { bytes += try body() }
            end = threadSeconds()
        } while end - start < seconds
        return Double(bytes) / (end - start) / 1e6
    }
}
