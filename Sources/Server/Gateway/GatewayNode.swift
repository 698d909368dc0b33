package import Encryption
package import Homeserver
import Identity
package import KeyValue
package import Keyspace
package import MatrixModel
package import MultiRaft
package import Partitions
package import Primitives
package import Projections

/// The node as the gateway sees it, whatever store is below. The one place where the two meet:
/// there is no other way for a request to change anything than `submit`.
package struct GatewayNode: Sendable {
    package let map: PartitionMap
    /// Calls back once, from a thread that must not be held up.
    package let submit:
        @Sendable (Command, PartitionID, @escaping @Sendable (CommandOutcome) -> Void) -> Void
    package let mintCommandID: @Sendable () -> CommandID
    package let readBarrier: @Sendable ([PartitionID]) async throws -> Void
    /// A snapshot, for reads of any partition that must agree with each other.
    package let view: @Sendable () -> @Sendable (PartitionID) -> StateReader<AnyReader>
    package let key: @Sendable (UInt64) -> KeyLookup
    /// Fresh random bytes.
    package let random: @Sendable (Int) -> [UInt8]
    package let tokenKey: SecretKey
    package let pepper: SecretKey

    package init(
        map: PartitionMap,
        submit:
            @escaping @Sendable (
                Command, PartitionID, @escaping @Sendable (CommandOutcome) -> Void
            ) -> Void,
        mintCommandID: @escaping @Sendable () -> CommandID,
        readBarrier: @escaping @Sendable ([PartitionID]) async throws -> Void,
        view: @escaping @Sendable () -> @Sendable (PartitionID) -> StateReader<AnyReader>,
        key: @escaping @Sendable (UInt64) -> KeyLookup,
        random: @escaping @Sendable (Int) -> [UInt8],
        tokenKey: SecretKey,
        pepper: SecretKey
    ) {
        self.map = map
        self.submit = submit
        self.mintCommandID = mintCommandID
        self.readBarrier = readBarrier
        self.view = view
        self.key = key
        self.random = random
        self.tokenKey = tokenKey
        self.pepper = pepper
    }

    /// - Parameters:
    ///   - refusal: why a command may not be recorded now (the disk is nearly full), if so.
    ///   - damaged: hears of rows that are not what was written.
    package init<Store: KeyValueStore>(
        _ node: Node<Store>,
        refusal: @escaping @Sendable (Command) -> MatrixError? = { _ in nil },
        damaged: @escaping @Sendable (StoreError) -> Void = { _ in }
    ) {
        self.init(
            map: node.map,
            submit: { command, partition, done in
                if let error = refusal(command) { return done(.rejected(error)) }
                node.submit(command, to: partition, done)
            },
            mintCommandID: { node.mintCommandID() },
            readBarrier: { try await node.readBarrier($0) },
            view: {
                let view = node.view()
                return { StateReader($0, AnyReader(view.reader($0).store, damaged: damaged)) }
            },
            key: { node.key($0) },
            random: { node.random($0) },
            tokenKey: node.serverSecret(.tokenMAC),
            pepper: node.serverSecret(.pepper)
        )
    }
}

extension ReadService where Store == AnyReader {
    /// The reading side of a node, for its gateway.
    package convenience init<Base: KeyValueStore>(
        _ node: Node<Base>,
        settings: ReadSettings,
        feed: ChangeFeed
    ) {
        let map = node.map
        self.init(
            settings: settings,
            map: map,
            feed: feed,
            keys: { node.key($0) },
            view: {
                let view = node.view()
                return ReadView(
                    store: AnyReader(view.reader(.control).store),
                    map: map,
                    applied: { view.applied($0) }
                )
            },
            now: wallMilliseconds
        )
    }
}

/// Any reader: spares the gateway a type parameter on everything it has.
package struct AnyReader: KeyValueReader {
    private let base: any KeyValueReader
    /// Hears of rows that are not what was written: the store cannot be trusted any more.
    private let damaged: @Sendable (StoreError) -> Void

    package init(
        _ base: some KeyValueReader,
        damaged: @escaping @Sendable (StoreError) -> Void = { _ in }
    ) {
        self.base = base
        self.damaged = damaged
    }

    private func reading<Value>(
        _ body: () throws(StoreError) -> Value
    ) throws(StoreError) -> Value {
        do throws(StoreError) { return try body() } catch {
            if error.code == .corruption { damaged(error) }
            throw error
        }
    }

    package func get(_ key: [UInt8], in family: ColumnFamily) throws(StoreError) -> [UInt8]? {
        try reading { () throws(StoreError) in try base.get(key, in: family) }
    }

    package func multiGet(
        _ keys: [[UInt8]],
        in family: ColumnFamily
    ) throws(StoreError) -> [[UInt8]?] {
        try reading { () throws(StoreError) in try base.multiGet(keys, in: family) }
    }

    package func scan(
        from lower: [UInt8],
        to upper: [UInt8],
        in family: ColumnFamily,
        reverse: Bool,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool
    ) throws(StoreError) {
        try reading { () throws(StoreError) in
            try base.scan(from: lower, to: upper, in: family, reverse: reverse, body)
        }
    }
}
