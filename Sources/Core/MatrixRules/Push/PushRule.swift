package import MatrixModel

/// The kinds of push rules, in the order they are checked.
package enum PushRuleKind: String, Hashable, Sendable, CaseIterable {
    case override
    case content
    case room
    case sender
    case underride

    /// Whether rules of this kind carry `conditions`.
    package var hasConditions: Bool { self == .override || self == .underride }
}

/// One push rule as clients see and edit it.
package struct PushRule: Hashable, Sendable {
    package let id: String
    /// One of the server's own rules: it can be switched off and given other actions, no more.
    package let isDefault: Bool
    package var isEnabled: Bool
    /// Only "notify" and tweaks: the historical "dont_notify" and "coalesce" are dropped.
    package var actions: [JSONValue]
    /// For override and underride rules.
    package var conditions: [JSONValue]
    /// For content rules.
    package var pattern: String?

    package init(
        id: String,
        isDefault: Bool = false,
        isEnabled: Bool = true,
        actions: [JSONValue],
        conditions: [JSONValue] = [],
        pattern: String? = nil
    ) {
        self.id = id
        self.isDefault = isDefault
        self.isEnabled = isEnabled
        self.actions = actions
        self.conditions = conditions
        self.pattern = pattern
    }

    /// The rule as the endpoints and `m.push_rules` show it.
    package func json(as kind: PushRuleKind) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init("rule_id", .string(id)),
            .init("default", .bool(isDefault)),
            .init("enabled", .bool(isEnabled)),
        ]
        if kind.hasConditions { members.append(.init("conditions", .array(conditions))) }
        if kind == .content { members.append(.init("pattern", .string(pattern ?? ""))) }
        members.append(.init("actions", .array(actions)))
        return .object(members)
    }
}

/// Why a change of push rules is refused.
package enum PushRuleError: Error, Hashable, Sendable {
    /// No such rule: 404 `M_NOT_FOUND`.
    case notFound
    /// The rule named by `before` or `after` does not exist: 400 `M_UNKNOWN`.
    case relativeRuleNotFound(String)
    /// The ID is empty, too long, or begins with a dot or holds a slash: 400 `M_INVALID_PARAM`.
    case invalidRuleID
    /// A part of the body that is missing or of the wrong shape: 400 `M_BAD_JSON`.
    case malformed(String)
    /// The user has as many rules as the server keeps: 400 `M_LIMIT_EXCEEDED`.
    case tooManyRules(limit: Int)
}

extension PushRuleError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notFound: "The push rule was not found"
        case .relativeRuleNotFound(let id): "before/after rule not found: \(id)"
        case .invalidRuleID: "The rule ID is invalid or reserved"
        case .malformed(let part): "The push rule's \(part) is missing or malformed"
        case .tooManyRules(let limit): "There are already \(limit) push rules"
        }
    }
}
