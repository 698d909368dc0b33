package import MatrixModel

/// The room an event was sent to, as push rules see it. Prepare it once for all its members.
package struct PushRoom: Sendable {
    /// Joined members.
    package var memberCount: Int
    /// nil where unknown; then nobody may notify the whole room.
    package var power: RoomPower?

    package init(memberCount: Int, power: RoomPower?) {
        self.memberCount = memberCount
        self.power = power
    }
}

/// Whom an event may notify.
package struct PushRecipient: Sendable {
    package let user: UserID
    /// The user's name in the room as what to look for; nil without one, or with one that is
    /// longer than any pattern may be. Built once for all events: a name is up to the user.
    private let name: Glob?

    package init(_ user: UserID, displayName: String? = nil) {
        self.user = user
        name = displayName.flatMap { name in
            // Bytes first: they are counted without looking at them.
            let isFit = name.utf8.count <= 4 * Glob.lengthMax && !name.isEmpty
            guard isFit, name.unicodeScalars.count <= Glob.lengthMax else { return nil }
            return Glob(literal: name)
        }
    }

    /// Whether the name occurs in a text as words of its own. A name is no pattern.
    func containsName(_ text: String?) -> Bool {
        guard let text, let name else { return false }
        return name.matchesWord(in: text)
    }
}

/// What an event does to one user.
package struct PushOutcome: Equatable, Sendable {
    /// Counts as unread and goes to the pushers.
    package let notifies: Bool
    /// Draws particular attention. Never set without `notifies`.
    package let highlights: Bool
    /// The rule's tweaks, `highlight` and `sound` included, in the rule's order.
    package let tweaks: [JSONValue.Member]
    /// The rule that matched.
    package let ruleID: String?

    package static let nothing = PushOutcome(ruleID: nil, actions: [])

    init(ruleID: String?, actions: [JSONValue]) {
        self.ruleID = ruleID
        notifies = actions.contains("notify")
        var tweaks: [JSONValue.Member] = []
        for action in actions {
            guard let name = action["set_tweak"]?.string else { continue }
            // A highlight without a value means true.
            let value = action["value"] ?? (name == "highlight" ? true : .null)
            tweaks.append(.init(name, value))
        }
        self.tweaks = tweaks
        highlights = notifies && tweaks.last { $0.key == "highlight" }?.value == true
    }

    /// The sound to play, such as `default`.
    package var sound: String? { tweaks.last { $0.key == "sound" }?.value.string }
}

/// One user's rules, ready to judge events. Make it when the rules change, keep it, and share
/// `defaults` between all users who changed nothing.
package struct PushRuleSet: Sendable {
    private struct Rule: Sendable {
        /// The event type, in lower case, that the rule asks for; nil when any will do. It comes
        /// first, for it settles most rules.
        let type: String?
        let conditions: [PushCondition]
        let outcome: PushOutcome

        init(_ conditions: [PushCondition], _ outcome: PushOutcome) {
            var type: String?
            self.conditions = conditions.filter { condition in
                guard type == nil, case .equals(.type, let name) = condition else { return true }
                type = name
                return false
            }
            self.type = type
            self.outcome = outcome
        }
    }

    /// Enabled rules that could match, most important first.
    private let rules: [Rule]

    /// Conditions that read a text as long as the event: judging one takes time in proportion to
    /// this and to the event's size.
    package let textConditionCount: Int

    /// The server's rules for any user who changed nothing, without those that guess at mentions.
    package static let defaults = PushRuleSet(
        // Conditions on the owner's ID are kept as such, so whose ID it was makes no difference.
        PushRules(defaultsFor: UserID(trusted: "@anybody:localhost"))
    )

    package init(_ rules: PushRules) {
        let compiled = PushRuleKind.allCases.flatMap { kind in
            rules[kind].compactMap { rule -> Rule? in
                guard rule.isEnabled else { return nil }
                var conditions = Self.conditions(of: rule, kind, owner: rules.user)
                if rule.isDefault, legacyMentionRules.contains(rule.id) {
                    conditions.insert(.mentionsAreUnknown, at: 0)
                }
                let isDead = conditions.contains { if case .never = $0 { true } else { false } }
                guard !isDead else { return nil }
                return Rule(conditions, PushOutcome(ruleID: rule.id, actions: rule.actions))
            }
        }
        self.rules = compiled
        textConditionCount = compiled.reduce(0) { count, rule in
            count + rule.conditions.count { $0.readsText }
        }
    }

    private static func conditions(
        of rule: PushRule,
        _ kind: PushRuleKind,
        owner: UserID
    ) -> [PushCondition] {
        switch kind {
        case .override, .underride:
            rule.conditions.map { PushCondition($0, owner: owner) }
        case .content:
            [rule.pattern.map { .bodyMatches(Glob($0)) } ?? .never]
        case .room:
            [.isInRoom(RoomID(trusted: rule.id))]
        case .sender:
            [.isFrom(UserID(trusted: rule.id))]
        }
    }

    /// What the event does to the recipient. Nobody is notified of their own events.
    package func evaluate(
        _ event: PushEvent,
        in room: PushRoom,
        for recipient: PushRecipient
    ) -> PushOutcome {
        guard event.sender != recipient.user else { return .nothing }
        // By index: taking a rule out of the array would count references for nothing.
        rules: for index in rules.indices {
            if let type = rules[index].type, type != event.foldedType { continue }
            for condition in rules[index].conditions
            where !condition.holds(event, room, recipient) {
                continue rules
            }
            return rules[index].outcome
        }
        return .nothing
    }
}
