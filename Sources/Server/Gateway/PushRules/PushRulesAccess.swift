import Homeserver
import Identity
import MatrixModel
import MatrixRules

/// Push rules are one item of account data, `m.push_rules`, holding what differs from the
/// server's defaults.
/// All rules of a user as they are stored: each sync compiles them, and each event meets them.
private let pushRulesBytesMax = 128 << 10

extension Call {
    func pushRules() async throws -> PushRules {
        guard let stored = try await ownAccount().accountData("", "m.push_rules") else {
            return PushRules(defaultsFor: userID)
        }
        return PushRules(user: userID, stored: try? JSONDocument(parsing: stored).root)
    }

    /// One edit at a time per user: two clients may change different rules at once.
    func editPushRules(
        _ edit: (inout PushRules) throws(PushRuleError) -> Void
    ) async throws -> Reply {
        try await gateway.edits.withKey("push " + user) {
            var rules = try await pushRules()
            let before = rules
            do throws(PushRuleError) {
                try edit(&rules)
            } catch {
                throw MatrixError(error)
            }
            guard rules != before else { return }
            let stored = rules.stored.serialized()
            guard stored.count <= pushRulesBytesMax else {
                throw MatrixError.limitReached("The push rules are too large together")
            }
            try await perform(
                .setAccountData(
                    userID: user,
                    roomID: "",
                    type: "m.push_rules",
                    content: stored
                ),
                in: session.partition
            )
        }
        return .empty
    }

    func pushRuleKind() throws(MatrixError) -> PushRuleKind {
        guard let kind = PushRuleKind(rawValue: path("kind")) else {
            throw .invalidParam("There is no such kind of push rule")
        }
        return kind
    }

    /// The rule in the path: 404 where there is none.
    func pushRule() async throws -> (kind: PushRuleKind, rule: PushRule) {
        let kind = try pushRuleKind()
        guard let rule = try await pushRules().rule(kind, path("ruleId")) else {
            throw MatrixError(PushRuleError.notFound)
        }
        return (kind, rule)
    }
}

extension MatrixError {
    init(_ error: PushRuleError) {
        switch error {
        case .notFound: self = .notFound(error.description)
        case .relativeRuleNotFound:
            self.init(.unknown, error.description, status: 400)
        case .invalidRuleID: self = .invalidParam(error.description)
        case .malformed: self = .badJSON(error.description)
        case .tooManyRules: self = .limitReached(error.description)
        }
    }
}
