import HTTPService

/// `POST /_matrix/client/v3/rooms/{roomId}/read_markers`
/// <https://spec.matrix.org/v1.15/client-server-api/#post_matrixclientv3roomsroomidread_markers>
extension Endpoint {
    static let readMarkers = Endpoint(.post, "/rooms/{roomId}/read_markers") { call in
        let roomID = try call.roomID()
        let body = try call.optionalBody()
        let fullyRead = try body.text("m.fully_read")
        var wishes: [ReceiptWish] = []
        if let eventID = try body.text("m.read") {
            wishes.append(ReceiptWish(type: "m.read", eventID: eventID, thread: ""))
        }
        if let eventID = try body.text("m.read.private") {
            wishes.append(ReceiptWish(type: "m.read.private", eventID: eventID, thread: ""))
        }
        try await call.setReceipts(wishes, in: roomID)
        if let fullyRead { try await call.setFullyRead(fullyRead, in: roomID) }
        return .empty
    }
}
