import HTTPService
import MatrixModel
import MatrixRules

/// `GET /_matrix/client/v3/pushrules/global/{kind}/{ruleId}/actions`
/// <https://spec.matrix.org/v1.15/client-server-api/#get_matrixclientv3pushrulesglobalkindruleidactions>
extension Endpoint {
    static let getPushRuleActions = Endpoint(
        .get,
        "/pushrules/global/{kind}/{ruleId}/actions"
    ) { call in
        Reply(["actions": .array(try await call.pushRule().rule.actions)])
    }
}

/// `PUT /_matrix/client/v3/pushrules/global/{kind}/{ruleId}/actions`
/// <https://spec.matrix.org/v1.15/client-server-api/#put_matrixclientv3pushrulesglobalkindruleidactions>
extension Endpoint {
    static let setPushRuleActions = Endpoint(
        .put,
        "/pushrules/global/{kind}/{ruleId}/actions",
        body: .accountData
    ) { call in
        let kind = try call.pushRuleKind()
        guard let actions = try call.body().field("actions") else {
            throw MatrixError.missingParam("actions")
        }
        return try await call.editPushRules { rules throws(PushRuleError) in
            try rules.setActions(kind, call.path("ruleId"), actions)
        }
    }
}
