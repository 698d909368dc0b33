package import Primitives

/// Keys, wrapped under a wrap epoch of the key ring, for one partition. Kept: nothing else holds
/// them. They leave the log only with the whole of it (`KeyLogBegun`).
package struct KeysCreated: FactPayload {
    package static var kind: UInt8 { 70 }
    package static var retention: Retention { .kept }
    package var first: UInt64
    package var partition: UInt16
    package var wrapped: [[UInt8]]

    package init(first: UInt64, partition: UInt16, wrapped: [[UInt8]]) {
        self.first = first
        self.partition = partition
        self.wrapped = wrapped
    }

    package func encode(into writer: inout ByteWriter) {
        writer.varint(first)
        writer.u16(partition)
        writer.varint(wrapped.count)
        for each in wrapped { writer.blob(each) }
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        first = try reader.varint()
        partition = try reader.u16()
        wrapped = []
        for _ in 0..<(try reader.count(limit: EntryBody.factsMax)) {
            wrapped.append(Array(try reader.blob()))
        }
    }
}

/// These keys are gone for ever.
package struct KeysDestroyed: FactPayload {
    package static var kind: UInt8 { 71 }
    package static var retention: Retention { .kept }
    package var keyIDs: [UInt64]

    package init(keyIDs: [UInt64]) {
        self.keyIDs = keyIDs
    }

    package func encode(into writer: inout ByteWriter) {
        writer.varint(keyIDs.count)
        for each in keyIDs { writer.varint(each) }
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        keyIDs = []
        for _ in 0..<(try reader.count(limit: EntryBody.factsMax)) {
            keyIDs.append(try reader.varint())
        }
    }
}

/// From this record on the key partition's log holds everything again, under `epoch`: what lies
/// before it may go once every `KeysRestated` up to the last is there.
package struct KeyLogBegun: FactPayload {
    package static var kind: UInt8 { 72 }
    package static var retention: Retention { .kept }
    /// The wrap epoch that live keys are wrapped under from here on.
    package var epoch: UInt32
    /// The highest wrap epoch that a destroyed key was ever under.
    package var destroyedUnder: UInt32
    /// The first key ID that was not given out.
    package var nextKeyID: UInt64
    /// The last number given out to each target of this partition's outbox.
    package var numbers: [LastNumber]
    /// Messages in the outbox, in order of target and number.
    package var waiting: [Waiting]

    package struct LastNumber: Sendable, Hashable {
        package var target: UInt16
        package var last: UInt64
        package init(target: UInt16, last: UInt64) {
            self.target = target
            self.last = last
        }
    }

    package struct Waiting: Sendable, Hashable {
        package var target: UInt16
        package var sequence: UInt64
        /// One encoded fact.
        package var message: [UInt8]
        package init(target: UInt16, sequence: UInt64, message: [UInt8]) {
            self.target = target
            self.sequence = sequence
            self.message = message
        }
    }

    /// As many as 4,095 partitions can leave unacknowledged.
    private static var waitingMax: Int { 4_096 * 128 }

    package init(
        epoch: UInt32,
        destroyedUnder: UInt32,
        nextKeyID: UInt64,
        numbers: [LastNumber],
        waiting: [Waiting]
    ) {
        self.epoch = epoch
        self.destroyedUnder = destroyedUnder
        self.nextKeyID = nextKeyID
        self.numbers = numbers
        self.waiting = waiting
    }

    package func encode(into writer: inout ByteWriter) {
        writer.u32(epoch)
        writer.u32(destroyedUnder)
        writer.varint(nextKeyID)
        writer.varint(numbers.count)
        for each in numbers {
            writer.u16(each.target)
            writer.varint(each.last)
        }
        writer.varint(waiting.count)
        for each in waiting {
            writer.u16(each.target)
            writer.varint(each.sequence)
            writer.blob(each.message)
        }
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        epoch = try reader.u32()
        destroyedUnder = try reader.u32()
        nextKeyID = try reader.varint()
        numbers = []
        for _ in 0..<(try reader.count(limit: EntryBody.factsMax)) {
            numbers.append(LastNumber(target: try reader.u16(), last: try reader.varint()))
        }
        waiting = []
        for _ in 0..<(try reader.count(limit: Self.waitingMax)) {
            waiting.append(
                Waiting(
                    target: try reader.u16(),
                    sequence: try reader.varint(),
                    message: Array(try reader.blob())
                )
            )
        }
    }
}

/// The next key IDs again, up to and including `through`: live keys wrapped under `epoch`, and
/// which of them were destroyed.
package struct KeysRestated: FactPayload {
    package static var kind: UInt8 { 73 }
    package static var retention: Retention { .kept }
    package var epoch: UInt32
    package var through: UInt64
    /// Every ID that was given out before `KeyLogBegun` is restated now.
    package var isLast: Bool
    package var keys: [Key]
    /// In order, apart from each other.
    package var destroyed: [Range<UInt64>]

    package struct Key: Sendable, Hashable {
        package var id: UInt64
        package var wrapped: [UInt8]
        package init(id: UInt64, wrapped: [UInt8]) {
            self.id = id
            self.wrapped = wrapped
        }
    }

    package init(
        epoch: UInt32,
        through: UInt64,
        isLast: Bool,
        keys: [Key],
        destroyed: [Range<UInt64>]
    ) {
        self.epoch = epoch
        self.through = through
        self.isLast = isLast
        self.keys = keys
        self.destroyed = destroyed
    }

    package func encode(into writer: inout ByteWriter) {
        writer.u32(epoch)
        writer.varint(through)
        writer.bool(isLast)
        writer.varint(keys.count)
        for each in keys {
            writer.varint(each.id)
            writer.blob(each.wrapped)
        }
        writer.varint(destroyed.count)
        for each in destroyed {
            writer.varint(each.lowerBound)
            writer.varint(each.upperBound)
        }
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        epoch = try reader.u32()
        through = try reader.varint()
        isLast = try reader.bool()
        keys = []
        for _ in 0..<(try reader.count(limit: EntryBody.factsMax)) {
            keys.append(Key(id: try reader.varint(), wrapped: Array(try reader.blob())))
        }
        destroyed = []
        for _ in 0..<(try reader.count(limit: EntryBody.factsMax)) {
            let first = try reader.varint()
            let end = try reader.varint()
            guard first <= end, end - first <= UInt64(EntryBody.factsMax) else {
                throw .invalid("a run of destroyed keys that cannot be")
            }
            destroyed.append(first..<end)
        }
    }
}

/// How far the key partition is with making destroyed keys unrecoverable.
package struct KeyErasureState: Sendable, Hashable {
    /// The highest wrap epoch that a destroyed key was ever under; 0 before the first. While the
    /// key ring holds an epoch up to this one, somebody with old bytes could still unwrap it.
    package var destroyedUnder: UInt32 = 0
    /// The wrap epoch of the newest restatement; 0 before the first.
    package var epoch: UInt32 = 0
    /// Index of its `KeyLogBegun`.
    package var begunAt: LogIndex = .zero
    /// The first key ID it need not restate.
    package var end: UInt64 = 0
    /// Key IDs up to here are restated.
    package var through: UInt64 = 0
    package var isComplete = false

    package init() {}
}
