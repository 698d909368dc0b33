import AdminProtocol
import Foundation
import Synchronization
import Testing

@Suite("Administration values")
struct AdminValueTests {
    @Test(
        "What is written reads back",
        arguments: [
            AdminValue.null, true, 0, -5, .number(1.5), "", "a\"\\\n\u{1}ä𝄞\u{7F}", [],
            [1, [2, nil]],
            .object([]), ["a": ["b": [1, 2]], "a b": "c"], .integer(.max), .integer(.min),
        ]
    )
    func roundTrip(value: AdminValue) throws {
        #expect(try AdminValue(parsing: value.json()) == value)
        #expect(try AdminValue(parsing: value.json(indented: true)) == value)
        #expect(!value.json().contains("\n"))
    }

    @Test(
        "Escapes",
        arguments: [
            (#""\u0041\n\/""#, "A\n/"), (#""\ud834\udd1e""#, "𝄞"),
            (#""\b\f\r\t""#, "\u{8}\u{C}\r\t"),
        ]
    )
    func escapes(text: String, value: String) throws {
        #expect(try AdminValue(parsing: text) == .string(value))
    }

    @Test(
        "What is no JSON",
        arguments: [
            "", "{", "[1,]", "{\"a\"}", "{\"a\":1,}", "tru", "1 2", "\"a", "\"\\x\"", "\"\\ud800\"",
            "\"\\ud800\\u0041\"", "-", "\"\u{1}\"", "{a:1}", "\"\\u12", "\"\\u+123\"", "nan",
            String(repeating: "[", count: 100),
        ]
    )
    func refused(text: String) {
        #expect(throws: AdminParseError.self) { try AdminValue(parsing: text) }
    }

    @Test("Messages read back")
    func messages() throws {
        let request = AdminRequest(command: "user.create", arguments: ["name": "alice"])
        #expect(try AdminRequest(line: Array(request.line.utf8)) == request)
        let replies: [AdminReply] = [
            .progress(["records": 3]), .result(["user_id": "@a:b"]), .result(nil),
            .failure(AdminFailure(code: "E-ADMIN-ARGUMENT", message: "no")),
        ]
        for reply in replies { #expect(try AdminReply(line: Array(reply.line.utf8)) == reply) }
        for line in ["{}", "[]", "{\"command\":1}", "{\"command\":\"a\",\"arguments\":[]}"] {
            #expect(throws: AdminParseError.self) { try AdminRequest(line: Array(line.utf8)) }
        }
    }
}

@Suite("Administration socket")
struct AdminSocketTests {
    private func path() -> String {
        NSTemporaryDirectory() + "/w\(UUID().uuidString.prefix(8)).sock"
    }

    @Test("A request is answered, with progress before")
    func conversation() throws {
        let path = path()
        let server = try AdminSocketServer(path: path) { request, progress in
            progress(["step": 1])
            progress(["step": 2])
            return ["echo": .string(request.command), "arguments": request.arguments]
        }
        server.start()
        defer { server.stop() }
        var steps: [AdminValue] = []
        let answer = try AdminClient(socketPath: path).call(
            AdminRequest(command: "status", arguments: ["x": 1])
        ) { steps.append($0) }
        #expect(answer["echo"]?.string == "status")
        #expect(answer["arguments"] == ["x": 1])
        #expect(steps == [["step": 1], ["step": 2]])
    }

    @Test("A failure keeps its code")
    func failure() throws {
        let path = path()
        let server = try AdminSocketServer(path: path) {
            request,
            _ throws(AdminFailure) in throw .unknownCommand(request.command)
        }
        server.start()
        defer { server.stop() }
        do throws(AdminClient.Problem) {
            _ = try AdminClient(socketPath: path).call(AdminRequest(command: "dance"))
            Issue.record("the call went through")
        } catch {
            guard case .refused(let failure) = error else {
                Issue.record("not refused: \(error)")
                return
            }
            #expect(failure.code == "E-ADMIN-COMMAND")
        }
    }

    @Test("Many clients at once are all answered")
    func manyClients() throws {
        let path = path()
        let server = try AdminSocketServer(path: path) { request, _ in request.arguments }
        server.start()
        defer { server.stop() }
        let answered = Mutex(0)
        DispatchQueue.concurrentPerform(iterations: 40) { number in
            let request = AdminRequest(
                command: "echo",
                arguments: ["n": .integer(Int64(number))]
            )
            let answer = try? AdminClient(socketPath: path).call(request)
            if answer == request.arguments { answered.withLock { $0 += 1 } }
        }
        #expect(answered.withLock(\.self) == 40)
    }

    @Test("The socket belongs to its owner, and goes away with the server")
    func mode() throws {
        let path = path()
        let server = try AdminSocketServer(path: path) { _, _ in nil }
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        server.start()
        server.stop()
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test("A left-over socket is replaced; one in use is not")
    func leftOver() throws {
        let path = path()
        do { _ = try UnixSocket.listen(at: path) }
        #expect(FileManager.default.fileExists(atPath: path))
        let server = try AdminSocketServer(path: path) { _, _ in nil }
        server.start()
        defer { server.stop() }
        #expect(throws: SocketError.self) { try AdminSocketServer(path: path) { _, _ in nil } }
        #expect(try AdminClient(socketPath: path).call(AdminRequest(command: "x")) == .null)
    }

    @Test("Nobody listening is told apart from a broken conversation")
    func unreachable() throws {
        do throws(AdminClient.Problem) {
            _ = try AdminClient(socketPath: path()).call(AdminRequest(command: "x"))
            Issue.record("the call went through")
        } catch {
            guard case .unreachable = error else {
                Issue.record("not unreachable: \(error)")
                return
            }
        }
        let long = "/tmp/" + String(repeating: "a", count: 200)
        #expect(throws: SocketError.self) { try AdminSocketServer(path: long) { _, _ in nil } }
    }

    @Test("Garbage is answered and does not end the conversation")
    func garbage() throws {
        let path = path()
        let server = try AdminSocketServer(path: path) { _, _ in "fine" }
        server.start()
        defer { server.stop() }
        let socket = try UnixSocket.connect(to: path)
        var lines = LineReader(socket)
        try socket.send("{nonsense")
        let first = try #require(try lines.next())
        #expect(String(decoding: first, as: UTF8.self).contains("E-ADMIN-ARGUMENT"))
        try socket.send(AdminRequest(command: "x").line)
        let second = try #require(try lines.next())
        #expect(try AdminReply(line: second) == .result("fine"))
    }
}
