import HTTPService
import Homeserver
import Identity
import MatrixModel
import MatrixRules

/// `POST /_matrix/client/v3/rooms/{roomId}/receipt/{receiptType}/{eventId}`
/// <https://spec.matrix.org/v1.15/client-server-api/#post_matrixclientv3roomsroomidreceiptreceipttypeeventid>
extension Endpoint {
    static let setReceipt = Endpoint(
        .post,
        "/rooms/{roomId}/receipt/{receiptType}/{eventId}"
    ) { call in
        let roomID = try call.roomID()
        let eventID = call.path("eventId")
        let thread = try call.optionalBody().thread()
        let type = call.path("receiptType")
        switch type {
        case "m.read", "m.read.private":
            try await call.setReceipts(
                [ReceiptWish(type: type, eventID: eventID, thread: thread)],
                in: roomID
            )
        case "m.fully_read":
            guard thread.isEmpty else {
                throw MatrixError.invalidParam("m.fully_read has no thread_id")
            }
            try await call.setFullyRead(eventID, in: roomID)
        default: throw MatrixError.invalidParam("There is no such receipt type")
        }
        return .empty
    }
}

/// A receipt that a client asks for.
struct ReceiptWish: Sendable {
    var type: String
    var eventID: String
    /// Empty for an unthreaded one.
    var thread: String
}

extension JSONView {
    /// `thread_id`: "main", the event a thread begins with, or nothing.
    fileprivate func thread() throws(MatrixError) -> String {
        guard let thread = field("thread_id") else { return "" }
        guard let text = thread.string, !text.isEmpty,
            text == "main" || EventID(text) != nil
        else { throw .invalidParam("thread_id must be main or an event ID") }
        return text
    }
}

extension Call {
    func setReceipts(_ wishes: [ReceiptWish], in roomID: String) async throws {
        guard !wishes.isEmpty else { return }
        _ = try await latest(roomID)
        let now = wallMilliseconds()
        let receipts = try wishes.map { wish in
            Receipt(
                userID: user,
                type: wish.type,
                thread: wish.thread,
                eventID: wish.eventID,
                position: try gateway.reading.receiptTarget(
                    roomID: roomID,
                    eventID: wish.eventID,
                    type: wish.type,
                    thread: wish.thread,
                    by: requester
                ),
                timestamp: now
            )
        }
        try await perform(
            .setReceipts(roomID: roomID, receipts: receipts),
            in: partition(of: roomID)
        )
    }

    /// The fully read marker is the caller's own room account data.
    func setFullyRead(_ eventID: String, in roomID: String) async throws {
        guard EventID(eventID) != nil else {
            throw MatrixError.invalidParam("This is not an event ID")
        }
        let rows = try await latestRows(of: roomID)
        guard let room = try RoomView(roomID, rows), try room.membership(of: user) == .join else {
            throw MatrixError.forbidden("You are not in this room")
        }
        let content: JSONValue = ["event_id": .string(eventID)]
        try await perform(
            .setAccountData(
                userID: user,
                roomID: roomID,
                type: "m.fully_read",
                content: content.serialized()
            ),
            in: session.partition
        )
    }
}
