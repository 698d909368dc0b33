import HTTPService
import MatrixModel

/// `GET /_matrix/client/versions`
/// <https://spec.matrix.org/v1.15/client-server-api/#get_matrixclientversions>
extension Endpoint {
    static let versions = Endpoint(.get, "/_matrix/client/versions", prefixes: [""], by: .anyone) {
        _ in
        Reply([
            "versions": .array(
                ["r0.6.1"] + (1...15).map { .string("v1.\($0)") }
            ),
            "unstable_features": [:],
        ])
    }
}
