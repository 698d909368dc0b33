package import Primitives

/// How long a record's body lives (architecture 2.1).
package enum Retention: UInt8, Sendable {
    /// Events and whatever decides who may see them: as long as the room's policy says.
    case kept = 0
    /// Only the latest counts: pruned once folding without it gives the same.
    case passing = 1
}

/// What happened. A decision made once by the leader; every replica folds it the same way and
/// cannot refuse. Kinds are numbered for ever in `Specs/Formats/Facts.md`; a kind without a
/// retention class does not compile.
package enum Fact: Sendable, Hashable {
    // Rooms
    case roomCreated(RoomCreated)
    case eventAppended(EventAppended)
    case roomPublished(RoomPublished)
    case receiptsSet(ReceiptsSet)
    // Accounts
    case accountCreated(AccountCreated)
    case credentialsChanged(CredentialsChanged)
    case accountDeactivated(AccountDeactivated)
    case deviceAdded(DeviceAdded)
    case deviceRenamed(DeviceRenamed)
    case devicesRemoved(DevicesRemoved)
    case profileSet(ProfileSet)
    case accountDataSet(AccountDataSet)
    case filterStored(FilterStored)
    case membershipNoted(MembershipNoted)
    case roomForgotten(RoomForgotten)
    case loginTokenIssued(LoginTokenIssued)
    case loginTokenSpent(LoginTokenSpent)
    // Directory
    case aliasReserved(AliasReserved)
    case aliasConfirmed(AliasConfirmed)
    case aliasRemoved(AliasRemoved)
    // Between partitions
    case outboxQueued(OutboxQueued)
    case outboxReceived(OutboxReceived)
    case outboxAcknowledged(OutboxAcknowledged)
    case keyBlockGranted(KeyBlockGranted)
    case profileSpread(ProfileSpread)
    case departureAsked(DepartureAsked)
    // Keys
    case keysCreated(KeysCreated)
    case keysDestroyed(KeysDestroyed)
    case keyLogBegun(KeyLogBegun)
    case keysRestated(KeysRestated)
    // The command itself
    case commandAnswered(CommandAnswered)

    package var payload: any FactPayload {
        switch self {
        case .roomCreated(let fact): fact
        case .eventAppended(let fact): fact
        case .roomPublished(let fact): fact
        case .receiptsSet(let fact): fact
        case .accountCreated(let fact): fact
        case .credentialsChanged(let fact): fact
        case .accountDeactivated(let fact): fact
        case .deviceAdded(let fact): fact
        case .deviceRenamed(let fact): fact
        case .devicesRemoved(let fact): fact
        case .profileSet(let fact): fact
        case .accountDataSet(let fact): fact
        case .filterStored(let fact): fact
        case .membershipNoted(let fact): fact
        case .roomForgotten(let fact): fact
        case .loginTokenIssued(let fact): fact
        case .loginTokenSpent(let fact): fact
        case .aliasReserved(let fact): fact
        case .aliasConfirmed(let fact): fact
        case .aliasRemoved(let fact): fact
        case .outboxQueued(let fact): fact
        case .outboxReceived(let fact): fact
        case .outboxAcknowledged(let fact): fact
        case .keyBlockGranted(let fact): fact
        case .profileSpread(let fact): fact
        case .departureAsked(let fact): fact
        case .keysCreated(let fact): fact
        case .keysDestroyed(let fact): fact
        case .keyLogBegun(let fact): fact
        case .keysRestated(let fact): fact
        case .commandAnswered(let fact): fact
        }
    }

    package func encode(into writer: inout ByteWriter) {
        // The hot kinds go without the existential.
        switch self {
        case .eventAppended(let fact): Self.write(fact, into: &writer)
        case .commandAnswered(let fact): Self.write(fact, into: &writer)
        default: Self.write(payload, into: &writer)
        }
    }

    private static func write(_ fact: some FactPayload, into writer: inout ByteWriter) {
        writer.u8(type(of: fact).kind)
        writer.u8(type(of: fact).version)
        fact.encode(into: &writer)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        let kind = try reader.u8()
        let version = try reader.u8()
        switch kind {
        case RoomCreated.kind: self = .roomCreated(try read(version, &reader))
        case EventAppended.kind: self = .eventAppended(try read(version, &reader))
        case RoomPublished.kind: self = .roomPublished(try read(version, &reader))
        case ReceiptsSet.kind: self = .receiptsSet(try read(version, &reader))
        case AccountCreated.kind: self = .accountCreated(try read(version, &reader))
        case CredentialsChanged.kind: self = .credentialsChanged(try read(version, &reader))
        case AccountDeactivated.kind: self = .accountDeactivated(try read(version, &reader))
        case DeviceAdded.kind: self = .deviceAdded(try read(version, &reader))
        case DeviceRenamed.kind: self = .deviceRenamed(try read(version, &reader))
        case DevicesRemoved.kind: self = .devicesRemoved(try read(version, &reader))
        case ProfileSet.kind: self = .profileSet(try read(version, &reader))
        case AccountDataSet.kind: self = .accountDataSet(try read(version, &reader))
        case FilterStored.kind: self = .filterStored(try read(version, &reader))
        case MembershipNoted.kind: self = .membershipNoted(try read(version, &reader))
        case RoomForgotten.kind: self = .roomForgotten(try read(version, &reader))
        case LoginTokenIssued.kind: self = .loginTokenIssued(try read(version, &reader))
        case LoginTokenSpent.kind: self = .loginTokenSpent(try read(version, &reader))
        case AliasReserved.kind: self = .aliasReserved(try read(version, &reader))
        case AliasConfirmed.kind: self = .aliasConfirmed(try read(version, &reader))
        case AliasRemoved.kind: self = .aliasRemoved(try read(version, &reader))
        case OutboxQueued.kind: self = .outboxQueued(try read(version, &reader))
        case OutboxReceived.kind: self = .outboxReceived(try read(version, &reader))
        case OutboxAcknowledged.kind: self = .outboxAcknowledged(try read(version, &reader))
        case KeyBlockGranted.kind: self = .keyBlockGranted(try read(version, &reader))
        case ProfileSpread.kind: self = .profileSpread(try read(version, &reader))
        case DepartureAsked.kind: self = .departureAsked(try read(version, &reader))
        case KeysCreated.kind: self = .keysCreated(try read(version, &reader))
        case KeysDestroyed.kind: self = .keysDestroyed(try read(version, &reader))
        case KeyLogBegun.kind: self = .keyLogBegun(try read(version, &reader))
        case KeysRestated.kind: self = .keysRestated(try read(version, &reader))
        case CommandAnswered.kind: self = .commandAnswered(try read(version, &reader))
        default: throw .unknownKind(UInt64(kind))
        }
    }

    package var retention: Retention {
        switch self {
        case .eventAppended: .kept
        default: type(of: payload).retention
        }
    }
}

/// What each kind of fact provides: its number, its layout version, its retention class.
package protocol FactPayload: Sendable, Hashable {
    static var kind: UInt8 { get }
    static var version: UInt8 { get }
    static var retention: Retention { get }
    func encode(into writer: inout ByteWriter)
    init(from reader: inout ByteReader) throws(DecodeError)
}

extension FactPayload {
    package static var version: UInt8 { 1 }
}

private func read<Payload: FactPayload>(
    _ version: UInt8,
    _ reader: inout ByteReader
) throws(DecodeError) -> Payload {
    guard version == Payload.version else { throw .unknownVersion(UInt64(version)) }
    return try Payload(from: &reader)
}

/// The body of one log record: the facts of one command, in order.
package enum EntryBody {
    package static let version: UInt8 = 1
    /// Facts of one entry: a user in so many rooms can still change a display name at once.
    package static let factsMax = 65_536

    package static func encode(_ facts: [Fact]) -> [UInt8] {
        precondition(facts.count <= factsMax, "an entry that no replica could read")
        var writer = ByteWriter(reserving: 1_024)
        writer.u8(version)
        writer.varint(facts.count)
        for fact in facts { fact.encode(into: &writer) }
        return writer.bytes
    }

    package static func decode(_ bytes: ArraySlice<UInt8>) throws(DecodeError) -> [Fact] {
        var reader = ByteReader(bytes)
        let version = try reader.u8()
        guard version == Self.version else { throw .unknownVersion(UInt64(version)) }
        let count = try reader.count(limit: factsMax)
        var facts: [Fact] = []
        facts.reserveCapacity(min(count, 1_024))
        for _ in 0..<count { facts.append(try Fact(from: &reader)) }
        try reader.expectEnd()
        return facts
    }

    /// Kept when any fact is: one record has one class.
    package static func retention(of facts: [Fact]) -> Retention {
        facts.contains { $0.retention == .kept } ? .kept : .passing
    }
}
