import MatrixModel
package import Primitives

/// A reference from one event to another (`m.relates_to`), extracted by the leader so that no
/// fold needs the content.
package struct Relation: Hashable, Sendable {
    package var kind: String
    package var eventID: String
    package init(kind: String, eventID: String) {
        self.kind = kind
        self.eventID = eventID
    }
}

/// One event as it lies in the log: envelope in the clear, content in up to three parts
/// (architecture 2.6). All byte parts are canonical JSON objects or sealed forms of them.
package struct StoredEvent: Hashable, Sendable {
    package var eventID: String
    package var type: String
    package var stateKey: String?
    package var sender: String
    /// Milliseconds since 1970, the sender's server's wall clock.
    package var originServerTimestamp: UInt64
    package var depth: UInt64
    package var previousEvents: [String]
    package var authEvents: [String]
    /// SHA-256 of the event without hashes and signatures.
    package var contentHash: [UInt8]
    /// Ed25519 over the redacted event; 64 bytes.
    package var signature: [UInt8]
    package var signingKeyID: String
    /// What authorization needs to read: a JSON object, `{}` when nothing is clear.
    package var clear: [UInt8]
    /// Salt and content sealed under the sender's key; empty when only clear parts exist.
    package var senderSealed: [UInt8]
    package var senderKeyID: UInt64
    /// For member events: profile fields sealed under the state key user's key.
    package var subjectSealed: [UInt8]
    package var subjectKeyID: UInt64
    package var relation: Relation?
    /// The event this one redacts (`m.room.redaction`).
    package var redacts: String?
    /// Set once another event redacted this one: only `clear`, itself redacted, is served then.
    package var redactedBy: String?
    /// The device and transaction that sent it: echoed to that device only.
    package var device: String?
    package var transactionID: String?
    /// Bytes of the content before sealing.
    package var contentSize: UInt32

    package init(
        eventID: String,
        type: String,
        stateKey: String?,
        sender: String,
        originServerTimestamp: UInt64,
        depth: UInt64,
        previousEvents: [String],
        authEvents: [String],
        contentHash: [UInt8],
        signature: [UInt8],
        signingKeyID: String,
        clear: [UInt8],
        senderSealed: [UInt8],
        senderKeyID: UInt64,
        subjectSealed: [UInt8] = [],
        subjectKeyID: UInt64 = 0,
        relation: Relation? = nil,
        redacts: String? = nil,
        redactedBy: String? = nil,
        device: String? = nil,
        transactionID: String? = nil,
        contentSize: UInt32
    ) {
        self.eventID = eventID
        self.type = type
        self.stateKey = stateKey
        self.sender = sender
        self.originServerTimestamp = originServerTimestamp
        self.depth = depth
        self.previousEvents = previousEvents
        self.authEvents = authEvents
        self.contentHash = contentHash
        self.signature = signature
        self.signingKeyID = signingKeyID
        self.clear = clear
        self.senderSealed = senderSealed
        self.senderKeyID = senderKeyID
        self.subjectSealed = subjectSealed
        self.subjectKeyID = subjectKeyID
        self.relation = relation
        self.redacts = redacts
        self.redactedBy = redactedBy
        self.device = device
        self.transactionID = transactionID
        self.contentSize = contentSize
    }

    package var isState: Bool { stateKey != nil }

    package static let version: UInt8 = 1

    package func encode(into writer: inout ByteWriter) {
        writer.u8(Self.version)
        writer.string(eventID)
        writer.string(type)
        writer.optional(stateKey)
        writer.string(sender)
        writer.varint(originServerTimestamp)
        writer.varint(depth)
        writer.varint(previousEvents.count)
        for id in previousEvents { writer.string(id) }
        writer.varint(authEvents.count)
        for id in authEvents { writer.string(id) }
        writer.blob(contentHash)
        writer.blob(signature)
        writer.string(signingKeyID)
        writer.blob(clear)
        writer.blob(senderSealed)
        writer.varint(senderKeyID)
        writer.blob(subjectSealed)
        writer.varint(subjectKeyID)
        writer.optional(relation?.kind)
        if let relation { writer.string(relation.eventID) }
        writer.optional(redacts)
        writer.optional(redactedBy)
        writer.optional(device)
        writer.optional(transactionID)
        writer.varint(UInt64(contentSize))
    }

    package var encoded: [UInt8] {
        var writer = ByteWriter(
            reserving: 384 + clear.count + senderSealed.count + subjectSealed.count
        )
        encode(into: &writer)
        return writer.bytes
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        let version = try reader.u8()
        guard version == Self.version else { throw .unknownVersion(UInt64(version)) }
        eventID = try reader.string()
        type = try reader.string()
        stateKey = try reader.optionalString()
        sender = try reader.string()
        originServerTimestamp = try reader.varint()
        depth = try reader.varint()
        previousEvents = try reader.strings(limit: 20)
        authEvents = try reader.strings(limit: 20)
        contentHash = Array(try reader.blob())
        signature = Array(try reader.blob())
        signingKeyID = try reader.string()
        clear = Array(try reader.blob())
        senderSealed = Array(try reader.blob())
        senderKeyID = try reader.varint()
        subjectSealed = Array(try reader.blob())
        subjectKeyID = try reader.varint()
        if let kind = try reader.optionalString() {
            relation = Relation(kind: kind, eventID: try reader.string())
        }
        redacts = try reader.optionalString()
        redactedBy = try reader.optionalString()
        device = try reader.optionalString()
        transactionID = try reader.optionalString()
        contentSize = UInt32(clamping: try reader.varint())
    }

    package init(_ bytes: ArraySlice<UInt8>) throws(DecodeError) {
        var reader = ByteReader(bytes)
        self = try StoredEvent(from: &reader)
        try reader.expectEnd()
    }
}

extension ByteReader {
    package mutating func strings(limit: Int) throws(DecodeError) -> [String] {
        let count = try self.count(limit: limit)
        var found: [String] = []
        found.reserveCapacity(count)
        for _ in 0..<count { found.append(try string()) }
        return found
    }
}
