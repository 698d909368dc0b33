import Encryption
import HTTPService
import Homeserver
import Identity
import MatrixModel
import Primitives

/// `PUT /_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}`
/// <https://spec.matrix.org/v1.15/client-server-api/#put_matrixclientv3roomsroomidsendeventtypetxnid>
extension Endpoint {
    static let sendMessageEvent = Endpoint(
        .put,
        "/rooms/{roomId}/send/{eventType}/{txnId}",
        rate: .message,
        work: .start { call, responder in
            call.send(responder) { () throws(MatrixError) in
                let type = call.path("eventType")
                try MatrixError.checkKey(type, "An event's type")
                let (view, content) = try call.content()
                var draft = EventIntent(
                    type: type,
                    content: content,
                    relation: Relation(of: view)
                )
                if type == "m.room.redaction" { draft.redacts = try view.needText("redacts") }
                return (draft, "send/" + type)
            }
        }
    )
}

extension Call {
    /// Sends a room event under the client's transaction ID, from the event loop and without a
    /// task: this is the road that most requests take.
    /// - Parameter make: the event, and what besides the room the transaction ID is scoped to.
    func send(
        _ responder: Responder,
        _ make: () throws(MatrixError) -> (draft: EventIntent, route: String)
    ) {
        do throws(MatrixError) {
            let roomID = try roomID()
            let transactionID = try transactionID()
            let (draft, route) = try make()
            let command = Command(
                id: commandID(route, roomID, transactionID),
                answerLifetime: Command.clientLifetime,
                action: .sendEvent(
                    SendEvent(
                        roomID: roomID,
                        sender: user,
                        senderKeyID: session.keyID,
                        deviceID: session.deviceID,
                        transactionID: transactionID,
                        draft: draft
                    )
                )
            )
            gateway.submit(command, to: partition(of: roomID), self, responder, \.eventReply)
        } catch {
            responder.respond(gateway.response(to: error))
        }
    }

    /// The command ID of a transaction: the same for every retry of the same device on the same
    /// path, and for nobody else.
    private func commandID(
        _ route: String,
        _ roomID: String,
        _ transactionID: String
    ) -> CommandID {
        var writer = ByteWriter(reserving: 256)
        writer.string(user)
        writer.string(session.deviceID)
        writer.string(route)
        writer.string(roomID)
        writer.string(transactionID)
        return Digest(of: writer.bytes).withUnsafeBytes {
            CommandID(
                high: UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
                low: UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
    }
}

extension Relation {
    /// What `m.relates_to` says, in the shape that projections index; nil for none or another.
    init?(of content: JSONView) {
        guard let relates = content["m.relates_to"], let kind = relates["rel_type"]?.string,
            let target = relates["event_id"]?.string, kind.utf8.count <= 255,
            EventID(target) != nil
        else { return nil }
        self.init(kind: kind, eventID: target)
    }
}
