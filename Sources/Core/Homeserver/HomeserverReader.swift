package import Primitives

/// What the leader of a partition reads of its own applied rows. Every call is one local look-up.
package protocol HomeserverReader: Sendable {
    func roomHead(_ roomID: String) throws -> RoomHead?
    /// Sender and timeline position of an event of the room.
    func eventSender(_ eventID: String, in roomID: String) throws -> String?
    func account(_ userID: String) throws -> AccountState?
    func devices(of userID: String) throws -> [String]
    /// Rooms the user is joined or invited to, with their membership word.
    func memberships(of userID: String) throws -> [String: String]
    /// How much account data the user has in all.
    func accountDataUsage(of userID: String) throws -> AccountDataUsage
    /// Sealed bytes of one item; nil when it is not there. `roomID` is empty for global ones.
    func accountDataSize(_ userID: String, _ roomID: String, _ type: String) throws -> Int?
    func filterCount(of userID: String) throws -> Int
    func alias(_ alias: String) throws -> AliasState?
    func loginToken(_ mac: [UInt8]) throws -> LoginTokenState?
    func commandAnswer(_ id: CommandID) throws -> (expiresAt: UInt64, answer: [UInt8])?
    func inboxSequence(from source: PartitionID) throws -> UInt64
    /// Key IDs this partition may give out, in order.
    func keyRanges() throws -> [Range<UInt64>]
    /// A loss was accepted here, and no block of key IDs has come since.
    func hasLostKeyBlocks() throws -> Bool
    /// The first key ID no block holds yet (key partition only).
    func nextKeyID() throws -> UInt64
    /// Wrapped keys by ID, in order; empty where destroyed (key partition only).
    func wrappedKeys(
        _ range: Range<UInt64>,
        limit: Int
    ) throws -> [(id: UInt64, wrapped: [UInt8])]
    /// How far making destroyed keys unrecoverable is (key partition only).
    func keyErasure() throws -> KeyErasureState
    /// The last number given out to each target of the outbox.
    func outboxNumbers() throws -> [(target: PartitionID, last: UInt64)]
    /// What lies in the outbox, in order.
    func outboxWaiting() throws -> [(target: PartitionID, sequence: UInt64, message: [UInt8])]
}

package struct AccountState: Hashable, Sendable {
    package var keyID: UInt64
    package var isAdministrator: Bool
    package var isDeactivated: Bool
    package init(keyID: UInt64, isAdministrator: Bool, isDeactivated: Bool) {
        self.keyID = keyID
        self.isAdministrator = isAdministrator
        self.isDeactivated = isDeactivated
    }
}

/// Items of a user's account data, and their sealed bytes together.
package struct AccountDataUsage: Hashable, Sendable {
    package var items: Int
    package var bytes: Int
    package init(items: Int = 0, bytes: Int = 0) {
        self.items = items
        self.bytes = bytes
    }
}

package struct AliasState: Hashable, Sendable {
    package var roomID: String
    package var creator: String
    package var isConfirmed: Bool
    package var expiresAt: UInt64
    package init(roomID: String, creator: String, isConfirmed: Bool, expiresAt: UInt64) {
        self.roomID = roomID
        self.creator = creator
        self.isConfirmed = isConfirmed
        self.expiresAt = expiresAt
    }
}

package struct LoginTokenState: Hashable, Sendable {
    package var userID: String
    package var expiresAt: UInt64
    package init(userID: String, expiresAt: UInt64) {
        self.userID = userID
        self.expiresAt = expiresAt
    }
}
