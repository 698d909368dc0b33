import Gateway
import HTTPService
import Identity
import MatrixModel
import Synchronization
import Testing

/// Every route × every field × every bad value: never a 5xx, never a broken connection, always a
/// JSON body with `errcode` and `error`.
@Suite("Bad input")
struct BadInputTests {
    struct Attempt: Sendable {
        var method: String
        var path: String
        var body: [UInt8]?
    }

    @Test("No request, however bad, is the server's fault")
    func everything() async throws {
        try await TestServer.run {
            $0.registration = .token("tea")
            $0.deadlineMilliseconds = 2_000
        } _: { server in
            let alice = try await server.registered("alice")
            let bob = try await server.registered("bob")
            let room = try await alice.createRoom(
                #"{"preset":"public_chat","room_alias_name":"tea"}"#
            )
            try await bob.post("/join/\(room)")
            let event = try await alice.say("hello", in: room)
            let samples = SampleRequests(
                user: alice.id,
                room: room,
                event: event,
                alias: "#tea:test.example"
            )
            let attempts = attempts(samples)
            #expect(attempts.count >= 20_000)
            let result = await attack(server, alice, attempts)
            #expect(
                result.faults.isEmpty,
                "\(result.faults.prefix(20).joined(separator: "\n"))"
            )
            // A generator that is turned away at the door tests nothing.
            #expect(result.counts[200, default: 0] > 3_000)
            #expect(result.counts[401, default: 0] < 1_000)
            // Whoever was not part of it notices nothing.
            try await bob.ask("GET", "/sync").expect(200)
        }
    }

    private func attempts(_ samples: SampleRequests) -> [Attempt] {
        var attempts: [Attempt] = []
        let bodies = samples.bodies()
        for route in Gateway.routes {
            let prefix = route.template.hasPrefix("/_matrix/client/") ? 3 : 0
            let short =
                "/"
                + route.template.split(separator: "/").dropFirst(prefix)
                .joined(separator: "/")
            // Splitting loses a slash at the end.
            let fields = bodies["\(route.method.name) \(short)"] ?? []
            attempts += spoiltPaths(route, samples, fields)
            attempts += spoiltQueries(route, samples)
            attempts += spoiltBodies(route, samples, fields)
        }
        return attempts
    }

    private func spoiltPaths(
        _ route: (method: HTTPMethod, template: String),
        _ samples: SampleRequests,
        _ fields: [(field: String, json: String)]
    ) -> [Attempt] {
        let body = route.method == .get ? nil : object(fields)
        var attempts: [Attempt] = []
        for (index, part) in parts(route.template).enumerated() where part.isPlace {
            for value in BadValue.all {
                guard let text = value.text else { continue }
                let path = parts(route.template).enumerated().map { place, part in
                    if place == index { return text }
                    return part.isPlace ? samples.place(part.text)[0] : part.text
                }
                attempts.append(
                    Attempt(
                        method: route.method.name,
                        path: path.joined(separator: "/"),
                        body: body
                    )
                )
            }
        }
        return attempts
    }

    private func spoiltQueries(
        _ route: (method: HTTPMethod, template: String),
        _ samples: SampleRequests
    ) -> [Attempt] {
        guard route.method == .get else { return [] }
        let path = path(route.template, samples)
        return SampleRequests.queries.flatMap { name in
            BadValue.all.compactMap { value in
                // A first sync without a time-out answers at once; so must these.
                value.text.map {
                    Attempt(method: "GET", path: "\(path)?\(name)=\($0)", body: nil)
                }
            }
        }
    }

    private func spoiltBodies(
        _ route: (method: HTTPMethod, template: String),
        _ samples: SampleRequests,
        _ fields: [(field: String, json: String)]
    ) -> [Attempt] {
        guard route.method != .get else { return [] }
        var attempts: [Attempt] = []
        for path in paths(route.template, samples) {
            attempts += badBodies.map {
                Attempt(method: route.method.name, path: path, body: $0)
            }
            for (index, field) in fields.enumerated() {
                var missing = fields
                missing.remove(at: index)
                attempts.append(
                    Attempt(method: route.method.name, path: path, body: object(missing))
                )
                for value in BadValue.all {
                    var spoilt = fields
                    spoilt[index].json = value.json
                    attempts.append(
                        Attempt(method: route.method.name, path: path, body: object(spoilt))
                    )
                    attempts += inside(field, value).map { json in
                        var spoilt = fields
                        spoilt[index].json = json
                        return Attempt(
                            method: route.method.name,
                            path: path,
                            body: object(spoilt)
                        )
                    }
                }
                var large = fields
                large[index].json = BadValue.mebibyte.json
                attempts.append(
                    Attempt(method: route.method.name, path: path, body: object(large))
                )
            }
        }
        return attempts
    }

    /// The same value at every place within a field that is an object or an array.
    private func inside(_ field: (field: String, json: String), _ value: BadValue) -> [String] {
        guard let parsed = try? JSONValue(parsing: Array(field.json.utf8)) else { return [] }
        switch parsed {
        case .object(let members):
            return members.indices.map { index in
                let texts = members.enumerated().map { place, member in
                    "\"\(member.key)\":"
                        + (place == index
                            ? value.json
                            : String(decoding: member.value.serialized(), as: UTF8.self))
                }
                return "{" + texts.joined(separator: ",") + "}"
            }
        case .array(let elements):
            let nested = elements.first.map {
                inside((field.field, String(decoding: $0.serialized(), as: UTF8.self)), value)
            }
            return ["[\(value.json)]"] + (nested ?? []).map { "[\($0)]" }
        default: return []
        }
    }

    private func object(_ fields: [(field: String, json: String)]) -> [UInt8] {
        Array(("{" + fields.map { "\"\($0.field)\":\($0.json)" }.joined(separator: ",") + "}").utf8)
    }

    private func parts(_ template: String) -> [(text: String, isPlace: Bool)] {
        template.split(separator: "/", omittingEmptySubsequences: false).map { part in
            part.hasPrefix("{")
                ? (String(part.dropFirst().dropLast()), true) : (String(part), false)
        }
    }

    private func path(_ template: String, _ samples: SampleRequests) -> String {
        paths(template, samples)[0]
    }

    private func paths(_ template: String, _ samples: SampleRequests) -> [String] {
        parts(template).reduce([]) { (paths: [String], part) in
            let texts = part.isPlace ? samples.place(part.text) : [part.text]
            guard !paths.isEmpty else { return texts }
            return paths.flatMap { path in texts.map { path + "/" + $0 } }
        }
    }

    // MARK: Attack

    private func attack(
        _ server: TestServer,
        _ user: TestUser,
        _ attempts: [Attempt]
    ) async -> AttackResult {
        let workers = 4
        let pool = WorkerPool(threads: workers)
        defer { pool.stop() }
        return await withTaskGroup(of: AttackResult.self) { group in
            for worker in 0..<workers {
                group.addTask {
                    await withCheckedContinuation { continuation in
                        pool.submit {
                            let share = stride(from: worker, to: attempts.count, by: workers)
                                .map { attempts[$0] }
                            continuation.resume(returning: run(share, server.port, user.token))
                        }
                    }
                }
            }
            return await group.reduce(into: AttackResult()) { $0.add($1) }
        }
    }
}

struct AttackResult: Sendable {
    var faults: [String] = []
    var counts: [Int: Int] = [:]

    mutating func add(_ other: AttackResult) {
        faults += other.faults
        counts.merge(other.counts, uniquingKeysWith: +)
    }
}

private func run(
    _ attempts: [BadInputTests.Attempt],
    _ port: Int,
    _ token: String
) -> AttackResult {
    let connection = TestConnection(port)
    var result = AttackResult()
    for attempt in attempts {
        // These would end the caller's session, or lead everybody out of the room, when they work.
        guard !attempt.path.contains("/logout"), !attempt.path.hasSuffix("/leave") else { continue }
        let text =
            "\(attempt.method) \(attempt.path) "
            + String(decoding: attempt.body?.prefix(300) ?? [], as: UTF8.self)
        do {
            let answer = try connection.ask(
                attempt.method,
                attempt.path,
                attempt.body,
                token: token
            )
            result.counts[answer.status, default: 0] += 1
            guard answer.status >= 400 else { continue }
            let error = try? JSONValue(parsing: answer.body)
            if answer.status >= 500 || error?["errcode"]?.string == nil
                || error?["error"]?.string == nil
            {
                result.faults.append(
                    "\(answer.status) \(text): \(String(decoding: answer.body, as: UTF8.self))"
                )
            }
        } catch {
            result.faults.append("\(error) \(text)")
        }
    }
    return result
}
