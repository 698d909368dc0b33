import Encryption
import Homeserver
import KeyValue
import Keyspace
import MatrixModel
import Primitives
import Projections

/// Every key there could be, each a function of its number.
struct NumberedKeys: KeyReader {
    func key(_ id: UInt64) -> KeyLookup {
        var generator = SeededGenerator(seed: id)
        return .found(
            SecretKey((0..<32).map { _ in UInt8(truncatingIfNeeded: generator.next()) })
        )
    }

    func nextKeyID() throws -> UInt64 { 1 }
    var wrapper: (epoch: UInt32, key: SecretKey)? { nil }
    func unwrap(_ wrapped: [UInt8]) -> SecretKey? { nil }
}

/// A partition's leader over rows in memory, without the log between: decides, folds, writes.
struct Leader {
    typealias Server = Homeserver<RowReader<MemoryKeyValueStore>, NumberedKeys>

    static let name = "t.example"
    static let partition = PartitionID(1)

    let store = MemoryKeyValueStore(families: [.state], durability: .noWAL())
    private(set) var homeserver: Server
    private var folder: Folder<MemoryKeyValueStore>
    private var index = LogIndex.zero
    private var milliseconds: UInt64 = 1_700_000_000_000
    private var commands: UInt64 = 0

    init(seed: UInt8) throws {
        folder = Folder(partition: Self.partition, store: store)
        homeserver = Self.server(over: store, seed: seed)
        try record([.keyBlockGranted(KeyBlockGranted(first: 1, count: 64))])
    }

    private static func server(over store: MemoryKeyValueStore, seed: UInt8) -> Server {
        guard let key = SigningKey(version: "1", seed: [UInt8](repeating: 3, count: 32)) else {
            preconditionFailure("32 bytes are a seed")
        }
        return Homeserver(
            partition: partition,
            map: PartitionMap(count: 1),
            builder: EventBuilder(server: ServerName(trusted: name), signingKey: key),
            reader: RowReader(StateReader(partition, store)),
            keys: NumberedKeys(),
            random: RandomStream(seed: [UInt8](repeating: seed, count: 32))
        )
    }

    var reader: RowReader<MemoryKeyValueStore> {
        RowReader(StateReader(Self.partition, store))
    }

    private mutating func record(_ facts: [Fact]) throws {
        index = index.next
        try folder.fold(
            facts,
            at: index,
            term: Term(1),
            clock: HybridTimestamp(milliseconds: milliseconds)
        )
        let (batch, _) = folder.takeBatch()
        try store.write(batch, sync: false)
        folder.written()
        homeserver.applied(upTo: index)
    }

    /// What became of a command, and what another leader, that has read the rows only, would have
    /// made of it.
    struct Outcome {
        var facts: [Fact]?
        var factsFromRows: [Fact]?
    }

    mutating func run(_ action: Command.Action) throws -> Outcome {
        milliseconds += 1_000
        commands += 1
        let command = Command(
            id: CommandID(high: commands, low: 0),
            answerLifetime: Command.clientLifetime,
            action: action
        )
        let context = DecisionContext(
            wallMilliseconds: milliseconds,
            recordMilliseconds: milliseconds,
            nextIndex: index.next,
            visible: index
        )
        var other = Self.server(over: store, seed: 0)
        other.random = homeserver.random
        let outcome = Outcome(
            facts: facts(try homeserver.decide(command, context)),
            factsFromRows: facts(try other.decide(command, context))
        )
        if let facts = outcome.facts { try record(facts) }
        return outcome
    }

    private func facts(_ decision: Decision) -> [Fact]? {
        guard case .append(let facts, _) = decision else { return nil }
        return facts
    }
}
