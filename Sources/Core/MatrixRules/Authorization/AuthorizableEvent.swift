package import MatrixModel

/// An event as the authorization rules see it: a few clear fields and, only for the types that need
/// it, the clear content.
package struct AuthorizableEvent: Sendable {
    /// What comes before an event in its room.
    package enum Ancestry: Hashable, Sendable {
        /// Nothing: only a create event may stand here.
        case none
        /// The create event alone: here its sender joins without an invitation.
        case createOnly
        case more
    }

    package var type: String
    /// nil for events that are no state.
    package var stateKey: String?
    package var sender: UserID
    /// Needed for create, member and power-levels events, ignored otherwise. For a member event
    /// `membership`, `join_authorised_via_users_server` and `third_party_invite` are enough.
    package var content: JSONView?
    package var ancestry: Ancestry
    /// `room_id` as the event carries it. Read for create events only.
    package var roomID: String?
    /// Whether the server of `join_authorised_via_users_server` signed the event. An event made
    /// here is signed by the one server there is.
    package var isSignedByAuthoriser: Bool

    package init(
        type: String,
        stateKey: String? = nil,
        sender: UserID,
        content: JSONView? = nil,
        ancestry: Ancestry = .more,
        roomID: String? = nil,
        isSignedByAuthoriser: Bool = true
    ) {
        self.type = type
        self.stateKey = stateKey
        self.sender = sender
        self.content = content
        self.ancestry = ancestry
        self.roomID = roomID
        self.isSignedByAuthoriser = isSignedByAuthoriser
    }
}

/// The parts of a member event's content that decide.
package struct MemberContent: Sendable {
    /// nil when absent or unknown.
    package let membership: Membership?
    /// `join_authorised_via_users_server`, as it stands there.
    package let joinAuthoriser: String?
    package let thirdPartyInvite: JSONView?

    package init(_ content: JSONView?) {
        membership = content?["membership"]?.string.flatMap { Membership($0) }
        joinAuthoriser = content?["join_authorised_via_users_server"]?.string
        thirdPartyInvite = content?["third_party_invite"]
    }
}
