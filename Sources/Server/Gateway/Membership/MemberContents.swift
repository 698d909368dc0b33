import Homeserver
import MatrixModel
import MatrixRules

/// Content of a member event as this server makes it.
struct MemberContents: Sendable {
    var membership: Membership
    var profile = Profile()
    var isDirect = false
    var authoriser: String?
    var reason: String?

    init(_ membership: Membership, reason: String? = nil) {
        self.membership = membership
        self.reason = reason
    }

    init(_ membership: Membership, of member: Member, reason: String? = nil) {
        self.init(membership, reason: reason)
        profile = Profile(displayName: member.displayName, avatarURL: member.avatarURL)
    }

    /// Canonical JSON: the keys are written in their order.
    var bytes: [UInt8] {
        var writer = JSONWriter(reserving: 160)
        writer.object { writer in
            profile.write(into: &writer)
            if isDirect { writer.member("is_direct", true) }
            writer.optional("join_authorised_via_users_server", authoriser)
            writer.member("membership", membership.word)
            writer.optional("reason", reason)
        }
        return writer.finish()
    }
}
