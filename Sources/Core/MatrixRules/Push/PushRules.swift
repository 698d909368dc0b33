package import MatrixModel

/// All push rules of one user, for reading and editing by the endpoints. Evaluate events with the
/// `PushRuleSet` made of it.
///
/// Within a kind the rules stand in order of importance: `.m.rule.master`, the user's own, then the
/// server's.
package struct PushRules: Hashable, Sendable {
    package let user: UserID
    let legacyMentions: Bool
    private var byKind: [PushRuleKind: [PushRule]]

    init(
        user: UserID,
        legacyMentions: Bool,
        override: [PushRule],
        content: [PushRule],
        underride: [PushRule]
    ) {
        self.user = user
        self.legacyMentions = legacyMentions
        // Every kind has its list, so that equal rules make equal values.
        byKind = [
            .override: override, .content: content, .room: [], .sender: [], .underride: underride,
        ]
    }

    /// The rules of a kind, most important first.
    package subscript(_ kind: PushRuleKind) -> [PushRule] { byKind[kind] ?? [] }

    package func rule(_ kind: PushRuleKind, _ id: String) -> PushRule? {
        self[kind].first { $0.id == id }
    }

    /// How many rules the user added.
    package var ownRuleCount: Int {
        byKind.values.reduce(0) { $0 + $1.count { !$0.isDefault } }
    }

    func index(_ kind: PushRuleKind, _ id: String) -> Int? {
        self[kind].firstIndex { $0.id == id }
    }

    mutating func update(_ kind: PushRuleKind, _ body: (inout [PushRule]) -> Void) {
        body(&byKind[kind, default: []])
    }
}

// MARK: - JSON

extension PushRules {
    /// The ruleset: the value of `global`.
    package var global: JSONValue {
        .object(
            PushRuleKind.allCases.map { kind in
                .init(kind.rawValue, .array(self[kind].map { $0.json(as: kind) }))
            }
        )
    }

    /// Content of `m.push_rules`, and the body of `GET /pushrules/`.
    package var content: JSONValue { ["global": global] }

    /// What to keep: the user's own rules and what they changed of the server's. Short, and a later
    /// release may change a default without each user's copy standing in its way.
    package var stored: JSONValue {
        let defaults = PushRules(defaultsFor: user, legacyMentions: legacyMentions)
        return .object(
            PushRuleKind.allCases.compactMap { kind in
                let rules = self[kind].compactMap { rule -> JSONValue? in
                    guard rule.isDefault else { return rule.json(as: kind) }
                    guard let original = defaults.rule(kind, rule.id), original != rule else {
                        return nil
                    }
                    var changed: JSONValue = ["rule_id": .string(rule.id)]
                    if rule.isEnabled != original.isEnabled {
                        changed["enabled"] = .bool(rule.isEnabled)
                    }
                    if rule.actions != original.actions {
                        changed["actions"] = .array(rule.actions)
                    }
                    return changed
                }
                return rules.isEmpty ? nil : .init(kind.rawValue, .array(rules))
            }
        )
    }

    /// The defaults with the user's changes laid over them. Entries that make no sense are skipped:
    /// stored rules must never keep somebody from reading their messages.
    /// - Parameter stored: what `stored` gave, or a whole `m.push_rules` content.
    package init(user: UserID, stored: JSONView?, legacyMentions: Bool = false) {
        self.init(defaultsFor: user, legacyMentions: legacyMentions)
        guard let stored, let ruleset = stored["global"] ?? Optional(stored) else { return }
        for kind in PushRuleKind.allCases {
            guard let entries = ruleset[kind.rawValue]?.elements else { continue }
            var own: [PushRule] = []
            for entry in entries {
                guard let id = entry["rule_id"]?.string else { continue }
                if id.utf8.first == UInt8(ascii: ".") {
                    applyStored(entry, toDefault: id, kind)
                } else if let parts = try? PushRuleParts(entry, kind),
                    !own.contains(where: { $0.id == id })
                {
                    own.append(parts.rule(id, isEnabled: entry["enabled"]?.bool ?? true))
                }
            }
            update(kind) { $0.insert(contentsOf: own, at: firstOwnIndex(kind)) }
        }
    }

    private mutating func applyStored(
        _ entry: JSONView,
        toDefault id: String,
        _ kind: PushRuleKind
    ) {
        guard let index = index(kind, id) else { return }
        update(kind) { rules in
            if let isEnabled = entry["enabled"]?.bool { rules[index].isEnabled = isEnabled }
            if let actions = entry["actions"], let valid = try? parseActions(actions) {
                rules[index].actions = valid
            }
        }
    }
}

/// The user's rules come right after the master switch.
func firstOwnIndex(_ kind: PushRuleKind) -> Int { kind == .override ? 1 : 0 }
