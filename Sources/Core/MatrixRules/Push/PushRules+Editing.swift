package import MatrixModel

/// What the pushrules endpoints do.
extension PushRules {
    /// Most rules a user may add, unless told otherwise.
    package static let ownRulesMax = 500
    /// Longest rule ID in bytes: IDs of rooms and users fit.
    package static let ruleIDBytesMax = 255
    /// Most conditions, and most actions, of one rule.
    package static let partsMax = 32

    /// Adds a rule of the user, or replaces its conditions, pattern and actions. A new rule is
    /// enabled and, unless told otherwise, the user's most important of its kind. A replaced one
    /// keeps its place and its switch.
    /// - Parameters:
    ///   - body: of the request.
    ///   - before: the user's rule to stand right before. Wins over `after`.
    ///   - after: the user's rule to stand right after.
    ///   - rulesMax: rules a user may add.
    ///   - patternMax: characters of a pattern, `Glob.lengthEnd` at most.
    package mutating func put(
        _ kind: PushRuleKind,
        _ id: String,
        _ body: JSONView,
        before: String? = nil,
        after: String? = nil,
        rulesMax: Int = PushRules.ownRulesMax,
        patternMax: Int = Glob.lengthMax
    ) throws(PushRuleError) {
        guard (1...Self.ruleIDBytesMax).contains(id.utf8.count), !id.hasPrefix("."),
            !id.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") })
        else { throw .invalidRuleID }
        let parts = try PushRuleParts(body, kind, patternMax: patternMax)
        let existing = index(kind, id)
        if existing == nil, ownRuleCount >= rulesMax {
            throw .tooManyRules(limit: rulesMax)
        }
        if let other = before ?? after, rule(kind, other).map({ $0.isDefault }) ?? true {
            throw .relativeRuleNotFound(other)
        }
        let rule = parts.rule(id, isEnabled: existing.map { self[kind][$0].isEnabled } ?? true)
        let neighbour = before ?? after
        if let existing, neighbour == nil || neighbour == id {
            update(kind) { $0[existing] = rule }
            return
        }
        update(kind) { rules in
            if let existing { rules.remove(at: existing) }
            let place = rules.firstIndex { $0.id == neighbour }.map { before != nil ? $0 : $0 + 1 }
            rules.insert(rule, at: place ?? firstOwnIndex(kind))
        }
    }

    /// Removes a rule of the user.
    package mutating func remove(_ kind: PushRuleKind, _ id: String) throws(PushRuleError) {
        if id.hasPrefix(".") { throw .invalidRuleID }
        guard let index = index(kind, id) else { throw .notFound }
        update(kind) { $0.remove(at: index) }
    }

    /// Switches a rule, the server's own included.
    package mutating func setEnabled(
        _ kind: PushRuleKind,
        _ id: String,
        _ isEnabled: Bool
    ) throws(PushRuleError) {
        guard let index = index(kind, id) else { throw .notFound }
        update(kind) { $0[index].isEnabled = isEnabled }
    }

    /// Replaces the actions of a rule, the server's own included.
    /// - Parameter actions: the array `actions` of the request's body.
    package mutating func setActions(
        _ kind: PushRuleKind,
        _ id: String,
        _ actions: JSONView
    ) throws(PushRuleError) {
        guard let index = index(kind, id) else { throw .notFound }
        let valid = try parseActions(actions)
        update(kind) { $0[index].actions = valid }
    }
}

/// What a body says of a rule, checked.
struct PushRuleParts {
    var actions: [JSONValue]
    var conditions: [JSONValue] = []
    var pattern: String?

    init(
        _ body: JSONView,
        _ kind: PushRuleKind,
        patternMax: Int = Glob.lengthEnd
    ) throws(PushRuleError) {
        func isFit(_ pattern: String) -> Bool { pattern.unicodeScalars.count <= patternMax }
        guard let actions = body["actions"] else { throw .malformed("actions") }
        self.actions = try parseActions(actions)
        if kind == .content {
            guard let pattern = body["pattern"]?.string, isFit(pattern) else {
                throw .malformed("pattern")
            }
            self.pattern = pattern
        }
        if kind.hasConditions, let conditions = body["conditions"] {
            guard conditions.isArray, conditions.count <= PushRules.partsMax else {
                throw .malformed("conditions")
            }
            for condition in conditions.elements {
                guard condition["kind"]?.string != nil else { throw .malformed("conditions") }
                if let pattern = condition["pattern"] {
                    guard let text = pattern.string, isFit(text) else {
                        throw .malformed("pattern")
                    }
                }
                self.conditions.append(JSONValue(condition))
            }
        }
    }

    func rule(_ id: String, isEnabled: Bool) -> PushRule {
        PushRule(
            id: id,
            isEnabled: isEnabled,
            actions: actions,
            conditions: conditions,
            pattern: pattern
        )
    }
}

/// The actions of a rule: "notify" and tweaks. What older specifications knew beside them does
/// nothing and is dropped.
func parseActions(_ view: JSONView) throws(PushRuleError) -> [JSONValue] {
    guard view.isArray, view.count <= PushRules.partsMax else { throw .malformed("actions") }
    var actions: [JSONValue] = []
    for action in view.elements {
        switch action.string {
        case "notify": actions.append("notify")
        case "dont_notify", "coalesce": continue
        case .some: throw .malformed("actions")
        case nil:
            guard action["set_tweak"]?.string != nil else { throw .malformed("actions") }
            actions.append(JSONValue(action))
        }
    }
    return actions
}
