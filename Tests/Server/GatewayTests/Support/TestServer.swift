import Encryption
import Gateway
import HTTPService
import Homeserver
import Identity
import KeyValue
import Keyspace
import Logging
import MatrixModel
import MessageLog
import MultiRaft
import Partitions
import Primitives
import Projections
import Synchronization
import Testing

/// A whole server in this process: a node on in-memory stores, its gateway, and HTTP on loopback.
final class TestServer: Sendable {
    static let name = "test.example"

    let gateway: Gateway
    let port: Int
    /// Failures the server called its own.
    let troubles: Troubles
    private let http: HTTPServer
    let node: Node<MemoryKeyValueStore>
    let state = MemoryKeyValueStore(families: [.state], durability: .noWAL())
    private let client = WorkerPool(threads: 4)

    final class Troubles: Sendable {
        private let list = Mutex<[String]>([])
        func add(_ text: String) { list.withLock { $0.append(text) } }
        var all: [String] { list.withLock { $0 } }
    }

    /// Runs `body` with a fresh server and stops it after.
    static func run(
        _ adjust: (inout GatewaySettings) -> Void = { _ in },
        accounts: AccountLimits = AccountLimits(),
        reading adjustReading: (inout ReadSettings) -> Void = { _ in },
        node change: (GatewayNode) -> GatewayNode = { $0 },
        _ body: (TestServer) async throws -> Void
    ) async throws {
        var settings = GatewaySettings(serverName: name)
        settings.registration = .open
        settings.passwordCost = PasswordCost(passes: 1, memoryKiB: 64, lanes: 1)
        settings.rates = .lifted
        settings.publicBaseURL = "http://localhost:8008"
        adjust(&settings)
        var readSettings = ReadSettings(serverName: name, incarnation: 1)
        adjustReading(&readSettings)
        let server = try await TestServer(settings, readSettings, accounts, change)
        do {
            try await body(server)
        } catch {
            await server.stop()
            throw error
        }
        #expect(server.troubles.all.isEmpty)
        await server.stop()
    }

    private init(
        _ settings: GatewaySettings,
        _ readSettings: ReadSettings,
        _ accounts: AccountLimits,
        _ change: (GatewayNode) -> GatewayNode
    ) async throws {
        let pool = WorkerPool(threads: 3)
        let feed = ChangeFeed(epoch: 7) { pool.submit(all: $0) }
        var nodeSettings = NodeSettings(serverName: Self.name, partitions: 4)
        nodeSettings.accounts = accounts
        node = Node(
            settings: nodeSettings,
            log: MemoryKeyValueStore(families: LogFamilies.all + [.default], durability: .synced),
            state: state,
            ring: KeyRing.create(
                root: SecretKey([UInt8](repeating: 7, count: 32)),
                milliseconds: 1_700_000_000_000,
                random: { randomBytes($0) }
            ),
            entropy: { randomBytes($0) },
            writeMark: { _ in },
            publish: { applied in
                for one in applied {
                    feed.publish(one.changes, partition: one.partition, applied: one.applied)
                }
            },
            failed: { Issue.record("the node failed: \($0)") }
        )
        _ = try node.start(mark: nil) { _ in }
        for partition in node.map.all + [.control, .keys] {
            feed.publish([], partition: partition, applied: node.applied(partition))
        }
        let reading = ReadService(
            node,
            settings: readSettings,
            feed: feed
        )
        let troubles = Troubles()
        self.troubles = troubles
        gateway = Gateway(
            settings: settings,
            node: GatewayNode(node),
            pool: pool,
            reading: reading,
            feed: feed,
            report: { troubles.add("\($1): \($0)") }
        )
        var router = Router<HTTPRoute>()
        gateway.addRoutes(to: &router)
        var logger = Logger(label: "test")
        logger.logLevel = .error
        http = try HTTPServer(
            listeners: [HTTPListener(host: "127.0.0.1", port: 0)],
            router: router,
            logger: logger
        )
        port = try await http.start()[0].port
    }

    private func stop() async {
        gateway.releaseLongPolls()
        await http.stop(withinMilliseconds: 500)
        gateway.stop()
        node.stop()
        client.stop()
    }

    // MARK: Asking

    func ask(
        _ method: String,
        _ path: String,
        _ body: String? = nil,
        token: String? = nil,
        from source: String = "127.0.0.1"
    ) async throws -> TestResponse {
        let port = port
        return try await withCheckedThrowingContinuation { continuation in
            client.submit {
                continuation.resume(
                    with: Result {
                        try exchange(port, method, path, body, token: token, from: source)
                    }
                )
            }
        }
    }

    /// Registers a user of a server that wants the token "tea".
    func registered(_ name: String) async throws -> TestUser {
        try await user(name, auth: #"{"type":"m.login.registration_token","token":"tea"}"#)
    }

    /// Registers a user and returns what they do everything with.
    func user(
        _ name: String,
        auth: String = #"{"type":"m.login.dummy"}"#
    ) async throws -> TestUser {
        let answer = try await ask(
            "POST",
            "/_matrix/client/v3/register",
            #"{"username":"\#(name)","password":"secret-\#(name)","auth":\#(auth)}"#
        ).expect(200)
        return TestUser(
            server: self,
            id: try #require(answer["user_id"]?.string),
            token: try #require(answer["access_token"]?.string)
        )
    }
}

/// Somebody with a token.
struct TestUser: Sendable {
    let server: TestServer
    let id: String
    let token: String

    func ask(_ method: String, _ path: String, _ body: String? = nil) async throws -> TestResponse {
        try await server.ask(method, "/_matrix/client/v3" + path, body, token: token)
    }

    @discardableResult
    func get(_ path: String) async throws -> JSONValue {
        try await ask("GET", path).expect(200)
    }

    @discardableResult
    func put(_ path: String, _ body: String) async throws -> JSONValue {
        try await ask("PUT", path, body).expect(200)
    }

    @discardableResult
    func post(_ path: String, _ body: String? = nil) async throws -> JSONValue {
        try await ask("POST", path, body).expect(200)
    }

    func createRoom(_ body: String = "{}") async throws -> String {
        try #require(try await post("/createRoom", body)["room_id"]?.string)
    }

    /// The same user on another device.
    func secondDevice() async throws -> TestUser {
        let name = id.dropFirst().prefix { $0 != ":" }
        let answer = try await server.ask(
            "POST",
            "/_matrix/client/v3/login",
            #"{"type":"m.login.password","user":"\#(name)","password":"secret-\#(name)"}"#
        ).expect(200)
        return TestUser(
            server: server,
            id: id,
            token: try #require(answer["access_token"]?.string)
        )
    }

    @discardableResult
    func say(_ text: String, in room: String, transaction: String = "t1") async throws -> String {
        let answer = try await put(
            "/rooms/\(room)/send/m.room.message/\(transaction)",
            #"{"msgtype":"m.text","body":"\#(text)"}"#
        )
        return try #require(answer["event_id"]?.string)
    }
}

struct TestResponse: Sendable {
    let status: Int
    let head: String
    let body: [UInt8]

    var json: JSONValue { (try? JSONValue(parsing: body)) ?? .null }
    var text: String { "\(status) \(String(decoding: body, as: UTF8.self))" }
    var errorCode: String { json["errcode"]?.string ?? "" }

    @discardableResult
    func expect(
        _ status: Int,
        _ code: String? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) -> JSONValue {
        #expect(
            self.status == status,
            "\(String(decoding: body, as: UTF8.self))",
            sourceLocation: sourceLocation
        )
        if let code { #expect(errorCode == code, sourceLocation: sourceLocation) }
        return json
    }
}

func randomBytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8.random(in: 0...255) }
}
