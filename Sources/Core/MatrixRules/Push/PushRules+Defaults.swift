package import MatrixModel

/// The server's own rules (Client-Server API v1.19, "Predefined Rules").
extension PushRules {
    /// The rules of somebody who changed nothing.
    /// - Parameter legacyMentions: also search texts for names and `@room`, as the specification
    ///   asked for until v1.16. Such rules skip every event that has `m.mentions`.
    package init(defaultsFor user: UserID, legacyMentions: Bool = false) {
        self.init(
            user: user,
            legacyMentions: legacyMentions,
            override: defaultOverrides(user, legacyMentions),
            content: legacyMentions ? [containsUserName(user)] : [],
            underride: defaultUnderrides
        )
    }
}

private let notify: JSONValue = "notify"
private let highlight: JSONValue = ["set_tweak": "highlight"]
private let defaultSound: JSONValue = ["set_tweak": "sound", "value": "default"]

private func eventMatch(_ key: String, _ pattern: String) -> JSONValue {
    ["kind": "event_match", "key": .string(key), "pattern": .string(pattern)]
}

private func rule(
    _ name: String,
    if conditions: [JSONValue],
    _ actions: JSONValue...,
    enabled: Bool = true
) -> PushRule {
    PushRule(
        id: ".m.rule.\(name)",
        isDefault: true,
        isEnabled: enabled,
        actions: actions,
        conditions: conditions
    )
}

private func defaultOverrides(_ user: UserID, _ legacyMentions: Bool) -> [PushRule] {
    let mentionsUser: JSONValue = [
        "kind": "event_property_contains",
        "key": "content.m\\.mentions.user_ids",
        "value": .string(user.raw),
    ]
    let mentionsRoom: JSONValue = [
        "kind": "event_property_is", "key": "content.m\\.mentions.room", "value": true,
    ]
    let senderMayNotifyRoom: JSONValue = [
        "kind": "sender_notification_permission", "key": "room",
    ]
    let isReplacement: JSONValue = [
        "kind": "event_property_is",
        "key": "content.m\\.relates_to.rel_type",
        "value": "m.replace",
    ]
    var rules = [
        rule("master", if: [], enabled: false),
        rule("suppress_notices", if: [eventMatch("content.msgtype", "m.notice")]),
        rule(
            "invite_for_me",
            if: [
                eventMatch("type", "m.room.member"),
                eventMatch("content.membership", "invite"),
                eventMatch("state_key", user.raw),
            ],
            notify,
            defaultSound
        ),
        rule("member_event", if: [eventMatch("type", "m.room.member")]),
        rule("is_user_mention", if: [mentionsUser], notify, defaultSound, highlight),
    ]
    if legacyMentions {
        rules.append(
            rule(
                "contains_display_name",
                if: [["kind": "contains_display_name"]],
                notify,
                defaultSound,
                highlight
            )
        )
    }
    rules.append(
        rule("is_room_mention", if: [mentionsRoom, senderMayNotifyRoom], notify, highlight)
    )
    if legacyMentions {
        rules.append(
            rule(
                "roomnotif",
                if: [eventMatch("content.body", "@room"), senderMayNotifyRoom],
                notify,
                highlight
            )
        )
    }
    rules += [
        rule(
            "tombstone",
            if: [eventMatch("type", "m.room.tombstone"), eventMatch("state_key", "")],
            notify,
            highlight
        ),
        rule("reaction", if: [eventMatch("type", "m.reaction")]),
        rule(
            "room.server_acl",
            if: [eventMatch("type", "m.room.server_acl"), eventMatch("state_key", "")]
        ),
        rule("suppress_edits", if: [isReplacement]),
    ]
    return rules
}

private func containsUserName(_ user: UserID) -> PushRule {
    PushRule(
        id: ".m.rule.contains_user_name",
        isDefault: true,
        actions: [notify, defaultSound, highlight],
        pattern: String(user.localpart)
    )
}

private let defaultUnderrides: [PushRule] = {
    let twoMembers: JSONValue = ["kind": "room_member_count", "is": "2"]
    let ringing: JSONValue = ["set_tweak": "sound", "value": "ring"]
    let isMessage = eventMatch("type", "m.room.message")
    let isEncrypted = eventMatch("type", "m.room.encrypted")
    return [
        rule("call", if: [eventMatch("type", "m.call.invite")], notify, ringing),
        rule("encrypted_room_one_to_one", if: [twoMembers, isEncrypted], notify, defaultSound),
        rule("room_one_to_one", if: [twoMembers, isMessage], notify, defaultSound),
        rule("message", if: [isMessage], notify),
        rule("encrypted", if: [isEncrypted], notify),
    ]
}()

/// Rules that guess at mentions and so leave events alone that name theirs.
let legacyMentionRules: Set<String> = [
    ".m.rule.contains_display_name", ".m.rule.roomnotif", ".m.rule.contains_user_name",
]
