import HTTPService
import MatrixModel
import MatrixRules

/// `GET /_matrix/client/v3/pushrules/`
/// <https://spec.matrix.org/v1.15/client-server-api/#get_matrixclientv3pushrules>
extension Endpoint {
    static let getPushRules = Endpoint(.get, "/pushrules/") { call in
        Reply(try await call.pushRules().content)
    }

    /// The same without the slash, as some clients ask.
    static let getPushRulesBare = Endpoint(.get, "/pushrules") { call in
        Reply(try await call.pushRules().content)
    }
}

/// `GET /_matrix/client/v3/pushrules/global/`
/// <https://spec.matrix.org/v1.15/client-server-api/#get_matrixclientv3pushrulesglobal>
extension Endpoint {
    static let getGlobalPushRules = Endpoint(.get, "/pushrules/global/") { call in
        Reply(try await call.pushRules().global)
    }
}

/// `GET /_matrix/client/v3/pushrules/global/{kind}/{ruleId}`
/// <https://spec.matrix.org/v1.15/client-server-api/#get_matrixclientv3pushrulesglobalkindruleid>
extension Endpoint {
    static let getPushRule = Endpoint(.get, "/pushrules/global/{kind}/{ruleId}") { call in
        let (kind, rule) = try await call.pushRule()
        return Reply(rule.json(as: kind))
    }
}
