import Homeserver
import Primitives

/// A stored event as far as readers need it: what only federation, hashing and folding look at
/// is skipped, and the sealed parts stay slices of the row.
struct EventRow {
    let eventID: String
    let type: String
    let stateKey: String?
    let sender: String
    let timestamp: UInt64
    let clear: ArraySlice<UInt8>
    let senderSealed: ArraySlice<UInt8>
    let subjectSealed: ArraySlice<UInt8>
    let relation: Relation?
    let redacts: String?
    let redactedBy: String?
    let device: String?
    let transactionID: String?

    /// - Parameter bytes: what `StoredEvent.encode` wrote.
    init(_ bytes: ArraySlice<UInt8>) throws(DecodeError) {
        var reader = ByteReader(bytes)
        let version = try reader.u8()
        guard version == StoredEvent.version else { throw .unknownVersion(UInt64(version)) }
        eventID = try reader.string()
        type = try reader.string()
        stateKey = try reader.optionalString()
        sender = try reader.string()
        timestamp = try reader.varint()
        _ = try reader.varint()  // depth
        for _ in 0..<2 {  // previous and auth events
            for _ in 0..<(try reader.count(limit: 20)) { _ = try reader.blob() }
        }
        for _ in 0..<3 { _ = try reader.blob() }  // content hash, signature, signing key ID
        clear = try reader.blob()
        senderSealed = try reader.blob()
        _ = try reader.varint()
        subjectSealed = try reader.blob()
        _ = try reader.varint()
        if let kind = try reader.optionalString() {
            relation = Relation(kind: kind, eventID: try reader.string())
        } else {
            relation = nil
        }
        redacts = try reader.optionalString()
        redactedBy = try reader.optionalString()
        device = try reader.optionalString()
        transactionID = try reader.optionalString()
    }

    init(_ event: StoredEvent) {
        eventID = event.eventID
        type = event.type
        stateKey = event.stateKey
        sender = event.sender
        timestamp = event.originServerTimestamp
        clear = event.clear[...]
        senderSealed = event.senderSealed[...]
        subjectSealed = event.subjectSealed[...]
        relation = event.relation
        redacts = event.redacts
        redactedBy = event.redactedBy
        device = event.device
        transactionID = event.transactionID
    }
}

/// Type, state key and sender of a stored event, read in place: enough to pass over it.
struct EventGlance {
    let type: UnsafeRawBufferPointer
    let sender: UnsafeRawBufferPointer
    let isState: Bool

    /// Nil for bytes that no stored event begins with.
    init?(_ bytes: UnsafeRawBufferPointer) {
        var cursor = 1
        func text() -> UnsafeRawBufferPointer? {
            var length = 0
            var shift = 0
            while cursor < bytes.count, shift < 28 {
                let byte = bytes[cursor]
                cursor += 1
                length |= Int(byte & 0x7F) << shift
                if byte & 0x80 == 0 {
                    guard length <= bytes.count - cursor else { return nil }
                    defer { cursor += length }
                    return UnsafeRawBufferPointer(rebasing: bytes[cursor..<cursor + length])
                }
                shift += 7
            }
            return nil
        }
        guard text() != nil, let type = text(), cursor < bytes.count else { return nil }
        isState = bytes[cursor] == 1
        cursor += 1
        if isState, text() == nil { return nil }
        guard let sender = text() else { return nil }
        self.type = type
        self.sender = sender
    }

    func hasType(_ name: StaticString) -> Bool {
        name.withUTF8Buffer { type.elementsEqual($0) }
    }

    func isSent(by user: String) -> Bool { sender.elementsEqual(user.utf8) }

    var typeText: String { String(decoding: type, as: UTF8.self) }
    var senderText: String { String(decoding: sender, as: UTF8.self) }
}
