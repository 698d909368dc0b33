/// Why an event cannot be built, or a PDU cannot be accepted.
package enum EventError: Error, Hashable, Sendable {
    /// The canonical PDU with its signatures is longer than 65,536 bytes.
    case tooLarge(bytes: Int)
    /// This field is longer than 255 bytes.
    case fieldTooLong(Field)
    case tooManyEvents(Field)
    /// Timestamp or depth outside 0 … 2^53−1.
    case outOfRange(Field)
    /// Only a create event of room version 12 on has no room ID, and it never has one.
    case roomIDMismatch
    case badContent(JSONError)
    case signingFailed

    package enum Field: String, Hashable, Sendable {
        case type, sender, depth
        case roomID = "room_id"
        case stateKey = "state_key"
        case timestamp = "origin_server_ts"
        case prevEvents = "prev_events"
        case authEvents = "auth_events"
    }
}

extension MatrixError {
    package init(_ error: EventError) {
        switch error {
        case .tooLarge: self.init(.tooLarge, "The event is too large")
        case .fieldTooLong(let field):
            self.init(.tooLarge, "\(field.rawValue) is longer than 255 bytes")
        case .badContent(let reason): self.init(reason)
        case .outOfRange(let field), .tooManyEvents(let field):
            self.init(.badJSON, "Invalid \(field.rawValue)")
        case .roomIDMismatch: self.init(.badJSON, "Invalid room_id")
        case .signingFailed: self.init(.unknown, "The event could not be signed")
        }
    }
}
