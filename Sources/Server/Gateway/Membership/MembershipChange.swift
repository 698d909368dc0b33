import Homeserver
import Identity
import MatrixModel
import MatrixRules

/// A member event that the caller sends, about themselves or about somebody else.
struct MembershipChange: Sendable {
    var roomID: String
    var target: String
    var content: MemberContents
    /// Whose profile is in the content, when it is not the caller's.
    var subject: Member?
    /// What the target must be now; empty for whatever the rules allow.
    var required: [Membership] = []
}

extension Call {
    /// The answer names the room.
    @discardableResult
    func change(_ change: MembershipChange) async throws(MatrixError) -> CommandAnswer {
        try await perform(
            .sendEvent(
                SendEvent(
                    roomID: change.roomID,
                    sender: user,
                    senderKeyID: session.keyID,
                    deviceID: session.deviceID,
                    draft: EventIntent(
                        type: "m.room.member",
                        stateKey: change.target,
                        content: change.content.bytes,
                        subject: change.subject
                    ),
                    answersRoom: true,
                    isDirect: change.content.isDirect,
                    requiredMemberships: change.required
                )
            ),
            in: partition(of: change.roomID)
        )
    }

    /// `user_id` and `reason` of a body that is about somebody.
    func target(_ body: JSONView) throws(MatrixError) -> (user: String, reason: String?) {
        let text = try body.needText("user_id")
        guard UserID(text) != nil else { throw .invalidParam("user_id is no user ID") }
        return (text, try body.text("reason"))
    }
}
