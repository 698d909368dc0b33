import HTTPService
import MatrixRules

/// `PUT /_matrix/client/v3/pushrules/global/{kind}/{ruleId}`
/// <https://spec.matrix.org/v1.15/client-server-api/#put_matrixclientv3pushrulesglobalkindruleid>
extension Endpoint {
    static let setPushRule = Endpoint(
        .put,
        "/pushrules/global/{kind}/{ruleId}",
        body: .accountData
    ) { call in
        let kind = try call.pushRuleKind()
        let body = try call.body()
        let before = call.request.query("before")
        let after = call.request.query("after")
        return try await call.editPushRules { rules throws(PushRuleError) in
            try rules.put(
                kind,
                call.path("ruleId"),
                body,
                before: before,
                after: after,
                rulesMax: call.settings.limits.pushRules,
                patternMax: call.settings.limits.pushPatternCharacters
            )
        }
    }
}

/// `DELETE /_matrix/client/v3/pushrules/global/{kind}/{ruleId}`
/// <https://spec.matrix.org/v1.15/client-server-api/#delete_matrixclientv3pushrulesglobalkindruleid>
extension Endpoint {
    static let deletePushRule = Endpoint(.delete, "/pushrules/global/{kind}/{ruleId}") { call in
        let kind = try call.pushRuleKind()
        return try await call.editPushRules { rules throws(PushRuleError) in
            try rules.remove(kind, call.path("ruleId"))
        }
    }
}
