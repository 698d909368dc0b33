package import MatrixModel
package import MatrixRules
package import Primitives

/// What somebody wants to happen in one partition. The gateway has parsed and limited it; the
/// partition's leader decides it against its state.
package struct Command: Sendable {
    /// A retry carries the same value and gets the same answer.
    package var id: CommandID
    /// How long the answer is kept, in milliseconds: 24 h for a client's transaction ID,
    /// 10 min for an ID the gateway minted.
    package var answerLifetime: UInt64
    package var action: Action

    package static let clientLifetime: UInt64 = 24 * 3_600 * 1_000
    package static let mintedLifetime: UInt64 = 10 * 60 * 1_000

    package init(id: CommandID, answerLifetime: UInt64, action: Action) {
        self.id = id
        self.answerLifetime = answerLifetime
        self.action = action
    }

    package enum Action: Sendable {
        case createRoom(CreateRoom)
        case sendEvent(SendEvent)
        case publishRoom(roomID: String, userID: String, isPublic: Bool)
        case setReceipts(roomID: String, receipts: [Receipt])
        case createAccount(CreateAccount)
        case changePassword(ChangePassword)
        case deactivate(userID: String, erase: Bool)
        case addDevice(AddDevice)
        case renameDevice(userID: String, deviceID: String, name: String)
        case removeDevices(userID: String, deviceIDs: [String])
        case setProfile(SetProfile)
        case setAccountData(userID: String, roomID: String, type: String, content: [UInt8])
        case storeFilter(userID: String, filterID: String, content: [UInt8])
        case forgetRoom(userID: String, roomID: String)
        case issueLoginToken(userID: String, tokenMAC: [UInt8], expiresAt: UInt64)
        case spendLoginToken(tokenMAC: [UInt8])
        case reserveAlias(alias: String, roomID: String, creator: String, confirm: Bool)
        case removeAlias(alias: String)
        case createKeys(partition: PartitionID, count: Int)
        case destroyKeys([UInt64])
        /// Takes the key partition one step further in restating its live keys under the wrap
        /// epoch in use: at most `limit` keys.
        case restateKeys(epoch: UInt32, limit: Int)
        case deliver(source: PartitionID, sequence: UInt64, message: Fact)
        case acknowledgeOutbox(target: PartitionID, upTo: UInt64)
    }
}

/// A member whose profile goes into a member event, and whose key seals it.
package struct Member: Sendable, Hashable {
    package var userID: String
    package var keyID: UInt64
    package var displayName: String?
    package var avatarURL: String?
    package init(userID: String, keyID: UInt64, displayName: String?, avatarURL: String?) {
        self.userID = userID
        self.keyID = keyID
        self.displayName = displayName
        self.avatarURL = avatarURL
    }
}

/// An event to be: what the leader completes with depth, references, hashes and signature.
package struct EventIntent: Sendable {
    package var type: String
    package var stateKey: String?
    /// Canonical JSON object.
    package var content: [UInt8]
    package var relation: Relation?
    package var redacts: String?
    /// For member events: whose profile is in the content.
    package var subject: Member?

    package init(
        type: String,
        stateKey: String? = nil,
        content: [UInt8],
        relation: Relation? = nil,
        redacts: String? = nil,
        subject: Member? = nil
    ) {
        self.type = type
        self.stateKey = stateKey
        self.content = content
        self.relation = relation
        self.redacts = redacts
        self.subject = subject
    }
}

/// One event for one room: a message, a state event, a redaction, or a change of membership.
package struct SendEvent: Sendable {
    package var roomID: String
    package var sender: String
    package var senderKeyID: UInt64
    package var deviceID: String?
    package var transactionID: String?
    package var draft: EventIntent
    /// Answer with the room (join, leave, …) instead of the event.
    package var answersRoom: Bool
    /// An invitation to a direct chat.
    package var isDirect: Bool
    /// For member events: what the target must be now; empty for no further demand.
    package var requiredMemberships: [Membership]

    package init(
        roomID: String,
        sender: String,
        senderKeyID: UInt64,
        deviceID: String? = nil,
        transactionID: String? = nil,
        draft: EventIntent,
        answersRoom: Bool = false,
        isDirect: Bool = false,
        requiredMemberships: [Membership] = []
    ) {
        self.roomID = roomID
        self.sender = sender
        self.senderKeyID = senderKeyID
        self.deviceID = deviceID
        self.transactionID = transactionID
        self.draft = draft
        self.answersRoom = answersRoom
        self.isDirect = isDirect
        self.requiredMemberships = requiredMemberships
    }
}

/// A whole room in one entry: it is there complete, or not at all.
package struct CreateRoom: Sendable {
    package var creator: Member
    package var version: RoomVersion
    /// Minted by the gateway so that it belongs to this partition; nil for versions whose room ID
    /// comes from the create event, where the leader finds one that does.
    package var roomID: String?
    /// In order: create, the creator's join, power levels, …, invitations.
    package var events: [EventIntent]
    package var isPublic: Bool
    /// Reserved before; confirmed by the outbox once the room exists.
    package var alias: String?
    package var isDirect: Bool

    package init(
        creator: Member,
        version: RoomVersion,
        roomID: String?,
        events: [EventIntent],
        isPublic: Bool,
        alias: String?,
        isDirect: Bool
    ) {
        self.creator = creator
        self.version = version
        self.roomID = roomID
        self.events = events
        self.isPublic = isPublic
        self.alias = alias
        self.isDirect = isDirect
    }
}

/// A device that logs in: its token arrives as a MAC, never in the clear.
package struct AddDevice: Sendable {
    package var userID: String
    package var deviceID: String
    package var tokenMAC: [UInt8]
    package var displayName: String?
    package init(userID: String, deviceID: String, tokenMAC: [UInt8], displayName: String?) {
        self.userID = userID
        self.deviceID = deviceID
        self.tokenMAC = tokenMAC
        self.displayName = displayName
    }
}

package struct CreateAccount: Sendable {
    package var userID: String
    /// An encoded Argon2id hash; sealed by the leader.
    package var passwordHash: String
    package var isAdministrator: Bool
    /// Logged in at once, unless the client inhibits it.
    package var device: AddDevice?
    package init(userID: String, passwordHash: String, isAdministrator: Bool, device: AddDevice?) {
        self.userID = userID
        self.passwordHash = passwordHash
        self.isAdministrator = isAdministrator
        self.device = device
    }
}

package struct ChangePassword: Sendable {
    package var userID: String
    package var passwordHash: String
    /// Devices to log out; nil for none, and `keeping` stays.
    package var logsOutOthers: Bool
    package var keeping: String?
    package init(userID: String, passwordHash: String, logsOutOthers: Bool, keeping: String?) {
        self.userID = userID
        self.passwordHash = passwordHash
        self.logsOutOthers = logsOutOthers
        self.keeping = keeping
    }
}

/// A new profile: nil removes the field. It reaches every joined room by the outbox.
package struct SetProfile: Sendable {
    package var userID: String
    package var displayName: String?
    package var avatarURL: String?
    package init(userID: String, displayName: String?, avatarURL: String?) {
        self.userID = userID
        self.displayName = displayName
        self.avatarURL = avatarURL
    }
}
