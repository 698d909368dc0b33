import HTTPService
import Homeserver
import MatrixModel

/// `PUT /_matrix/client/v3/rooms/{roomId}/redact/{eventId}/{txnId}`
/// <https://spec.matrix.org/v1.15/client-server-api/#put_matrixclientv3roomsroomidredacteventidtxnid>
extension Endpoint {
    static let redact = Endpoint(
        .put,
        "/rooms/{roomId}/redact/{eventId}/{txnId}",
        rate: .message,
        work: .start { call, responder in
            call.send(responder) { () throws(MatrixError) in
                let target = call.path("eventId")
                guard EventID(target) != nil else {
                    throw .invalidParam("This is not an event ID")
                }
                let reason = try call.optionalBody().text("reason")
                var content = JSONWriter(reserving: 128)
                content.object { content in
                    content.optional("reason", reason)
                    content.member("redacts", target)
                }
                return (
                    EventIntent(
                        type: "m.room.redaction",
                        content: content.finish(),
                        redacts: target
                    ),
                    "redact/" + target
                )
            }
        }
    )
}
