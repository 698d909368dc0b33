package import Encryption
package import MatrixModel

/// A key by its ID, as the node's key directory has it.
package enum KeyLookup: Sendable {
    case found(SecretKey)
    /// Shredded: what it sealed is erased for ever.
    case destroyed
    /// Not on this node (yet): try again.
    case absent
    /// The record that made it was lost, and the loss accepted: it will never be here.
    case lost
}

/// The keys this node has, in memory or wrapped in its rows. Waits for no other node.
package protocol KeyReader: Sendable {
    func key(_ id: UInt64) -> KeyLookup
    /// The first key ID that no key has yet, as far as this node knows.
    func nextKeyID() throws -> UInt64
    /// What new keys are wrapped under before they are recorded; nil before the ring is open.
    var wrapper: (epoch: UInt32, key: SecretKey)? { get }
    /// Opens a wrapped key that is not to be remembered; nil when it does not open.
    func unwrap(_ wrapped: [UInt8]) -> SecretKey?
}

/// What of an event's content stays readable, because authorization or visibility needs it or the
/// server may act on it, and what is sealed under whose key (architecture 2.6).
package struct ContentParts: Hashable, Sendable {
    /// Canonical JSON objects; `subject` is empty unless it holds something.
    package var clear: [UInt8]
    package var sender: [UInt8]
    package var subject: [UInt8]

    package static let emptyObject = Array("{}".utf8)
    private static let clearTypes: Set<String> = [
        "m.room.create", "m.room.join_rules", "m.room.power_levels",
        "m.room.history_visibility", "m.room.server_acl", "m.room.tombstone",
        "m.room.third_party_invite",
    ]
    private static let clearMemberKeys: Set<String> = [
        "membership", "join_authorised_via_users_server",
    ]
    private static let subjectMemberKeys: Set<String> = ["displayname", "avatar_url"]

    /// - Parameter content: canonical JSON object.
    package init(type: String, sender: String, stateKey: String?, content: [UInt8]) {
        if Self.clearTypes.contains(type) {
            self.init(clear: content, sender: Self.emptyObject)
        } else if type == "m.room.member", let stateKey {
            self.init(splitting: content, clear: Self.clearMemberKeys) {
                stateKey != sender && Self.subjectMemberKeys.contains($0)
            }
        } else if type == "m.room.redaction" {
            self.init(splitting: content, clear: ["redacts"]) { _ in false }
        } else {
            self.init(clear: Self.emptyObject, sender: content)
        }
    }

    private init(clear: [UInt8], sender: [UInt8]) {
        self.clear = clear
        self.sender = sender
        subject = []
    }

    private init(
        splitting content: [UInt8],
        clear clearKeys: Set<String>,
        subject isSubject: (String) -> Bool
    ) {
        var clear = JSONWriter()
        var sender = JSONWriter()
        var subject = JSONWriter()
        var hasSubject = false
        clear.beginObject()
        sender.beginObject()
        subject.beginObject()
        if let document = try? JSONDocument(parsing: content) {
            for member in document.root.members {
                let key = member.key
                if clearKeys.contains(key) {
                    clear.key(key)
                    clear.raw(member.value.rawBytes)
                } else if isSubject(key) {
                    hasSubject = true
                    subject.key(key)
                    subject.raw(member.value.rawBytes)
                } else {
                    sender.key(key)
                    sender.raw(member.value.rawBytes)
                }
            }
        }
        clear.endObject()
        sender.endObject()
        subject.endObject()
        self.clear = clear.finish()
        self.sender = sender.finish()
        self.subject = hasSubject ? subject.finish() : []
    }
}

/// The layouts of sealed parts: bound into what is sealed, so that one cannot pass for another.
package enum SealedSchema {
    /// 16 bytes of salt, then a JSON object.
    package static let sender: UInt16 = 1
    /// A JSON object.
    package static let subject: UInt16 = 2
}

extension ItemBinding {
    package static func credentials(_ user: String) -> ItemBinding {
        ItemBinding(user: user, kind: .credential, name: "")
    }
    package static func profile(_ user: String) -> ItemBinding {
        ItemBinding(user: user, kind: .profile, name: "")
    }
    package static func device(_ user: String, _ device: String) -> ItemBinding {
        ItemBinding(user: user, kind: .device, name: device)
    }
    package static func filter(_ user: String, _ id: String) -> ItemBinding {
        ItemBinding(user: user, kind: .filter, name: id)
    }
    /// `roomID` is empty for global account data.
    package static func accountData(
        _ user: String,
        _ roomID: String,
        _ type: String
    )
        -> ItemBinding
    {
        roomID.isEmpty
            ? ItemBinding(user: user, kind: .accountData, name: type)
            : ItemBinding(user: user, kind: .roomAccountData, name: roomID + "\u{0}" + type)
    }
}

/// A user's profile as it is sealed and as it goes into member events.
package struct Profile: Hashable, Sendable {
    package var displayName: String?
    package var avatarURL: String?

    package init(displayName: String? = nil, avatarURL: String? = nil) {
        self.displayName = displayName
        self.avatarURL = avatarURL
    }

    package init(_ bytes: [UInt8]) throws(JSONError) {
        let root = try JSONDocument(parsing: bytes).root
        displayName = root["displayname"]?.string
        avatarURL = root["avatar_url"]?.string
    }

    package var encoded: [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        write(into: &writer)
        writer.endObject()
        return writer.finish()
    }

    /// The members `avatar_url` and `displayname`, in canonical order.
    package func write(into writer: inout JSONWriter) {
        if let avatarURL { writer.member("avatar_url", avatarURL) }
        if let displayName { writer.member("displayname", displayName) }
    }
}
