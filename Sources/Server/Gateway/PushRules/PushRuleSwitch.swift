import HTTPService
import MatrixModel
import MatrixRules

/// `GET /_matrix/client/v3/pushrules/global/{kind}/{ruleId}/enabled`
/// <https://spec.matrix.org/v1.15/client-server-api/#get_matrixclientv3pushrulesglobalkindruleidenabled>
extension Endpoint {
    static let getPushRuleEnabled = Endpoint(
        .get,
        "/pushrules/global/{kind}/{ruleId}/enabled"
    ) { call in
        Reply(["enabled": .bool(try await call.pushRule().rule.isEnabled)])
    }
}

/// `PUT /_matrix/client/v3/pushrules/global/{kind}/{ruleId}/enabled`
/// <https://spec.matrix.org/v1.15/client-server-api/#put_matrixclientv3pushrulesglobalkindruleidenabled>
extension Endpoint {
    static let setPushRuleEnabled = Endpoint(
        .put,
        "/pushrules/global/{kind}/{ruleId}/enabled",
        body: .accountData
    ) { call in
        let kind = try call.pushRuleKind()
        guard let isEnabled = try call.body().flag("enabled") else {
            throw MatrixError.missingParam("enabled")
        }
        return try await call.editPushRules { rules throws(PushRuleError) in
            try rules.setEnabled(kind, call.path("ruleId"), isEnabled)
        }
    }
}
