import CRocksDB
package import KeyValue

/// The data keys of one node by epoch. Databases and sealed files opened with it read under any
/// epoch it holds and write under the current one, which may change while they are open.
///
/// The keys lie outside Swift's heap, in memory that is locked and left out of core dumps.
package final class DataKeyring: @unchecked Sendable {
    // Sendable by hand: the ring behind the pointer guards itself.
    let pointer: OpaquePointer
    /// It holds this many epochs and no more.
    package static var epochsMax: Int { Int(WDB_EPOCHS_MAX) }

    /// - Parameters:
    ///   - storeID: 16 bytes that name the store; a file carried over from another does not open.
    ///   - keys: 32 bytes per epoch.
    ///   - current: the epoch new files are written under.
    package init(
        storeID: [UInt8],
        keys: [UInt32: [UInt8]],
        current: UInt32
    ) throws(StoreError) {
        guard storeID.count == Int(WDB_STORE_ID_BYTES) else {
            throw StoreError(.invalid, "a store ID has 16 bytes, not \(storeID.count)")
        }
        guard let made = wdb_keyring_new(storeID) else {
            throw StoreError(.ioError, "no memory for the key ring")
        }
        pointer = made
        for (epoch, key) in keys { try add(epoch: epoch, key: key) }
        try setCurrent(current)
    }

    deinit { wdb_keyring_free(pointer) }

    package var current: UInt32 { wdb_keyring_current(pointer) }

    /// Adding a key twice is fine; adding another key under a known epoch is not.
    package func add(epoch: UInt32, key: [UInt8]) throws(StoreError) {
        guard key.count == Int(WDB_KEY_BYTES) else {
            throw StoreError(.invalid, "a data key has 32 bytes, not \(key.count)")
        }
        try check(wdb_keyring_add(pointer, epoch, key))
    }

    /// Files created from now on are written under `epoch`.
    package func setCurrent(_ epoch: UInt32) throws(StoreError) {
        try check(wdb_keyring_set_current(pointer, epoch))
    }

    /// Forgets a key for good: what is under it can no longer be opened. Not the current one.
    package func remove(epoch: UInt32) throws(StoreError) {
        try check(wdb_keyring_remove(pointer, epoch))
    }
}
