/// Names one key in the key partition. Drawn ahead in blocks, never reused; 0 names none.
package struct KeyID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let raw: UInt64
    package init(_ raw: UInt64) { self.raw = raw }
    package static let none = KeyID(0)
    package static func < (a: KeyID, b: KeyID) -> Bool { a.raw < b.raw }
    package var description: String { String(raw) }
}

/// The key of one room for one key epoch. Destroying it makes the room unreadable.
package struct RoomKey: Sendable, CustomStringConvertible, CustomReflectable {
    package let id: KeyID
    /// Counts the room's keys from 1; bound into everything sealed with this one.
    package let epoch: UInt32
    package let secret: SecretKey

    package init(id: KeyID, epoch: UInt32, secret: SecretKey) {
        self.id = id
        self.epoch = epoch
        self.secret = secret
    }

    package var description: String { "room key \(id)" }
    package var customMirror: Mirror { Mirror(self, children: ["id": id]) }
}

/// The key of one user. Destroying it makes everything this user wrote unreadable.
package struct UserKey: Sendable, CustomStringConvertible, CustomReflectable {
    package let id: KeyID
    package let secret: SecretKey

    package init(id: KeyID, secret: SecretKey) {
        self.id = id
        self.secret = secret
    }

    package var description: String { "user key \(id)" }
    package var customMirror: Mirror { Mirror(self, children: ["id": id]) }
}

/// What room key and user key together give: worth keeping per pair, for it spares the first of
/// two HMACs of every event. Forget it when either key is destroyed.
package struct ContentKey: Sendable, CustomStringConvertible, CustomReflectable {
    package let roomKey: KeyID
    package let userKey: KeyID
    package let epoch: UInt32
    let pseudoRandomKey: SecretKey

    /// HKDF-Extract with the user key as salt and the room key as input (RFC 5869).
    package init(room: RoomKey, user: UserKey) {
        roomKey = room.id
        userKey = user.id
        epoch = room.epoch
        pseudoRandomKey = extract(salt: user.secret, from: room.secret)
    }

    package var description: String { "content key \(roomKey)/\(userKey)" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
