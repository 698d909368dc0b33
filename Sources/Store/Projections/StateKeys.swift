import Homeserver
package import Keyspace
package import Primitives

/// The keys of every row, by name. One place, so that writer and reader cannot differ.
package struct StateKeys: Sendable {
    package let partition: PartitionID
    package init(_ partition: PartitionID) { self.partition = partition }

    private func key(_ table: Table) -> KeyBuilder { KeyBuilder(table, partition) }

    package var applied: [UInt8] { key(.applied).bytes }
    package func outboxRow(_ target: PartitionID, _ sequence: UInt64) -> [UInt8] {
        key(.outboxRow).u16(target.raw).u64(sequence).bytes
    }
    package var outboxPrefix: [UInt8] { key(.outboxRow).bytes }
    package var outboxNextPrefix: [UInt8] { key(.outboxNext).bytes }
    package func outboxNext(_ target: PartitionID) -> [UInt8] {
        key(.outboxNext).u16(target.raw).bytes
    }
    package func inboxSequence(_ source: PartitionID) -> [UInt8] {
        key(.inboxSequence).u16(source.raw).bytes
    }
    package var keyBlock: [UInt8] { key(.keyBlock).bytes }
    package func commandResult(_ id: CommandID) -> [UInt8] {
        key(.commandResult).u64(id.high).u64(id.low).bytes
    }
    package var commandResultPrefix: [UInt8] { key(.commandResult).bytes }

    package func roomByID(_ roomID: String) -> [UInt8] { key(.roomByID).last(roomID).bytes }
    package var roomByIDPrefix: [UInt8] { key(.roomByID).bytes }
    package func roomHead(_ room: UInt64) -> [UInt8] { key(.roomHead).u64(room).bytes }
    package func timeline(_ room: UInt64, _ position: StreamPosition) -> [UInt8] {
        key(.timeline).u64(room).u64(position.raw).bytes
    }
    package func timelinePrefix(_ room: UInt64) -> [UInt8] { key(.timeline).u64(room).bytes }
    package func event(_ eventID: String) -> [UInt8] { key(.eventByID).last(eventID).bytes }
    package func currentState(_ room: UInt64, _ type: String, _ stateKey: String) -> [UInt8] {
        key(.currentState).u64(room).text(type).last(stateKey).bytes
    }
    package func currentStatePrefix(_ room: UInt64) -> [UInt8] {
        key(.currentState).u64(room).bytes
    }
    package func currentStatePrefix(_ room: UInt64, _ type: String) -> [UInt8] {
        key(.currentState).u64(room).text(type).bytes
    }
    package func stateHistory(
        _ room: UInt64,
        _ type: String,
        _ stateKey: String,
        _ position: StreamPosition
    ) -> [UInt8] {
        key(.stateHistory).u64(room).text(type).text(stateKey).u64(position.raw).bytes
    }
    package func stateHistoryPrefix(_ room: UInt64, _ type: String, _ stateKey: String) -> [UInt8] {
        key(.stateHistory).u64(room).text(type).text(stateKey).bytes
    }
    package func stateHistoryPrefix(_ room: UInt64) -> [UInt8] {
        key(.stateHistory).u64(room).bytes
    }
    package func stateHistoryPrefix(_ room: UInt64, _ type: String) -> [UInt8] {
        key(.stateHistory).u64(room).text(type).bytes
    }
    package func stateLog(_ room: UInt64, _ position: StreamPosition) -> [UInt8] {
        key(.stateLog).u64(room).u64(position.raw).bytes
    }
    package func receipt(
        _ room: UInt64,
        _ user: String,
        _ type: String,
        _ thread: String
    )
        -> [UInt8]
    {
        key(.receipt).u64(room).text(user).text(type).last(thread).bytes
    }
    package func receiptPrefix(_ room: UInt64) -> [UInt8] { key(.receipt).u64(room).bytes }
    package func receiptPrefix(_ room: UInt64, _ user: String) -> [UInt8] {
        key(.receipt).u64(room).text(user).bytes
    }
    /// Receipts by the index that set them: a sync reads those that are new and no others.
    package func receiptLog(_ room: UInt64, _ index: LogIndex) -> [UInt8] {
        key(.receiptLog).u64(room).u64(index.raw).bytes
    }
    package func receiptLog(_ room: UInt64, _ row: ReceiptRow) -> [UInt8] {
        key(.receiptLog).u64(room).u64(row.index.raw).text(row.receipt.userID)
            .text(row.receipt.type).last(row.receipt.thread).bytes
    }
    package func publicRoom(_ room: UInt64) -> [UInt8] { key(.publicRoom).u64(room).bytes }
    package var publicRoomPrefix: [UInt8] { key(.publicRoom).bytes }
    package func relation(
        _ room: UInt64,
        _ target: String,
        _ kind: String,
        _ position: StreamPosition
    ) -> [UInt8] {
        key(.relation).u64(room).text(target).text(kind).u64(position.raw).bytes
    }

    package func account(_ user: String) -> [UInt8] { key(.account).last(user).bytes }
    package var accountPrefix: [UInt8] { key(.account).bytes }
    package func device(_ user: String, _ device: String) -> [UInt8] {
        key(.device).text(user).last(device).bytes
    }
    package func devicePrefix(_ user: String) -> [UInt8] { key(.device).text(user).bytes }
    package func accessToken(_ mac: [UInt8]) -> [UInt8] { key(.accessToken).raw(mac).bytes }
    package func profile(_ user: String) -> [UInt8] { key(.profile).last(user).bytes }
    package func accountData(_ user: String, _ room: String, _ type: String) -> [UInt8] {
        key(.accountData).text(user).text(room).last(type).bytes
    }
    package func accountDataPrefix(_ user: String) -> [UInt8] {
        key(.accountData).text(user).bytes
    }
    package func accountDataPrefix(_ user: String, _ room: String) -> [UInt8] {
        key(.accountData).text(user).text(room).bytes
    }
    package func accountDataTally(_ user: String) -> [UInt8] {
        key(.accountDataTally).last(user).bytes
    }
    package func filter(_ user: String, _ id: String) -> [UInt8] {
        key(.filter).text(user).last(id).bytes
    }
    package func filterPrefix(_ user: String) -> [UInt8] { key(.filter).text(user).bytes }
    package func membership(_ user: String, _ room: String) -> [UInt8] {
        key(.membership).text(user).last(room).bytes
    }
    package func membershipPrefix(_ user: String) -> [UInt8] { key(.membership).text(user).bytes }
    package func loginToken(_ mac: [UInt8]) -> [UInt8] { key(.loginToken).raw(mac).bytes }

    package func alias(_ alias: String) -> [UInt8] { key(.alias).last(alias).bytes }
    package func aliasOfRoom(_ roomID: String, _ alias: String) -> [UInt8] {
        key(.aliasOfRoom).text(roomID).last(alias).bytes
    }
    package func aliasOfRoomPrefix(_ roomID: String) -> [UInt8] {
        key(.aliasOfRoom).text(roomID).bytes
    }
    package func wrappedKey(_ id: UInt64) -> [UInt8] { key(.wrappedKey).u64(id).bytes }
    package var wrappedKeyPrefix: [UInt8] { key(.wrappedKey).bytes }
    package var keyAllocation: [UInt8] { key(.keyAllocation).bytes }
    package var keyErasure: [UInt8] { key(.keyErasure).bytes }
}
